"""Least squares on the simplex: enumeration of all supports, and bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.tag.feasibility import simplex_fit


def by_supports(gram: np.ndarray, linear: np.ndarray) -> float:
    """Least value over the stationary points of all supports."""
    best = np.inf
    for size in range(1, len(linear) + 1):
        for support in map(list, itertools.combinations(range(len(linear)), size)):
            system = np.ones((size + 1, size + 1))
            system[:size, :size], system[size, size] = gram[np.ix_(support, support)], 0
            goal = np.append(linear[support], 1)
            weights = np.linalg.lstsq(system, goal, rcond=None)[0][:size]
            if weights.min() >= -1e-12 and abs(weights.sum() - 1) < 1e-9:
                own = gram[np.ix_(support, support)]
                best = min(best, weights @ own @ weights - 2 * linear[support] @ weights)
    return float(best)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 8), st.booleans())
def test_equals_all_supports(seed: int, size: int, rank: int, spanned: bool) -> None:
    draw = np.random.default_rng(seed)
    root = draw.standard_normal((size, rank))
    gram = root @ root.T
    linear = root @ draw.standard_normal(rank) if spanned else draw.standard_normal(size)
    weights = simplex_fit(torch.from_numpy(gram), torch.from_numpy(linear)).numpy()
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-9)
    reached = weights @ gram @ weights - 2 * linear @ weights
    assert reached == pytest.approx(by_supports(gram, linear), abs=1e-8 * max(1, abs(reached)))


def test_many_weights() -> None:
    draw = np.random.default_rng(0)
    root = draw.standard_normal((40, 60))
    mixture = np.zeros(40)
    mixture[[3, 17, 31]] = 0.5, 0.3, 0.2
    gram = torch.from_numpy(root @ root.T)
    found = simplex_fit(gram, gram @ torch.from_numpy(mixture))
    np.testing.assert_allclose(found.numpy(), mixture, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-12, 1e9, 1e20])
def test_units_change_no_weight(unit: float) -> None:
    draw = np.random.default_rng(1)
    root = draw.standard_normal((6, 6))
    gram = torch.from_numpy(root @ root.T)
    linear = gram @ torch.tensor([0.5, 0.0, 0.3, 0.0, 0.2, 0.0], dtype=torch.float64)
    found = simplex_fit(gram * unit, linear * unit)
    assert float(found.sum()) == pytest.approx(1, abs=1e-9)
    torch.testing.assert_close(found, simplex_fit(gram, linear), rtol=0, atol=1e-9)


def test_a_form_that_falls_without_end_is_followed_to_the_border() -> None:
    point = torch.tensor([[1.0], [-1.0], [5.0]])
    # Along (-3, 2, 1) the mean stays, and the linear part falls: the first weight ends at zero.
    found = simplex_fit(point @ point.t(), torch.tensor([0.0, 0.0, 11.9]))
    share = (11.9 + 6) / 36  # least (6 s - 1)^2 - 23.8 s
    torch.testing.assert_close(found, torch.tensor([0.0, 1 - share, share]).double())


@pytest.mark.parametrize(
    ("gram", "linear", "match"),
    [
        (torch.eye(2), torch.zeros(3), "linear must have 2 entries"),
        (torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.zeros(2), "gram must be symmetric"),
        (torch.eye(2), torch.tensor([0.0, float("inf")]), "linear must be finite"),
    ],
)
def test_bad_input_is_named(gram: torch.Tensor, linear: torch.Tensor, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        simplex_fit(gram, linear)
