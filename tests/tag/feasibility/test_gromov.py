"""Gromov-Wasserstein distance: brute force over permutations, bounds, invariance, bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.tag.feasibility import fit_mixture, gromov_wasserstein


def steps(seed: int, size: int) -> torch.Tensor:
    draw = np.random.default_rng(seed).random((size, size))
    return torch.from_numpy((draw + draw.T) / 2)


def value(one: torch.Tensor, two: torch.Tensor, coupling: torch.Tensor) -> float:
    """The definition, term by term."""
    apart = (one[:, None, :, None] - two[None, :, None, :]) ** 2
    return float(torch.einsum("ijkl,ij,kl->", apart, coupling, coupling))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_is_at_most_the_best_permutation(seed: int, size: int) -> None:
    one, two = steps(seed, size), steps(seed + 1, size)
    found = gromov_wasserstein(one, two, max_iter=50)
    moved = (two[list(p)][:, list(p)] for p in itertools.permutations(range(size)))
    best = min(float((one - other).square().mean()) for other in moved)
    # From three starts only: the distance of the best permutation is often reached, never needed.
    assert found.squared_distance == pytest.approx(value(one, two, found.coupling), abs=1e-12)
    assert found.squared_distance == min(found.starts)
    assert found.squared_distance <= value(one, two, torch.full_like(one, 1 / size**2)) + 1e-12
    bound = fit_mixture([one], two, max_rounds=5)
    assert bound.lower_bound <= min(best, found.squared_distance) + 1e-12
    margins = torch.cat([found.coupling.sum(0), found.coupling.sum(1)])
    torch.testing.assert_close(margins, torch.full_like(margins, 1 / size))


@pytest.mark.parametrize("size", [2, 12, 32])
def test_a_renumbered_function_has_distance_zero(size: int) -> None:
    one = steps(3, size)
    order = torch.from_numpy(np.random.default_rng(0).permutation(size))
    found = gromov_wasserstein(one, one[order][:, order])
    assert found.squared_distance == 0
    np.testing.assert_array_equal(found.coupling.argmax(0).numpy(), order.numpy())


def test_is_symmetric_in_its_arguments() -> None:
    one, two = steps(0, 6), steps(1, 6)
    first, second = gromov_wasserstein(one, two), gromov_wasserstein(two, one)
    assert first.squared_distance == pytest.approx(second.squared_distance, abs=1e-9)


def test_functions_that_are_not_symmetric() -> None:
    draw = np.random.default_rng(2)
    one, two = (torch.from_numpy(draw.random((4, 4))) for _ in range(2))
    found = gromov_wasserstein(one, two)
    assert found.squared_distance == pytest.approx(value(one, two, found.coupling), abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "match"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 2), "first must be square"),
        (torch.zeros(0, 0), torch.zeros(0, 0), "first must be square and not empty"),
        (torch.zeros(2, 2), torch.zeros(3, 3), "second must have 2 rows"),
        (torch.full((2, 2), float("nan")), torch.zeros(2, 2), "first must be finite"),
    ],
)
def test_bad_input_is_named(first: torch.Tensor, second: torch.Tensor, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        gromov_wasserstein(first, second)


def test_max_iter_is_checked() -> None:
    with pytest.raises(ValueError, match="max_iter"):
        gromov_wasserstein(torch.zeros(2, 2), torch.zeros(2, 2), max_iter=0)
