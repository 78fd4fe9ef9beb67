"""Comparison of a repeated run with the committed one: a line per row and metric.

The rule: the means of both runs may differ by at most::

    max(3 * sqrt(std_1^2 / n_1 + std_2^2 / n_2), 0.005 * max(1, |committed mean|))

so by three standard errors of the difference, each run with its own spread over its own seeds, and
in any case by half a point of a score in percent or half a percent of a larger number. A single
seed has no spread: then the second part alone counts. On one machine with one number of threads
runs repeat exactly, and the table counts the numbers that are equal to the last bit.

Times are not compared: metrics named in ``TIMING``, and no others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Metrics that are wall-clock times.
TIMING = frozenset({"seconds", "seconds_per_epoch", "cpu seconds"})

#: Fields of configurations that say where files are, not what is computed.
PATHS = frozenset(
    {"root", "source", "data", "graph", "tune_on", "embeddings", "model"}
    | {"cache", "encoder_cache", "llm_cache"}
)

STANDARD_ERRORS = 3.0
FLOOR = 0.005


@dataclass(frozen=True)
class Spread:
    """Values of one metric over seeds.

    Attributes:
        mean (float): Their mean.
        std (float, optional): Their sample standard deviation; None for one seed.
        values (tuple[float, ...]): One per seed.
    """

    mean: float
    std: float | None
    values: tuple[float, ...]

    @staticmethod
    def of(cell: Mapping[str, Any] | None) -> Spread | None:
        """Read a cell of a result file."""
        if cell is None:
            return None
        return Spread(cell["mean"], cell["std"], tuple(cell["values"]))

    def squared_error(self) -> float:
        """Squared standard error of the mean; 0 where there is no spread."""
        return (self.std or 0.0) ** 2 / len(self.values)

    def __str__(self) -> str:
        digits = 4 if abs(self.mean) < 10 else 2
        spread = "" if self.std is None else f" ± {self.std:.{digits}f}"
        return f"{self.mean:.{digits}f}{spread} ({len(self.values)})"


@dataclass(frozen=True)
class Line:
    """One metric of one row, committed and repeated; None where one side does not have it."""

    row: str
    metric: str
    committed: Spread | None
    repeated: Spread | None

    @property
    def tolerance(self) -> float:
        """Largest distance of the means."""
        if self.committed is None or self.repeated is None:
            return 0.0
        error = math.sqrt(self.committed.squared_error() + self.repeated.squared_error())
        return max(STANDARD_ERRORS * error, FLOOR * max(1.0, abs(self.committed.mean)))

    @property
    def difference(self) -> float:
        """Distance of the means; infinite where one side is missing."""
        if self.committed is None or self.repeated is None:
            return math.inf
        return abs(self.committed.mean - self.repeated.mean)

    @property
    def within(self) -> bool:
        """True if the figure was reproduced; one that is missing on either side was not."""
        return self.difference <= self.tolerance

    @property
    def equal(self) -> bool:
        """True if all values are the same to the last bit."""
        sides = self.committed, self.repeated
        return None not in sides and sides[0].values == sides[1].values  # type: ignore[union-attr]

    def cells(self) -> dict[str, str]:
        """The line as a row of the final table."""
        return {
            "row": self.row,
            "metric": self.metric,
            "committed": str(self.committed or "missing"),
            "reproduced": str(self.repeated or "missing"),
            "may differ by": f"{self.tolerance:.4f}",
            "within": "yes" if self.within else "NO",
        }


def compare(committed: Mapping[str, Any], repeated: Mapping[str, Any]) -> list[Line]:
    """Compare two result files.

    Args:
        committed (Mapping[str, Any]): Content of the committed file.
        repeated (Mapping[str, Any]): Content of the new one.

    Returns:
        list[Line]: A line per row and metric of either file, times left out, in the order of the
        files.
    """
    before, after = committed["rows"], repeated["rows"]
    lines = []
    for row in dict.fromkeys([*before, *after]):
        old, new = before.get(row, {}), after.get(row, {})
        for metric in dict.fromkeys([*old, *new]):
            if metric not in TIMING:
                cells = Spread.of(old.get(metric)), Spread.of(new.get(metric))
                lines.append(Line(row, metric, *cells))
    return lines


def changed_settings(committed: Mapping[str, Any], repeated: Mapping[str, Any]) -> list[str]:
    """Settings that the recorded command no longer gives, which makes it another experiment.

    Settings that a script has gained since are no difference; paths of files never are.

    Returns:
        list[str]: ``"name: committed -> now"`` for every one; seeds are among them.
    """
    old = {"seeds": committed["seeds"], **committed["config"]}
    new = {"seeds": repeated["seeds"], **repeated["config"]}
    return [
        f"{name}: {old[name]} -> {new.get(name)}"
        for name in old
        if name not in PATHS and old[name] != new.get(name)
    ]
