"""The eager yardstick computes what the method's reference run computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.baselines import pamc
from tests._golden import cases, load

CASES = cases("pamc", "pamc_*")
# Loss relative, gradient relative to its largest entry.
TOLERANCE = {torch.float64: (2e-7, 1e-6), torch.float32: (5e-6, 2e-5)}
DTYPES = [torch.float64, torch.float32]


def positives(case: dict[str, Any]) -> tuple[Tensor, Tensor]:
    pairs = case["edges"].long().T
    num_nodes = len(case["z"])
    return pamc.influence_pairs(pairs, num_nodes, int(case["order"]), bool(case["cumulative"]))


def check(
    loss: Tensor, z: Tensor, case: dict[str, Any], name: str, grad_name: str | None = None
) -> None:
    value_tolerance, grad_tolerance = TOLERANCE[z.dtype]
    expected = float(case[f"{name}_loss"])
    assert abs(loss.item() - expected) <= value_tolerance * abs(expected)
    key = grad_name or f"{name}_grad_z"
    if key in case:
        grad = case[key].double()
        (actual,) = torch.autograd.grad(loss, z)
        assert (actual.double() - grad).abs().max() <= grad_tolerance * grad.abs().max()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradients_equal_the_golden_case(name: str, dtype: torch.dtype) -> None:
    case = load("pamc", name)
    z = case["z"].to(dtype).requires_grad_()
    edge_index, edge_weight = positives(case)
    cluster = case["assign"]
    num_clusters, tau = len(case["centers"]), float(case["tau"])
    full = pamc.pamc_loss(z, edge_index, edge_weight, cluster, num_clusters, tau)
    check(full, z, case, "pamc")
    check(pamc.meta_loss(z, cluster, num_clusters, tau), z, case, "neg")
    # The stored positive part carries the 1e-10 of an empty negative part.
    check(pamc.positive_loss(z, edge_index, edge_weight, tau) + 1e-10, z, case, "pos")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_exact_loss_equals_the_golden_case(name: str, dtype: torch.dtype) -> None:
    case = load("pamc", name)
    z = case["z"].to(dtype).requires_grad_()
    loss = pamc.exact_loss(z, *positives(case), float(case["tau"]))
    check(loss, z, case, "scgc_exact")


@pytest.mark.parametrize("name", [case for case in CASES if "random" in case])
def test_positives_equal_the_stored_adjacency(name: str) -> None:
    case = load("pamc", name)
    edge_index, edge_weight = positives(case)
    indptr = case["A_r_indptr"].long()
    counts = torch.bincount(edge_index[0], minlength=len(case["z"]))
    assert torch.equal(counts.cumsum(0), indptr[1:])
    assert torch.equal(edge_index[1], case["A_r_indices"].long())
    assert np.allclose(edge_weight.numpy(), case["A_r_data"], rtol=2e-7, atol=0)


@pytest.mark.parametrize("name", [case for case in CASES if "random" in case])
def test_total_loss_and_gradients_equal_the_golden_case(name: str) -> None:
    case = load("pamc", name)
    z = case["z"].double().requires_grad_()
    centers = case["centers"].double().requires_grad_()
    q = pamc.soft_assignment(z, centers)
    p = pamc.sharpened(q.detach())
    assert np.allclose(q.detach().numpy(), case["q"], rtol=1e-9)
    assert np.allclose(p.numpy(), case["p"], rtol=1e-9)
    divergence = torch.nn.functional.kl_div(q.log(), p, reduction="batchmean")
    cluster, (num_clusters, _) = case["assign"], centers.shape
    contrast = pamc.pamc_loss(z, *positives(case), cluster, num_clusters, float(case["tau"]))
    total = float(case["beta"]) * divergence + float(case["alpha"]) * contrast
    (grad_centers,) = torch.autograd.grad(total, centers, retain_graph=True)
    expected = case["total_grad_centers"]
    assert (grad_centers - expected).abs().max() <= 1e-6 * expected.abs().max()
    check(total, z, case, "total")


@pytest.mark.parametrize("index", [0, 1, 2])
def test_student_t_equals_the_golden_case(index: int) -> None:
    case = load("pamc", "student_t")
    z, mu = (case[f"{key}{index}"] for key in ("z", "mu"))
    q = pamc.soft_assignment(z, mu, float(case[f"v{index}"]))
    torch.testing.assert_close(q, case[f"q{index}"], rtol=1e-12, atol=1e-15)
    expected = case[f"p{index}"]
    torch.testing.assert_close(pamc.sharpened(q), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("exact", [False, True])
def test_an_epoch_lowers_the_loss(exact: bool) -> None:
    torch.manual_seed(0)
    case = load("pamc", "pamc_random_0")
    x = case["z"]
    model = pamc.EagerModel(x.shape[1], 3, hidden_channels=(16, 16), out_channels=4)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    pairs = positives(case)
    losses = [pamc.two_forward_epoch(model, optimizer, x, *pairs, exact=exact) for _ in range(15)]
    assert losses[-1] < losses[0]


def test_the_model_is_the_published_encoder() -> None:
    model = pamc.EagerModel(30, 3)
    shapes = [tuple(p.shape) for p in model.encoder.parameters() if p.dim() == 2]
    assert shapes == [(500, 30), (500, 500), (2000, 500), (10, 2000)]
    z, q = model(torch.zeros(5, 30))
    assert z.shape == (5, 10)
    torch.testing.assert_close(q.sum(1), torch.ones(5))
