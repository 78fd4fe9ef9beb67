"""The long loops: every exported loss is in them, and a leak would be seen."""

from __future__ import annotations

import inspect

import pytest
import torch

import graphlab.contrastive as room
from benchmarks import load
from benchmarks._load.losses import STEPS
from graphlab.contrastive import losses
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel

#: Exported by the room of losses, and nothing that a step computes.
NO_LOSS = {"ClusterStatistics", "PamCDiagnosis", "seed_positives", "PamCLoss"}


def test_every_exported_loss_is_repeated() -> None:
    known = {name.partition(" ")[0] for name in STEPS}
    assert set(losses.__all__) - NO_LOSS - known == set()
    hosts = {
        name
        for name in room.__all__
        if inspect.isclass(value := getattr(room, name)) and issubclass(value, EmbeddingModel)
    }
    assert hosts - {"TwoViewModel"} - known == set()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_can_be_repeated(name: str) -> None:
    step = STEPS[name]()
    step(0)
    step(1)


@pytest.mark.parametrize(("kept", "within"), [(0, True), (32_768, False)])
def test_growth_is_seen(kept: int, within: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[torch.Tensor] = []

    def step(number: int) -> None:
        block = torch.ones(max(kept, 1_000), dtype=torch.uint8)
        if kept:
            held.append(block)

    monkeypatch.setitem(load.STEPS, "leak", lambda: step)
    row = load.grown("leak", 500)
    assert row["within"] is within
    assert kept == 0 or row["bytes_per_step"] > kept / 2
