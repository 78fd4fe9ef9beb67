"""BGRL: the target network follows."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from graphlab.contrastive import BGRL
from tests.contrastive._hosts import WIDTH, encoder, graph


def test_bgrl_target_follows() -> None:
    x, edge_index, _ = graph()
    model = BGRL(encoder(), WIDTH, 16, momentum=0.75)
    pairs = list(zip(model.target_encoder.parameters(), model.encoder.parameters(), strict=True))
    assert all(torch.equal(a, b) and not a.requires_grad for a, b in pairs)
    with torch.no_grad():
        for _, fast in pairs:
            fast.add_(1.0)
    old = [slow.clone() for slow, _ in pairs]
    model.update_target()
    for (slow, fast), before in zip(pairs, old, strict=True):
        torch.testing.assert_close(slow, 0.75 * before + 0.25 * fast)
    model.update_target(0.0)
    torch.testing.assert_close(model.target(x, edge_index), model.embed(x, edge_index))


@pytest.mark.parametrize(("step", "kept"), [(0, 0.8), (5, 0.9), (10, 1.0)])
def test_momentum_rises_to_one_along_half_a_cosine(step: int, kept: float) -> None:
    model = BGRL(encoder(), WIDTH, 16, momentum=0.8)
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.add_(1.0)
    slow = copy.deepcopy(model.target_encoder)
    model.after_step(step, 10)
    for old, new in zip(slow.parameters(), model.target_encoder.parameters(), strict=True):
        assert float((new - old).detach().mean()) == pytest.approx(1 - kept, abs=1e-6)
    assert math.isclose(model.momentum, 0.8)
