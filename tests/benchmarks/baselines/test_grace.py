"""The eager yardstick computes what the authors' code computed."""

from __future__ import annotations

import pytest
import torch

from benchmarks import grace as benchmark
from benchmarks.baselines import grace
from graphlab.contrastive import COSTA, InfoNCELoss
from tests._golden import load


@pytest.mark.parametrize("name", ["pot_small_relu", "pot_small_prelu_iso", "pot_small_batch"])
def test_grace_equals_the_golden_case(name: str) -> None:
    stored = load("pot", name, torch.float32)
    loss = grace.grace_loss(stored["h1"], stored["h2"], float(stored["tau"]))
    torch.testing.assert_close(loss, stored["grace_loss"], rtol=1e-6, atol=1e-6)


def test_two_view_loss_equals_the_golden_case() -> None:
    stored = load("pot", "costa_loss", torch.float32)
    sketched = (stored["P"] @ stored[z] for z in ("z1", "z2"))
    loss = grace.two_view_loss(*sketched, float(stored["tau"]))
    torch.testing.assert_close(loss, stored["loss"], rtol=1e-6, atol=1e-6)


def test_both_sides_of_the_benchmark_agree() -> None:
    h1, h2 = benchmark.projections(40, 6)
    found = grace.grace_loss(h1, h2, 0.7)
    torch.testing.assert_close(found, InfoNCELoss(0.7)(h1, h2))
    gradients = []
    for loss in (lambda a, b: grace.grace_loss(a, b, 0.7), InfoNCELoss(0.7)):
        benchmark.backward(loss, h1, h2)()
        assert h1.grad is not None
        gradients.append(h1.grad.clone())
    torch.testing.assert_close(*gradients)


def test_steps_train() -> None:
    x, edge_index = benchmark.generated(50, 4.0, 200)
    model = benchmark.tiled_model(200, 8, 0.7)
    before = model.encoder[0].lin.weight.detach().clone()
    benchmark.tiled_step(model, x, edge_index)()
    assert not torch.equal(before, model.encoder[0].lin.weight)
    benchmark.tiled_step(benchmark.tiled_model(200, 8, 0.7, COSTA), x, edge_index)()
    with torch.random.fork_rng():
        benchmark.eager_step(200, 8, x, edge_index)()
