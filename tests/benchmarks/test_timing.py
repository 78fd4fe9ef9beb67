"""Times and ratios of the benchmark scripts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._harness import timing


def test_measure_counts_calls_and_orders_quartiles() -> None:
    calls: list[int] = []
    result = timing.measure(calls.append, repeats=5, warmup=2, setup=lambda: len(calls))
    assert calls == list(range(7))
    assert len(result.times) == 5
    low, high = result.quartiles
    assert 0 <= low <= result.median <= high
    assert result.as_row()["repeats"] == 5


@pytest.mark.parametrize(("repeats", "warmup"), [(0, 0), (1, -1)])
def test_measure_and_compare_reject_counts(repeats: int, warmup: int) -> None:
    with pytest.raises(ValueError, match="repeats"):
        timing.measure(list, repeats=repeats, warmup=warmup)
    with pytest.raises(ValueError, match="repeats"):
        timing.compare({"a": list}, repeats=repeats, warmup=warmup)


def test_compare_alternates_and_pairs_rounds() -> None:
    order: list[str] = []
    functions = {name: lambda name=name: order.append(name) for name in "abc"}
    result = timing.compare(functions, repeats=3, warmup=1)
    assert order == [*"abc", *"bca", *"cab", *"abc"]
    assert result.ratios["a"] == (1.0, 1.0, 1.0)
    expected = [a / b for a, b in zip(*(result.timings[name].times for name in "ab"), strict=True)]
    assert result.ratio("b") == pytest.approx(float(np.median(expected)))
    assert [row["name"] for row in result.as_rows()] == list("abc")


def test_threads_are_restored() -> None:
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="inside"), timing.threads(1):
        assert torch.get_num_threads() == 1
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="count"), timing.threads(0):
        pass


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_loglog_slope_finds_the_exponent(exponent: float, factor: float) -> None:
    x = [1.0, 10.0, 100.0, 1000.0]
    slope = timing.loglog_slope(x, [factor * v**exponent for v in x])
    assert slope == pytest.approx(exponent, abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y"), [([1], [1]), ([1, 2], [1]), ([1, 2], [0, 1]), ([3, 3], [1, 1])]
)
def test_loglog_slope_rejects_degenerate_points(x: list[float], y: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        timing.loglog_slope(x, y)
