"""Pretraining: it learns, resumes bit for bit, stops, and is the same on several processes."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.distributed as dist

from graphlab import _progress
from graphlab.contrastive import CLIPLoss
from graphlab.tag import GraphCLIP, GraphTextPairs, PretrainConfig, pretrain
from graphlab.tag.graphclip import retrieval_at_1
from graphlab.tag.graphclip._norm import GlobalBatchNorm
from graphlab.tag.graphclip.pairs import digest_of
from graphlab.tag.graphclip.pretraining import checks
from graphlab.tag.graphclip.pretraining.batches import epoch_batches, split_pairs
from tests._ranks import run_ranks
from tests.tag.graphclip._toy import toy_model, toy_pairs

SETTINGS = {"epochs": 4, "batch_size": 16, "lr": 3e-3, "val_fraction": 0.2}
KINDS = {
    "plain": {},
    "adversarial": {"adversarial_eps": 0.2},
    "accumulating": {"adversarial_eps": 0.2, "accumulate_perturbation": True},
}


def config(**changes):
    return PretrainConfig(**(SETTINGS | changes))


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def test_training_learns_to_retrieve():
    model, pairs = toy_model(), toy_pairs()
    held = torch.arange(len(pairs))
    before = retrieval_at_1(model, pairs, held)
    result = pretrain(model, pairs, config(epochs=12))
    assert result.history[-1]["loss"] < 0.6 * result.history[0]["loss"]
    assert retrieval_at_1(model, pairs, held) > 3 * before
    best = min(result.history, key=lambda row: row["val_loss"])
    assert result.best_epoch == best["epoch"]
    assert not model.training


@pytest.mark.parametrize("kind", KINDS)
def test_resume_equals_an_uninterrupted_run(kind, tmp_path):
    settings = config(**KINDS[kind])
    whole, parts = toy_model(), toy_model()
    want = pretrain(whole, toy_pairs(), settings, directory=tmp_path / "whole")

    def interrupt(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(parts, toy_pairs(), settings, directory=tmp_path / "parts", callback=interrupt)
    fresh = toy_model(seed=5)  # everything comes from the checkpoint
    seen = []
    got = pretrain(fresh, toy_pairs(), settings, directory=tmp_path / "parts", callback=seen.append)
    assert [row["epoch"] for row in seen] == [2, 3]
    assert got == want
    assert same(fresh.state_dict(), whole.state_dict())


def test_finished_runs_are_not_repeated(tmp_path):
    model = toy_model()
    want = pretrain(model, toy_pairs(), config(), directory=tmp_path)
    again = toy_model(seed=3)
    assert pretrain(again, toy_pairs(), config(), directory=tmp_path) == want
    assert same(again.state_dict(), model.state_dict())


def test_resume_with_other_settings_is_refused(tmp_path):
    pretrain(toy_model(), toy_pairs(), config(epochs=1), directory=tmp_path)
    with pytest.raises(ValueError, match=r"other settings \(epochs: 1 -> 2, lr: 0.003 -> 0.1\)"):
        pretrain(toy_model(), toy_pairs(), config(epochs=2, lr=0.1), directory=tmp_path)
    with pytest.raises(ValueError, match="pairs: 60 -> 30"):
        pretrain(toy_model(), toy_pairs(30), config(epochs=1), directory=tmp_path)
    again = pretrain(
        toy_model(), toy_pairs(), config(epochs=2, lr=0.1), directory=tmp_path, resume=False
    )
    assert len(again.history) == 2


def test_damaged_checkpoints_are_refused(tmp_path):
    pretrain(toy_model(), toy_pairs(), config(epochs=1), directory=tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="checkpoint"):
        pretrain(toy_model(), toy_pairs(), config(epochs=1), directory=tmp_path)


def test_patience_stops_and_keeps_the_best():
    model = toy_model()
    settings = config(epochs=40, patience=2, lr=1e-9, schedule="constant", selection="r1")
    result = pretrain(model, toy_pairs(), settings)
    assert result.stopped_early
    assert len(result.history) < 40
    assert result.best_epoch == len(result.history) - 3


def test_without_validation_the_last_weights_stay():
    result = pretrain(toy_model(), toy_pairs(), config(val_fraction=0.0))
    assert result.best_epoch == 3
    assert "r1" not in result.history[0]


def test_seeds_decide(tmp_path):
    a, b, c = toy_model(), toy_model(), toy_model()
    pretrain(a, toy_pairs(), config())
    pretrain(b, toy_pairs(), config())
    pretrain(c, toy_pairs(), config(seed=1))
    assert same(a.state_dict(), b.state_dict())
    assert not same(a.state_dict(), c.state_dict())


def test_global_randomness_is_left_alone():
    state = torch.get_rng_state()
    pretrain(toy_model(), toy_pairs(), config(adversarial_eps=0.1, epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


def test_bfloat16_trains():
    model = toy_model()
    result = pretrain(model, toy_pairs(), config(bf16=True))
    assert all(math.isfinite(row["loss"]) for row in result.history)
    assert model.criterion.logit_scale.dtype == torch.float32


def test_frozen_weights_stay():
    model = toy_model()
    before = model.graph_model.mlp2[0].weight.clone()
    pretrain(model, toy_pairs(), config())
    assert torch.equal(model.graph_model.mlp2[0].weight, before)


class Writer:
    def __init__(self):
        self.rows = []

    def add_scalar(self, name, value, step):
        self.rows.append((name, value, step))


def test_scalars_reach_the_writer(capsys):
    writer = Writer()
    result = pretrain(toy_model(), toy_pairs(), config(), writer=writer, progress=False)
    assert ("loss", result.history[2]["loss"], 2) in writer.rows
    assert capsys.readouterr().err == ""


def test_only_the_first_process_tells_rows(monkeypatch):
    module = importlib.import_module("graphlab.tag.graphclip.pretraining.pretrain")
    monkeypatch.setattr(module, "rank", lambda: 1)
    writer, rows = Writer(), []
    result = pretrain(toy_model(), toy_pairs(), config(), writer=writer, callback=rows.append)
    assert writer.rows == rows == [] and len(result.history) == 4


def test_progress_is_told_off_a_terminal(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("GRAPHLAB_PROGRESS", raising=False)
    monkeypatch.setattr(_progress, "DELAY", 0.0)
    monkeypatch.setattr(_progress, "INTERVAL", 0.0)
    result = pretrain(toy_model(), toy_pairs(), config(), directory=tmp_path)
    shown = capsys.readouterr().err.splitlines()
    lines = [line for line in shown if line.startswith("pretrain ")]
    steps = len(lines) - 1  # a line each, and one at the end
    assert lines[0].startswith(f"pretrain 1/{steps} steps (") and "epoch 0, loss " in lines[0]
    assert lines[-1].startswith(f"pretrain {steps}/{steps} steps (")
    assert steps % len(result.history) == 0
    pretrain(toy_model(), toy_pairs(), config(), directory=tmp_path)  # it was finished before
    assert "pretrain" not in capsys.readouterr().err


def test_no_root_is_trained_and_held_out():
    once = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    train, held = split_pairs(once.repeat(3), 0.2, 1)
    assert len(held) == 30 and sorted([*train.tolist(), *held.tolist()]) == list(range(150))
    assert not set(once.repeat(3)[train].tolist()) & set(once.repeat(3)[held].tolist())
    # The draw is of positions, whatever the nodes are called.
    plain = split_pairs(torch.arange(50), 0.2, 1)
    assert all(torch.equal(a, b) for a, b in zip(split_pairs(once, 0.2, 1), plain, strict=True))


def test_the_rate_rises_and_falls():
    settings = config(epochs=10, warmup=0.2, val_fraction=0.0)
    rates = [row["lr"] for row in pretrain(toy_model(), toy_pairs(), settings).history]
    assert rates[0] < rates[1] == pytest.approx(3e-3)
    assert rates[1:] == sorted(rates[1:], reverse=True) and 0 < rates[-1] < 3e-4


def test_a_loss_that_is_not_finite_ends_the_training_before_the_step():
    model = toy_model()
    with torch.no_grad():
        model.criterion.logit_scale.fill_(torch.nan)
    before = {name: value.clone() for name, value in model.named_parameters()}
    with pytest.raises(FloatingPointError, match="the loss is nan in step 0: lower lr"):
        pretrain(model, toy_pairs(), config(val_fraction=0.0))
    after = dict(model.named_parameters())
    assert all(torch.equal(v, after[k]) for k, v in before.items() if v.isfinite().all())


def test_batches_and_split():
    train, held = split_pairs(torch.arange(100), 0.1, 3)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(100)) and len(held) == 10
    batches = epoch_batches(train, 40, 3, 0)
    assert [len(b) for b in batches] == [40, 40]
    assert len({*torch.cat(batches).tolist()} - {*train.tolist()}) == 0
    assert not torch.equal(batches[0], epoch_batches(train, 40, 3, 1)[0])


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1"),
        ({"lr": 0.0}, ValueError, "lr must be positive"),
        ({"feature_p": 1.5}, ValueError, "feature_p must lie in"),
        ({"schedule": "step"}, ValueError, "schedule must be one of"),
        ({"adversarial_eps": -1.0}, ValueError, "adversarial_eps must be non-negative"),
    ],
)
def test_bad_settings_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        config(**changes)


def test_data_that_do_not_fit_are_refused():
    pairs = toy_pairs()
    with pytest.raises(ValueError, match=r"pairs.text must have 24 columns .* got 23"):
        pretrain(toy_model(), GraphTextPairs(pairs.x, pairs.store, pairs.text[:, :-1]))
    with pytest.raises(ValueError, match=r"pairs.x must have 24 columns .* got 23"):
        pretrain(toy_model(), GraphTextPairs(pairs.x[:, :-1], pairs.store, pairs.text))
    one = GraphTextPairs(pairs.x, pairs.store.select([0]), pairs.text[:1])
    with pytest.raises(ValueError, match="at least two pairs"):
        pretrain(toy_model(), one, config(val_fraction=0.0))


def test_batches_that_processes_cannot_share_are_refused(monkeypatch):
    monkeypatch.setattr(checks, "world_size", lambda: 3)
    with pytest.raises(ValueError, match="batch_size must be a multiple of 3 processes, got 16"):
        pretrain(toy_model(), toy_pairs(), config())


# --- several processes ----------------------------------------------------------------------------


def kinds(size):
    return list(KINDS) if size == 2 else ["plain"]


def double_run(kind):
    """A short run in float64, and its weights."""
    pairs = toy_pairs()
    pairs = GraphTextPairs(pairs.x.double(), pairs.store, pairs.text.double())
    model = toy_model(num_layers=1).double()
    settings = config(**KINDS[kind], batch_size=24, epochs=1, max_grad_norm=1.0)
    result = pretrain(model, pairs, settings)
    losses = np.array([row["loss"] for row in result.history])
    return losses, {k: v.numpy() for k, v in model.state_dict().items()}


def norm_case(rows):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(9, 4, dtype=torch.float64, generator=generator)
    norm = GlobalBatchNorm(4).double()
    leaf = x[rows].clone().requires_grad_()
    out = norm(leaf)
    (out.sin() * torch.arange(9.0)[rows, None]).sum().backward()
    return [out.detach(), leaf.grad, norm.running_mean, norm.running_var]


def run_rank(index, size, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=index, world_size=size
    )
    try:
        rows = slice(0, 4) if index == 0 else slice(4, 9)
        if size == 2:
            parts = norm_case(rows)
            np.savez(f"{folder}/norm-{index}.npz", *[p.numpy() for p in parts])
        for kind in kinds(size):
            losses, state = double_run(kind)
            np.savez(f"{folder}/{kind}-{index}.npz", losses=losses, **state)
        try:
            pretrain(toy_model(), toy_pairs(), config(batch_size=13))
        except ValueError as error:
            if "multiple of" not in str(error):
                raise
    finally:
        dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_available(), reason="torch without distributed")
@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3])
def test_processes_give_the_curve_of_one(size, tmp_path):
    run_ranks(run_rank, size, tmp_path, timeout=600)
    for kind in kinds(size):
        losses, state = double_run(kind)
        for index in range(size):
            with np.load(tmp_path / f"{kind}-{index}.npz") as stored:
                np.testing.assert_allclose(stored["losses"], losses, rtol=1e-9)
                for key, value in state.items():
                    np.testing.assert_allclose(stored[key], value, rtol=1e-6, atol=1e-9)
    if size == 2:
        want = norm_case(slice(None))
        parts = [np.load(tmp_path / f"norm-{i}.npz") for i in range(2)]
        for k, value in enumerate(want):
            pieces = [p[f"arr_{k}"] for p in parts]
            got = np.concatenate(pieces) if k < 2 else pieces[0]
            np.testing.assert_allclose(got, value.numpy(), rtol=1e-10, atol=1e-12)


def interrupted(directory, pairs, **options):
    """A run that ended after its first epoch."""

    def interrupt(row):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(toy_model(**options), pairs, config(), directory=directory, callback=interrupt)


@pytest.mark.parametrize("change", ["features", "order of texts", "subgraphs"])
def test_resume_with_other_data_is_refused(change, tmp_path):
    pairs = toy_pairs()
    interrupted(tmp_path, pairs)
    other = {
        "features": lambda: GraphTextPairs(pairs.x.flip(0), pairs.store, pairs.text),
        "order of texts": lambda: GraphTextPairs(pairs.x, pairs.store, pairs.text.flip(0)),
        "subgraphs": lambda: GraphTextPairs(
            pairs.x, replace(pairs.store, edge=pairs.store.edge[::-1]), pairs.text
        ),
    }[change]()
    with pytest.raises(ValueError, match="other settings .*data: "):
        pretrain(toy_model(), other, config(), directory=tmp_path)
    wide = replace(pairs.store, edge=pairs.store.edge.astype(np.int32))
    same_data = GraphTextPairs(pairs.x.clone(), wide, pairs.text.clone())
    assert len(pretrain(toy_model(), same_data, config(), directory=tmp_path).history) == 4


def test_resume_with_another_loss_is_refused(tmp_path):
    interrupted(tmp_path, toy_pairs())
    other = GraphCLIP(toy_model().graph_model, CLIPLoss(max_scale=2.0))
    with pytest.raises(ValueError, match=r"max_scale: 100.0 -> 2.0"):
        pretrain(other, toy_pairs(), config(), directory=tmp_path)


def test_the_name_of_data_does_not_depend_on_threads():
    generator = torch.Generator().manual_seed(0)
    text = torch.randn(600, 384, generator=generator)
    store = toy_pairs().store.select([0] * 600)
    pairs = GraphTextPairs(torch.ones(60, 24), store, text)
    threads = torch.get_num_threads()
    try:
        found = set()
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.add(digest_of(pairs))
    finally:
        torch.set_num_threads(threads)
    assert len(found) == 1


def test_dropout_follows_the_seed_and_resumes(tmp_path):
    state = torch.get_rng_state()
    whole = toy_model(dropout=0.5)
    want = pretrain(whole, toy_pairs(), config())
    assert torch.equal(torch.get_rng_state(), state)
    interrupted(tmp_path, toy_pairs(), dropout=0.5)
    torch.rand(3)  # another process has drawn other numbers
    parts = toy_model(dropout=0.5)
    got = pretrain(parts, toy_pairs(), config(), directory=tmp_path)
    assert got.history == want.history
    assert same(parts.state_dict(), whole.state_dict())
    other = pretrain(toy_model(dropout=0.5), toy_pairs(), config(seed=1))
    assert other.history != want.history


def test_patience_needs_held_out_pairs():
    with pytest.raises(ValueError, match="patience=2 needs held-out pairs"):
        pretrain(toy_model(), toy_pairs(), config(val_fraction=0.0, patience=2))


def test_equal_texts_teach_nothing():
    pairs = toy_pairs()
    equal = GraphTextPairs(pairs.x, pairs.store, torch.ones_like(pairs.text))
    with pytest.raises(ValueError, match="nothing to contrast"):
        pretrain(toy_model(), equal, config())
