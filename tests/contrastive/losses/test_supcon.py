"""Supervised contrast: golden values, the definition, the border."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from graphlab.contrastive import supcon_loss
from graphlab.ops import trusted_values
from tests._golden import load


def written_out(features, labels, temperature):
    views = features.size(1)
    x, y = features.flatten(0, 1), labels.repeat_interleave(views)
    logits = x @ x.t() / temperature
    logits = logits.masked_fill(torch.eye(len(y), dtype=torch.bool), -torch.inf)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    terms = []
    for i in range(len(y)):
        positives = [j for j in range(len(y)) if j != i and y[j] == y[i]]
        if positives:
            terms.append(-log_p[i, positives].mean())
    return torch.stack(terms).mean()


def test_golden_loss_and_gradient():
    case = load("graphclip", "supcon_loss")
    features = case["features"].requires_grad_()
    loss = supcon_loss(features, case["labels"], float(case["temperature"]))
    loss.backward()
    torch.testing.assert_close(loss.detach(), case["loss"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(features.grad, case["grad"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("views", [1, 2, 3])
def test_equals_the_definition_also_with_lonely_anchors(views):
    generator = torch.Generator().manual_seed(0)
    features = normalize(torch.randn(7, views, 4, dtype=torch.float64, generator=generator), dim=2)
    labels = torch.tensor([3, -1, 3, 3, 8, -1, 100])
    got = supcon_loss(features, labels, 0.2)
    torch.testing.assert_close(got, written_out(features, labels, 0.2), rtol=1e-11, atol=1e-12)
    assert torch.autograd.gradcheck(
        lambda f: supcon_loss(f, labels, 0.2), [features.requires_grad_()]
    )


@pytest.mark.parametrize(
    ("features", "labels", "error", "words"),
    [
        (torch.ones(2, 3), torch.zeros(2).long(), ValueError, "features must have shape"),
        (torch.ones(2, 1, 3).long(), torch.zeros(2).long(), TypeError, "floating point"),
        (torch.ones(2, 1, 3), torch.zeros(3).long(), ValueError, "labels must be integers"),
        (torch.ones(2, 1, 3), torch.zeros(2), ValueError, "labels must be integers"),
        (torch.ones(2, 1, 3), torch.arange(2), ValueError, "at least one anchor a positive"),
        (torch.full((2, 1, 3), torch.nan), torch.zeros(2).long(), ValueError, "must be finite"),
    ],
)
def test_bad_input_is_refused_by_name(features, labels, error, words):
    with pytest.raises(error, match=words):
        supcon_loss(features, labels)


def test_values_that_are_trusted_are_not_looked_at():
    features, labels = torch.full((2, 1, 3), torch.nan), torch.zeros(2).long()
    with trusted_values():
        assert supcon_loss(features, labels).isnan()
