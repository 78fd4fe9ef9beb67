"""One part of the demo: a system, the run that shows it, what it means, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from .._harness.results import Results

NO_LLM = (
    "no language model is configured: nothing was predicted or explained by one, and nothing "
    "stands in for its answers"
)

STDLIB = "Python's standard library"

#: ``{row: {metric: mean over seeds}}``.
Means = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Part:
    """A system in the demo.

    Attributes:
        name (str): Short name for the command line.
        title (str): Name of the system.
        data (str): What it runs on.
        description (str): What it does here, in two or three sentences.
        run (callable): ``run(config, context)`` as of every script.
        config (Any): Its configuration.
        toy (Any): The same at the size of a test.
        ours (str): Row of the summary.
        baseline (str): Row beside it.
        metric (str): Which number of both.
        measure (str): What that number is, in words.
        meaning (callable): From the means of all rows to a sentence: what the two numbers say,
            also where the baseline is ahead.
        left_out (Mapping[str, str]): What was not run, and why.
        seeds (int): How many seeds to run.
        needs (tuple[str, ...]): Packages without which the part is skipped.
        extra (str): What installs them.
    """

    name: str
    title: str
    data: str
    description: str
    run: Callable[..., Mapping[str, Any]]
    config: Any
    toy: Any
    ours: str
    baseline: str
    metric: str
    measure: str
    meaning: Callable[[Means], str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    seeds: int = 1
    needs: tuple[str, ...] = ()
    extra: str = ""

    def missing(self) -> str:
        """Why the part cannot run here, or nothing."""
        absent = [name for name in self.needs if find_spec(name) is None]
        return f"skipped: needs {', '.join(absent)} ({self.extra})" if absent else ""

    def summary(self, results: Results) -> dict[str, str]:
        """The part's line of the first table."""
        line = {"system": self.title, "data": self.data}
        if results.errors:
            return line | {"measure": "failed: " + "; ".join(results.errors.values())}
        if not results.finished:
            return line | {"measure": self.missing()}
        rows = means(results)
        return line | {
            "measure": self.measure,
            "result": f"{number(rows[self.ours][self.metric])}  ({self.ours})",
            "baseline": f"{number(rows[self.baseline][self.metric])}  ({self.baseline})",
            "seconds": f"{sum(seed.cost['seconds'] for seed in results.finished):.0f}",
            "what it means": self.meaning(rows),
        }


def means(results: Results) -> dict[str, dict[str, float]]:
    """Means over seeds of all numbers of all rows."""
    return {
        label: {metric: float(entry["mean"]) for metric, entry in metrics.items()}
        for label, metrics in results.summary().items()
    }


def number(value: float) -> str:
    """Three decimals, and as many digits of what is smaller."""
    return f"{value:.3f}" if value == 0 or abs(value) >= 5e-3 else f"{value:.2g}"


def points(first: float, second: float) -> str:
    """A difference of two shares in points, with its sign."""
    return f"{100 * (first - second):+.1f} points"
