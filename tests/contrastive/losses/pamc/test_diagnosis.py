from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlab.contrastive import PamCLoss
from tests._golden import load


def number(value: Any) -> float:
    """A Python float, also of a tensor that requires a gradient."""
    return float(value.detach() if isinstance(value, Tensor) else value)


def acm() -> tuple[torch.Tensor, torch.Tensor]:
    case = load("pamc", "pamc_acm_ae10")
    return case["z"], case["assign"].long()


@pytest.mark.parametrize("kind", ["meta", "meta1", "meta2", "exact"])
def test_finds_what_the_full_comparison_finds(kind: str) -> None:
    z, cluster = acm()
    leaf = z.double().requires_grad_()
    exact_value = PamCLoss(0.5, "exact").negative(leaf)
    (exact,) = torch.autograd.grad(exact_value, leaf)
    value = PamCLoss(0.5, kind).negative(leaf, cluster)
    (gradient,) = torch.autograd.grad(value, leaf)
    found = PamCLoss(0.5, kind).diagnose(z.double(), cluster, anchors=len(z))
    assert found.num_anchors == len(z)
    assert found.value_gap == pytest.approx(number(value - exact_value), abs=1e-9)
    cosine = torch.cosine_similarity(gradient.flatten(), exact.flatten(), dim=0)
    assert found.gradient_cosine == pytest.approx(number(cosine), abs=1e-9)
    error = number((gradient - exact).norm() / exact.norm())
    assert found.gradient_error == pytest.approx(error, abs=1e-9)


@pytest.mark.parametrize("kind", ["meta1", "meta2"])
@pytest.mark.parametrize("tau", [0.5, 2.25])
def test_bound_holds_for_every_anchor(kind: str, tau: float) -> None:
    z, cluster = acm()
    found = PamCLoss(tau, kind).diagnose(z, cluster, generator=torch.Generator().manual_seed(3))
    assert 0 < found.bound < float("inf")
    # The own pair, exchanged after the bound applies, moves a sum of N terms by exp(2 tau) / N.
    assert abs(found.value_gap) <= found.bound + np.exp(2 * tau) / len(z)


def test_reports_missing_bounds_and_draws() -> None:
    z, cluster = acm()
    assert PamCLoss(0.5).diagnose(z, cluster).bound == float("inf")
    exact = PamCLoss(0.5, "exact").diagnose(z, cluster)
    assert exact.bound == 0
    assert exact.gradient_cosine == pytest.approx(1, abs=1e-5)
    sampled = PamCLoss(0.5, "sampled", num_samples=64).diagnose(z, cluster, anchors=8)
    assert sampled.num_anchors == 8
    assert -1 <= sampled.gradient_cosine <= 1


def test_large_graphs_use_the_estimate_for_other_rows() -> None:
    generator = torch.Generator().manual_seed(0)
    cluster = torch.randint(6, (5000,), generator=generator)
    z = torch.randn(6, 8, generator=generator)[cluster]
    z = z + torch.randn(5000, 8, generator=generator)
    found = PamCLoss(1.0, "meta2").diagnose(z, cluster, generator=generator)
    assert found.gradient_cosine > 0.999


def test_warns_about_empty_and_unbalanced_clusters() -> None:
    z, cluster = acm()
    with pytest.warns(UserWarning, match="without members: 3, 4"):
        PamCLoss(0.5).diagnose(z, cluster, num_clusters=5)
    lopsided = torch.zeros(3000, dtype=torch.long)
    lopsided[:20] = torch.arange(20)
    with pytest.warns(UserWarning, match="unbalanced"):
        PamCLoss(0.5).diagnose(z[:3000], lopsided)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PamCLoss(0.5).diagnose(z, cluster)
