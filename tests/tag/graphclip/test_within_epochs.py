"""Within an epoch: a kill costs steps and no more, batches are read ahead, batches go in parts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from graphlab._prefetch import made_ahead
from graphlab.tag import GraphTextPairs, PretrainConfig, pretrain
from graphlab.tag.graphclip.pretraining.parts import embed_in_parts
from tests._data import REPOSITORY
from tests.tag.graphclip._toy import toy_model, toy_pairs

#: Twelve steps an epoch.
SETTINGS = PretrainConfig(epochs=3, batch_size=4, val_fraction=0.2, adversarial_eps=0.2, lr=3e-3)


class Counted:
    """Rows that count how often a batch is read, and call something at one of these."""

    def __init__(self, x, at=None, then=None):
        self.x, self.at, self.then = x, at, then
        self.reads = 0
        self.shape, self.dtype = x.shape, x.dtype

    def __getitem__(self, index):
        if isinstance(index, torch.Tensor):
            self.reads += 1
            if self.reads == self.at:
                self.then()
        return self.x[index]


def counted(at=None, then=None):
    pairs = toy_pairs()
    text = Counted(pairs.text, at, then)
    return GraphTextPairs(pairs.x, pairs.store, text), text


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


@pytest.mark.parametrize("ahead", [0, 3])
def test_items_come_in_order_and_errors_where_they_belong(ahead):
    def make(key):
        if key == 5:
            raise KeyError("five")
        return 10 * key

    assert list(made_ahead(make, range(5), ahead)) == [0, 10, 20, 30, 40]
    seen = []
    with pytest.raises(KeyError, match="five"):
        seen.extend(made_ahead(make, range(9), ahead))
    before = threading.active_count()
    reading = made_ahead(make, range(5), ahead)
    assert next(reading) == 0
    reading.close()
    assert threading.active_count() == before


def test_no_more_is_read_ahead_than_asked():
    made = []
    reading = made_ahead(made.append, range(50), 3)
    next(reading)
    threading.Event().wait(0.3)  # the thread has all the time it wants
    assert len(made) <= 4
    reading.close()


def test_reading_ahead_changes_nothing():
    models = toy_model(), toy_model()
    results = [pretrain(m, toy_pairs(), SETTINGS, prefetch=p)
               for m, p in zip(models, (0, 4), strict=True)]  # fmt: skip
    assert results[0] == results[1]
    assert same(models[0].state_dict(), models[1].state_dict())


def killed(folder):
    """Train until the seventh step of the second epoch; called in a process of its own."""
    pairs, _ = counted(21, lambda: os.kill(os.getpid(), signal.SIGKILL))
    pretrain(toy_model(), pairs, SETTINGS, directory=folder, save_every=0, prefetch=0)


def interrupted(folder, at=21):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pairs, _ = counted(at, interrupt)
        pretrain(toy_model(), pairs, SETTINGS, directory=folder, save_every=0, prefetch=0)


def killed_elsewhere(folder):
    code = f"from tests.tag.graphclip.test_within_epochs import killed; killed({str(folder)!r})"
    child = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=REPOSITORY, check=False
    )
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "end",
    [
        interrupted,
        pytest.param(
            killed_elsewhere,
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
            ],
        ),
    ],
)
def test_a_kill_within_an_epoch_costs_a_step_and_changes_nothing(end, tmp_path):
    whole, (pairs, text) = toy_model(), counted()
    want = pretrain(whole, pairs, SETTINGS, prefetch=0)
    reads = text.reads
    end(tmp_path)
    fresh = toy_model(seed=5)  # everything comes from the checkpoint
    pairs, text = counted()
    seen = []
    got = pretrain(fresh, pairs, SETTINGS, directory=tmp_path, callback=seen.append, prefetch=0)
    assert [row["epoch"] for row in seen] == [1, 2]
    assert got == want
    assert same(fresh.state_dict(), whole.state_dict())
    # What was read before the kill is not read again, but for the batch under way.
    assert text.reads == reads - 20


def test_an_epoch_whose_steps_are_done_is_validated_first(tmp_path):
    whole, pairs = toy_model(), toy_pairs()
    want = pretrain(whole, pairs, SETTINGS, prefetch=0)
    # Twelve batches and the held pairs an epoch: the 26th read is the second validation.
    interrupted(tmp_path, at=26)
    fresh = toy_model(seed=5)
    assert pretrain(fresh, pairs, SETTINGS, directory=tmp_path, prefetch=0) == want
    assert same(fresh.state_dict(), whole.state_dict())


def test_checkpoints_within_an_epoch_wait_for_their_time(tmp_path):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(toy_model(), counted(9, stop)[0], SETTINGS, directory=tmp_path, prefetch=0)
    assert not (tmp_path / "checkpoint.safetensors").exists()
    with pytest.raises(ValueError, match="save_every must be non-negative"):
        pretrain(toy_model(), toy_pairs(), SETTINGS, save_every=-1.0)
    with pytest.raises(ValueError, match="prefetch must be at least 0"):
        pretrain(toy_model(), toy_pairs(), SETTINGS, prefetch=-1)


# --- a batch in parts -----------------------------------------------------------------------------


def double_run(kind, **changes):
    pairs = toy_pairs()
    pairs = GraphTextPairs(pairs.x.double(), pairs.store, pairs.text.double())
    model = toy_model(norm=kind).double()
    settings = {"epochs": 2, "batch_size": 24, "adversarial_eps": 0.2, "max_grad_norm": 1.0}
    result = pretrain(model, pairs, PretrainConfig(**(settings | changes)))
    return [row["loss"] for row in result.history], model.state_dict()


@pytest.mark.parametrize("size", [7, 23])
def test_parts_have_the_gradient_of_the_whole(size):
    losses, weights = double_run("layer")
    parts, others = double_run("layer", micro_batch=size)
    assert parts == pytest.approx(losses, rel=1e-8)
    for name, value in weights.items():
        torch.testing.assert_close(others[name], value, rtol=1e-6, atol=1e-8)


def test_a_resumed_run_has_parts_of_the_same_size(tmp_path):
    settings = {"epochs": 1, "batch_size": 24}
    parts = PretrainConfig(**settings, micro_batch=8)
    want = pretrain(toy_model(norm="layer"), toy_pairs(), parts, directory=tmp_path)
    assert pretrain(toy_model(norm="layer"), toy_pairs(), parts, directory=tmp_path) == want
    for other, change in ((12, "8 -> 12"), (0, "8 -> None")):
        with pytest.raises(ValueError, match=f"other settings .micro_batch: {change}"):
            config = PretrainConfig(**settings, micro_batch=other)
            pretrain(toy_model(norm="layer"), toy_pairs(), config, directory=tmp_path)


def test_parts_keep_the_activations_of_one(monkeypatch):
    """The most memory of saved tensors, in elements, is that of a part and not of the batch."""
    pairs = toy_pairs()
    tower = toy_model(norm="layer", hidden_channels=64).graph_model.train()
    batch = pairs.store.batch(torch.arange(48))
    rest = (pairs.encoding(6)[batch.node_row].float(), batch.edge_index, batch.batch)

    def kept(size):
        held = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: held.append(t.numel()) or t, lambda t: t
        ):
            out = embed_in_parts(tower, pairs.x[batch.node], *rest, batch.root_index, size)
        forward = sum(held)
        out.sum().backward()
        return forward

    whole = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: whole.append(t.numel()) or t, lambda t: t
    ):
        tower(pairs.x[batch.node], *rest, batch.root_index)
    assert kept(4) < 0.3 * sum(whole)


def test_batch_norm_in_parts_is_announced_and_counted_once():
    with pytest.warns(UserWarning, match="micro_batch=8 with norm='batch' .* not the 24"):
        _, weights = double_run("batch", micro_batch=8)
    steps = weights["graph_model.pe_norm.num_batches_tracked"]
    # Three parts of a batch are three batches for the layers, and the second pass is none.
    norms = [n for n in weights if n.endswith("num_batches_tracked") and "pe_norm" not in n]
    assert norms and all(int(weights[name]) == 3 * int(steps) for name in norms)
