"""Times of functions, as medians and as ratios of runs that alternate in one process.

A change of clock speed or a busy neighbour hits both sides of a ratio.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["Comparison", "Timing", "compare", "loglog_slope", "measure", "threads", "uses_gpu"]


@dataclass(frozen=True)
class Timing:
    """Wall times of one function in seconds, in order of execution."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median in seconds."""
        return float(np.median(self.times))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile in seconds."""
        low, high = np.percentile(self.times, [25, 75])
        return float(low), float(high)

    def as_row(self) -> dict[str, float]:
        """Median, quartiles and number of repeats for a results file."""
        low, high = self.quartiles
        return {
            "median_s": self.median,
            "q1_s": low,
            "q3_s": high,
            "repeats": len(self.times),
        }


@dataclass(frozen=True)
class Comparison:
    """Interleaved timings of several functions.

    Attributes:
        timings (dict[str, Timing]): By name.
        ratios (dict[str, tuple[float, ...]]): By name, the time of the first function divided by
            the time of this one, per round: above 1 means faster than the first.
    """

    timings: dict[str, Timing]
    ratios: dict[str, tuple[float, ...]]

    def ratio(self, name: str) -> float:
        """Median over rounds of the paired ratio."""
        return float(np.median(self.ratios[name]))

    def as_rows(self) -> list[dict[str, Any]]:
        """One dict per function: name, timing, median ratio and its quartiles."""
        rows = []
        for name, timing in self.timings.items():
            low, high = np.percentile(self.ratios[name], [25, 75])
            speed = {"speedup": self.ratio(name), "speedup_q1": float(low)}
            rows.append({"name": name, **timing.as_row(), **speed, "speedup_q3": float(high)})
        return rows


def measure(
    fn: Callable[..., object],
    *,
    repeats: int = 10,
    warmup: int = 2,
    setup: Callable[[], Any] | None = None,
) -> Timing:
    """Time a function.

    Args:
        fn (callable): Called without arguments, or with the result of ``setup``.
        repeats (int): Timed calls, at least 1.
        warmup (int): Calls before them that are not timed.
        setup (callable, optional): Untimed preparation before every call.

    Returns:
        Timing: The timed calls; work queued on a GPU is waited for.

    Raises:
        ValueError: If ``repeats`` < 1 or ``warmup`` < 0.
    """
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats must be >= 1 and warmup >= 0, got {repeats} and {warmup}")
    times = [_once(fn, setup) for _ in range(warmup + repeats)]
    return Timing(tuple(times[warmup:]))


def _once(fn: Callable[..., object], setup: Callable[[], Any] | None = None) -> float:
    arguments = () if setup is None else (setup(),)
    _synchronize()
    start = time.perf_counter()
    fn(*arguments)
    _synchronize()
    return time.perf_counter() - start


def _synchronize() -> None:
    if uses_gpu():
        torch.cuda.synchronize()


def uses_gpu() -> bool:
    # Asking for memory or waiting would otherwise start CUDA in a run that never touches it.
    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())


def compare(
    functions: Mapping[str, Callable[[], object]],
    *,
    repeats: int = 10,
    warmup: int = 2,
    clock: Callable[[Callable[[], object]], float] = _once,
) -> Comparison:
    """Time functions in alternation and pair them round by round.

    Args:
        functions (Mapping[str, Callable[[], object]]): Functions by name; the first is what the
            others are compared with.
        repeats (int): Timed rounds; each calls every function once, starting one further each time.
        warmup (int): Rounds before them that are not timed.
        clock (callable): Calls a function and returns the seconds it took.

    Returns:
        Comparison: Timings and paired ratios.

    Raises:
        ValueError: If there is no function, ``repeats`` < 1 or ``warmup`` < 0.
    """
    if not functions or repeats < 1 or warmup < 0:
        raise ValueError("functions must not be empty, repeats >= 1 and warmup >= 0")
    names = list(functions)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warmup + repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seconds = clock(functions[name])
            if turn >= warmup:
                times[name].append(seconds)
    base = times[names[0]]
    ratios = {
        name: tuple(b / max(t, 1e-12) for b, t in zip(base, times[name], strict=True))
        for name in names
    }
    return Comparison({name: Timing(tuple(times[name])) for name in names}, ratios)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run a block with ``count`` torch threads and put the former number back.

    Raises:
        ValueError: If ``count`` < 1.
    """
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def loglog_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent of the power law through the points: slope of log y over log x.

    Args:
        x (Sequence[float]): Positive sizes, at least two different ones.
        y (Sequence[float]): Positive measurements, one per size.

    Returns:
        float: The least-squares slope; 1 means linear.

    Raises:
        ValueError: If lengths differ or a value is not positive.
    """
    if len(x) != len(y) or len(set(x)) < 2 or not all(v > 0 for v in (*x, *y)):
        raise ValueError("x and y must have equal length, positive values and two different sizes")
    slope, _ = np.polyfit([math.log(v) for v in x], [math.log(v) for v in y], 1)
    return float(slope)
