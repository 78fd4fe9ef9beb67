"""One part of the demo: a system, the run that shows it, and what it does not show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._harness.results import Results

NO_LLM = (
    "no language model is configured: nothing was predicted or explained by one, and nothing "
    "stands in for its answers"
)

STDLIB = "Python's standard library"


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
        left_out (Mapping[str, str]): What was not run, and why.
        seeds (int): How many seeds to run.
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
    left_out: Mapping[str, str] = field(default_factory=dict)
    seeds: int = 1

    def summary(self, results: Results) -> dict[str, str]:
        """The part's line of the first table."""
        line = {"system": self.title}
        if results.errors:
            failed = "failed: " + "; ".join(results.errors.values())
            return line | {"measure": failed, "data": self.data}
        rows = results.summary()
        return line | {
            "measure": self.measure,
            "result": f"{rows[self.ours][self.metric]['mean']:.3f}  ({self.ours})",
            "baseline": f"{rows[self.baseline][self.metric]['mean']:.3f}  ({self.baseline})",
            "data": self.data,
            "seconds": f"{sum(seed.cost['seconds'] for seed in results.finished):.0f}",
        }
