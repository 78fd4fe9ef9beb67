"""Rates over the steps, the best weights so far, losses that are not finite."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from graphlab._io import load_arrays, save_arrays
from graphlab._training import (
    BestWeights,
    NonFiniteLossError,
    finite_loss,
    linear_warmup,
    target_momentum,
    warmup_cosine,
    warmup_linear,
)
from graphlab._training_checkpoint import load_checkpoint, save_checkpoint


def test_the_rise_starts_at_zero_or_one_step_up():
    assert [linear_warmup(s, 2.0, 4) for s in range(6)] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.0]
    assert [linear_warmup(s, 2.0, 4, first=1) for s in range(6)] == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]
    assert linear_warmup(0, 2.0, 0) == 2.0


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("curve", [warmup_cosine, warmup_linear])
def test_rates_rise_to_the_peak_and_fall_to_zero(curve, first):
    rates = [curve(s, 3.0, 5, 20, first=first) for s in range(21)]
    assert rates[:5] == [linear_warmup(s, 3.0, 5, first=first) for s in range(5)]
    assert rates[5] == 3.0 == max(rates)
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[20] == pytest.approx(0.0, abs=1e-15)
    assert min(rates[1:20]) > 0


def test_half_way_down_is_half_the_peak():
    assert warmup_cosine(10, 1.0, 5, 15) == pytest.approx(0.5)
    assert warmup_linear(10, 1.0, 5, 15) == 0.5
    assert warmup_cosine(8, 1.0, 0, 16) == pytest.approx(0.5)


def test_a_training_that_is_all_warmup_has_no_fall():
    assert [warmup_cosine(s, 1.0, 2, 2, first=1) for s in range(2)] == [0.5, 1.0]
    assert [warmup_linear(s, 1.0, 2, 2, first=1) for s in range(2)] == [0.5, 1.0]


def test_momentum_rises_from_its_base_to_one():
    values = [target_momentum(s, 0.9, 10) for s in range(11)]
    assert values[0] == pytest.approx(0.9) and values[10] == 1.0
    assert values == sorted(values)
    assert values[5] == pytest.approx(0.95)


@pytest.mark.parametrize(("latest", "epoch"), [(False, 1), (True, 3)])
def test_the_best_weights_are_copies_of_their_epoch(latest, epoch):
    layer, best = nn.Linear(1, 1), BestWeights(latest=latest)
    kept = []
    for number, score in enumerate((0.2, 0.5, 0.4, 0.5, 0.1)):
        with torch.no_grad():
            layer.weight.fill_(number)
        kept.append(best.update(score, number, layer.state_dict()))
    assert kept == [True, True, False, latest, False]
    assert (best.score, best.epoch, best.waited(4)) == (0.5, epoch, 4 - epoch)
    layer.load_state_dict(best.weights)
    assert layer.weight.item() == epoch


def test_scores_may_be_pairs_and_go_on_from_a_checkpoint():
    best = BestWeights()
    assert best.score is None and best.epoch == -1 and best.weights == {}
    best.resume((0.5, -1.0), 4, {"w": torch.ones(1)})
    assert not best.update((0.5, -1.0), 5, {"w": torch.zeros(1)})
    assert best.update((0.5, -0.9), 6, {"w": torch.zeros(1)}, device="cpu")
    assert best.epoch == 6 and float(best.weights["w"]) == 0.0


def test_a_loss_is_read_or_refused():
    loss = torch.tensor(1.5, requires_grad=True)
    assert finite_loss(loss, "epoch 0") == finite_loss(1.5, "epoch 0") == 1.5
    for kind in (FloatingPointError, RuntimeError):
        with pytest.raises(kind, match="^the loss is nan in epoch 3: lower lr$"):
            finite_loss(loss * math.nan, "epoch 3")
    with pytest.raises(NonFiniteLossError, match="^the loss of member 'P' is inf in step 1: rest$"):
        finite_loss(math.inf, "step 1", "rest", of="member 'P'")


@pytest.fixture
def checkpoint(tmp_path):
    """A file after one step of Adam, and what it holds."""
    layer = nn.Linear(2, 1)
    adam = torch.optim.Adam(layer.parameters())
    layer(torch.ones(2)).backward()
    adam.step()
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, layer.state_dict(), adam, {}, {"settings": {"lr": 0.5}, "epoch": 1})
    return path, layer, adam


def test_a_checkpoint_brings_weights_moments_and_record_back(checkpoint):
    path, layer, adam = checkpoint
    other = torch.optim.Adam(nn.Linear(2, 1).parameters())
    weights, best, record = load_checkpoint(path, other, {"lr": 0.5})
    assert torch.equal(weights["weight"], layer.weight) and best == {}
    assert record == {"settings": {"lr": 0.5}, "epoch": 1}
    for ours, theirs in zip(other.state.values(), adam.state.values(), strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ("step", "exp_avg"))
    with pytest.raises(ValueError, match=r"other settings \(lr: 0\.5 -> 0\.1\); resume=False"):
        load_checkpoint(path, other, {"lr": 0.1})


@pytest.mark.parametrize(
    ("arrays", "record", "message"),
    [
        ({}, None, "is no checkpoint of a training$"),
        ({}, "{", "is a damaged checkpoint: JSONDecodeError"),
        ({}, "{}", "is a damaged checkpoint: KeyError.'settings'"),
        ({}, "[" * 100_000, "is a damaged checkpoint: RecursionError"),
        (
            {"model/weight": torch.tensor([[1.0, math.nan]])},
            None,
            r".*model/weight must be finite, but model/weight\[\(0, 1\)\] = nan",
        ),
        ({"other/weight": torch.ones(1)}, None, "is a damaged checkpoint: KeyError.'other'"),
        ({"optimizer/0": torch.ones(1)}, None, "is a damaged checkpoint: ValueError"),
        ({"optimizer/a/step": torch.ones(1)}, None, "is a damaged checkpoint: ValueError.*'a'"),
    ],
)
def test_files_that_are_no_checkpoint_are_refused_by_name(arrays, record, message, checkpoint):
    path, _, adam = checkpoint
    present, metadata = load_arrays(path)
    if not arrays:
        metadata = {} if record is None else dict.fromkeys(metadata, record)
    save_arrays(path, present | arrays, metadata)
    with pytest.raises(ValueError, match=rf"checkpoint\.safetensors {message}"):
        load_checkpoint(path, adam, {"lr": 0.5})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("exp_avg", math.nan, r"exp_avg must be finite, but optimizer/0/exp_avg\[\(0, 1\)\] = nan"),
        ("exp_avg_sq", math.inf, r"exp_avg_sq must be finite"),
        ("exp_avg_sq", -1e-9, "has a negative mean of squares"),
        ("exp_avg", 1e4, "has a mean of gradients beyond that of their squares"),
        ("exp_avg", -1e30, "has a mean of gradients beyond that of their squares"),
    ],
)
def test_moments_that_no_gradients_leave_are_refused(name, value, message, checkpoint):
    path, _, adam = checkpoint
    present, metadata = load_arrays(path)
    moments = present[f"optimizer/0/{name}"].clone()
    moments[0, 1] = value
    save_arrays(path, present | {f"optimizer/0/{name}": moments}, metadata)
    with pytest.raises(ValueError, match=rf"checkpoint\.safetensors is .*optimizer/0.?{message}"):
        load_checkpoint(path, adam, {"lr": 0.5})


@pytest.mark.parametrize("scale", [1e-25, 1e-12, 1.0, 1e15])
@pytest.mark.parametrize("kind", ["AdamW", "Adam", "SparseAdam", "Adagrad"])
def test_moments_of_gradients_of_any_size_are_taken(kind, scale, tmp_path):
    """One large gradient leaves the largest mean, beside many small ones, in a long row."""
    sparse = kind == "SparseAdam"
    for betas in ((0.9, 0.999), (0.5, 0.9), (0.99, 0.9), (0.0, 0.999)):
        table = nn.Embedding(3, 4, sparse=sparse)
        options = {} if kind == "Adagrad" else {"betas": betas}
        optimizer = getattr(torch.optim, kind)(table.parameters(), lr=1e-3, **options)
        for step in range(60):
            size = scale * (1e3 if step in (0, 41) else 1.0)
            optimizer.zero_grad()
            (size * table(torch.tensor([step % 2])).sum()).backward()
            optimizer.step()
            path = tmp_path / "checkpoint.safetensors"
            if step % 20 in (0, 1, 2):
                save_checkpoint(path, table.state_dict(), optimizer, {}, {"settings": {}})
                load_checkpoint(path, optimizer, {})
