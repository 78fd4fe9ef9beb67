"""The task ContextLabel: targets, gradients, corrections, bad input."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Data

from graphlab.contrastive.pretext import (
    ContextLabel,
    DistanceToLabeled,
    LabelCorrection,
    context_histogram,
)
from tests._graphs import planted


def task(data: Data | None = None, **options: Any) -> tuple[ContextLabel, Data]:
    graph = planted(60, 3) if data is None else data
    torch.manual_seed(0)
    return ContextLabel(12, 3, dropout=0.0, **options).setup(graph), graph


def test_targets_are_the_contexts_of_spread_labels() -> None:
    given = torch.arange(60) % 3
    made, data = task(labels=given, hops=1)
    context = context_histogram(data.edge_index, data.y, hops=1).float()
    torch.testing.assert_close(made.target, context)
    alone = context.sum(1) == 0
    assert made.report == {"labelled": 20, "spread": 40, "without_context": int(alone.sum())}
    torch.testing.assert_close(made.mask, ~data.train_mask & ~alone)


@pytest.mark.parametrize("labels", ["harmonic", "ica"])
def test_only_labels_of_training_nodes_are_read(labels: Any) -> None:
    data = planted(60, 3)
    first, _ = task(data, labels=labels)
    data.y = torch.where(data.train_mask, data.y, (data.y + 1) % 3)
    second, _ = task(data, labels=labels)
    torch.testing.assert_close(first.target, second.target, rtol=0, atol=0)


def test_loss_is_the_mean_squared_error_and_can_be_minimised() -> None:
    made, data = task()
    share = made.head(data.x).softmax(1)
    wanted = (share - made.target).square()[made.mask].mean()
    torch.testing.assert_close(made.loss(data.x), wanted)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.1)
    begin = made.loss(data.x).item()
    for _ in range(30):
        optimizer.zero_grad()
        made.loss(data.x).backward()
        optimizer.step()
    assert made.loss(data.x).item() < 0.5 * begin


def test_gradient_reaches_the_hidden_states() -> None:
    made, data = task()
    h = data.x.double().requires_grad_()
    assert torch.autograd.gradcheck(made.double().loss, (h,))


def test_nodes_without_context_are_left_out() -> None:
    data = planted(60, 3)
    data.edge_index = data.edge_index[:, (data.edge_index < 50).all(0)]
    alone = torch.ones(60, dtype=torch.bool)
    alone[data.edge_index.flatten()] = False
    made, _ = task(data)
    assert made.report["without_context"] == int(alone.sum()) >= 10
    assert not bool(made.mask[50:].any())
    h = data.x.clone()
    h[50:] = 100.0
    torch.testing.assert_close(made.loss(h), made.loss(data.x))


def test_loss_without_any_target_is_zero_with_a_gradient() -> None:
    data = planted(60, 3)
    data.edge_index = data.edge_index[:, :0]
    with pytest.warns(UserWarning, match="60 of 60 nodes have no label around"):
        made, _ = task(data)
    h = data.x.requires_grad_()
    loss = made.loss(h)
    loss.backward()
    assert float(loss.detach()) == 0
    assert h.grad is not None and float(h.grad.abs().sum()) == 0


def test_correction_adds_a_term_and_keeps_known_labels() -> None:
    data = planted(60, 3, noise=0.1)
    wrong = torch.where(data.train_mask, data.y, (data.y + (torch.arange(60) % 4 == 0)) % 3)
    made, _ = task(data, labels=wrong, correction=LabelCorrection(), correction_weight=2.0)
    plain = made.loss(data.x).item()
    right = context_histogram(data.edge_index, data.y).float()
    made.correct(data.x)
    torch.testing.assert_close(made.corrected, right)
    share = made.head(data.x).softmax(1)
    second = (share - right).square()[made.mask].mean()
    assert made.loss(data.x).item() == pytest.approx(plain + 2 * second.item(), rel=1e-5)
    # A new setup forgets the correction.
    assert made.setup(data).loss(data.x).item() == pytest.approx(plain, rel=1e-5)


def test_dropout_is_off_in_evaluation() -> None:
    data = planted(60, 3)
    made = ContextLabel(12, 3).setup(data).eval()
    torch.testing.assert_close(made.loss(data.x), made.loss(data.x), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"y": None}, ValueError, "data must have y"),
        ({"train_mask": None}, ValueError, "train_mask"),
        ({"train_mask": torch.zeros(60, dtype=torch.bool)}, ValueError, "all are negative"),
        ({"train_mask": torch.ones(59, dtype=torch.bool)}, ValueError, "train_mask must have"),
        ({"train_mask": torch.ones(60, 2).bool()}, ValueError, r"shape \(60,\), got \(60, 2\)"),
        ({"train_mask": torch.arange(9)}, TypeError, r"torch.int64 \(9,\): .*index_to_mask makes"),
        ({"train_mask": torch.ones(60)}, TypeError, r"torch.float32 \(60,\): train_mask.bool\(\)"),
        ({"train_mask": [True] * 60}, TypeError, r"train_mask must be bool \(60,\), got list"),
        ({"y": torch.zeros(60, 1).long()}, ValueError, r"y must have shape \(60,\), got \(60, 1\)"),
        ({"y": torch.zeros(59).long()}, ValueError, r"y must have shape \(60,\), got \(59,\)$"),
        ({"y": [0] * 60}, TypeError, "y must be a torch.Tensor, got list"),
    ],
)
def test_bad_graphs_are_named(change: dict, error: type[Exception], match: str) -> None:
    data = planted(60, 3)
    for name, value in change.items():
        data[name] = value
    for task in (ContextLabel(12, 3), DistanceToLabeled(12, 3)):
        with pytest.raises(error, match=match):
            task.setup(data)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"in_channels": 0}, ValueError, "in_channels"),
        ({"num_classes": 1}, ValueError, "num_classes"),
        ({"labels": "lp"}, ValueError, "labels"),
        ({"hops": 3}, ValueError, "hops"),
        ({"dropout": 2.0}, ValueError, "dropout"),
        ({"correction": True}, TypeError, "correction"),
        ({"correction_weight": -1.0}, ValueError, "correction_weight"),
    ],
)
def test_bad_options_are_named(options: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        ContextLabel(**({"in_channels": 4, "num_classes": 3} | options))


def test_calls_out_of_order_are_named() -> None:
    with pytest.raises(RuntimeError, match="setup"):
        ContextLabel(4, 3).loss(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="correction must be"):
        task()[0].correct(torch.zeros(60, 2))
    with pytest.raises(RuntimeError, match="setup"):
        ContextLabel(4, 3, correction=LabelCorrection()).correct(torch.zeros(60, 2))
    made, _ = task()
    with pytest.raises(TypeError, match="h must have the dtype of the head, torch.float32"):
        made.loss(torch.zeros(60, 12, dtype=torch.float64))
    with pytest.raises(ValueError, match="h must have 60 rows"):
        made.loss(torch.zeros(59, 12))
    with pytest.raises(ValueError, match="labels must have 60"):
        ContextLabel(12, 3, labels=torch.tensor([0, 1, 2])).setup(planted(60, 3))
