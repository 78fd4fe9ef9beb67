"""Nearest mixture of step functions: reference cases, weights in the span, invariance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlab.tag.feasibility import fit_mixture
from tests._golden import load

CASE = load("pretext", "w2pgnn_feasibility")
PLACES = (torch.arange(32, dtype=torch.float64) + 0.5) / 32


def smooth_bases() -> list[torch.Tensor]:
    u, v = PLACES[:, None], PLACES[None]
    return [u * v, torch.exp(-(u**0.7) - v**0.7), (u - v).abs(), torch.minimum(u, v)]


@pytest.mark.parametrize("name", ["in_span", "basis0", "outside"])
def test_golden(name: str) -> None:
    found = fit_mixture(list(CASE["bases"]), CASE[f"{name}_target"])
    assert found.squared_distance == pytest.approx(float(CASE[f"{name}_alternating_gw2"]), abs=1e-6)
    # The optimum is flat outside of the span.
    wanted = CASE[f"{name}_alternating_alpha"]
    if name == "basis0":  # that of another base with the same functions would do as well
        wanted = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64)
    torch.testing.assert_close(
        found.alpha, wanted, rtol=0, atol=1e-4 if name == "outside" else 1e-6
    )
    assert found.lower_bound <= found.squared_distance + 1e-12


@pytest.mark.parametrize("weights", [(0.6, 0.4, 0, 0), (0, 0, 1, 0), (0.1, 0.2, 0.3, 0.4)])
def test_weights_of_a_renumbered_mixture(weights: tuple[float, ...]) -> None:
    bases = smooth_bases()
    target = sum(w * base for w, base in zip(weights, bases, strict=True))
    order = torch.from_numpy(np.random.default_rng(1).permutation(32))
    found = fit_mixture(bases, target[order][:, order])
    assert found.squared_distance == pytest.approx(0, abs=1e-10)
    torch.testing.assert_close(found.alpha, torch.tensor(weights).double(), rtol=0, atol=1e-6)


def test_does_not_depend_on_the_order_of_the_target() -> None:
    draw = np.random.default_rng(5)
    noise = draw.random((16, 16))
    target = torch.from_numpy((noise + noise.T) / 2)
    bases = [base[::2, ::2].contiguous() for base in smooth_bases()]
    order = torch.from_numpy(draw.permutation(16))
    plain = fit_mixture(bases, target)
    moved = fit_mixture(bases, target[order][:, order])
    assert plain.squared_distance == pytest.approx(moved.squared_distance, abs=1e-8)
    assert plain.lower_bound <= plain.squared_distance
    assert plain.squared_distance == min(plain.starts)


def test_more_rounds_never_harm() -> None:
    bases, target = list(CASE["bases"]), CASE["outside_target"]
    values = [fit_mixture(bases, target, max_rounds=n).squared_distance for n in (1, 3, 200)]
    assert values == sorted(values, reverse=True)


def test_dependent_bases_warn() -> None:
    base = smooth_bases()[0]
    with pytest.warns(UserWarning, match="alpha is not unique"):
        found = fit_mixture([base, 2 * base], 1.5 * base)
    assert found.squared_distance == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("bases", "error", "match"),
    [
        ([], TypeError, "bases must be a sequence of step functions, got none"),
        (torch.zeros(2, 12, 12), TypeError, "bases"),
        ([torch.zeros(3, 3)], ValueError, r"bases\[0\] must have 12 rows"),
        ([torch.full((12, 12), float("nan"))], ValueError, r"bases\[0\] must be finite"),
    ],
)
def test_bad_input_is_named(bases: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        fit_mixture(bases, CASE["outside_target"])  # type: ignore[arg-type]
