"""Results of one preset over several seeds: table on the terminal, JSON on disk."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from graphlab._io import user_path, write_json

from .environment import environment, git_commit

Rows = dict[str, dict[str, float]]
Published = Mapping[str, Mapping[str, Mapping[str, float]]]
"""``{preset: {row label: {metric: published value}}}``."""


@dataclass(frozen=True)
class SeedResult:
    """A finished seed.

    Attributes:
        seed (int): The seed.
        rows (Rows): ``{row label: {metric: value}}``.
        cost (dict[str, Any]): ``seconds`` (wall), ``peak_rss_bytes`` (highest resident memory of
            the process up to the end of this seed), ``peak_gpu_bytes``, ``device`` and ``commit``
            of the code.
        directory (Path): Its files.
    """

    seed: int
    rows: Rows
    cost: dict[str, Any]
    directory: Path


@dataclass
class Results:
    """Everything known about one preset.

    Attributes:
        script (str): Name of the script.
        preset (str): Name of the preset.
        config (dict[str, Any]): The configuration as JSON values.
        protocol (str, optional): How numbers were selected, when the configuration says so.
        finished (list[SeedResult]): One entry per finished seed.
        errors (dict[int, str]): Message by failed seed.
        published (dict[str, dict[str, float]]): Published numbers by row label and metric.
        not_run (dict[str, str]): What was left out, and why.
        command (str, optional): The command that repeats the run.
        file (Path, optional): Where they were written.
        changes (str): Options by which the configuration differs from the preset.
    """

    script: str
    preset: str
    config: dict[str, Any]
    protocol: str | None
    finished: list[SeedResult] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    published: dict[str, dict[str, float]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    command: str | None = None
    file: Path | None = None
    changes: str = ""

    def values(self) -> dict[str, dict[str, list[float]]]:
        """Values by row label and metric, in the order of the finished seeds."""
        collected: dict[str, dict[str, list[float]]] = {}
        for result in self.finished:
            for label, metrics in result.rows.items():
                for metric, value in metrics.items():
                    collected.setdefault(label, {}).setdefault(metric, []).append(value)
        return collected

    def summary(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Values, mean and sample standard deviation (None for one seed) of every number."""
        return {
            label: {
                metric: {
                    "values": values,
                    "mean": statistics.fmean(values),
                    "std": statistics.stdev(values) if len(values) > 1 else None,
                }
                for metric, values in metrics.items()
            }
            for label, metrics in self.values().items()
        }

    def as_dict(self) -> dict[str, Any]:
        """The content of the results file."""
        return {
            "script": self.script,
            "preset": self.preset,
            "config": self.config,
            "protocol": self.protocol,
            "seeds": [result.seed for result in self.finished],
            "rows": self.summary(),
            "published": self.published,
            "errors": {str(seed): message for seed, message in self.errors.items()},
            "not_run": self.not_run,
            "cost": [{"seed": result.seed, **result.cost} for result in self.finished],
            "command": self.command,
            "commit": git_commit(),
            "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **environment(),
        }

    def write(self, path: str | Path) -> None:
        """Write :meth:`as_dict` atomically."""
        target = user_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_json(target, self.as_dict())

    def table_rows(self) -> list[dict[str, str]]:
        """One dict per row of the table: ours as mean ± std, then the published lines."""
        rows = []
        for label, metrics in self.summary().items():
            cells = {
                metric: _cell(entry["mean"], entry["std"]) for metric, entry in metrics.items()
            }
            seeds = max(len(entry["values"]) for entry in metrics.values())
            rows.append({"": label, **cells, "seeds": str(seeds)})
        for label, numbers in self.published.items():
            cells = {metric: _cell(value, None) for metric, value in numbers.items()}
            rows.append({"": f"{label} (published)", **cells, "seeds": "-"})
        return rows

    def table(self) -> str:
        """The table as aligned text, with the protocol and the failed seeds."""
        note = f", protocol {self.protocol}" if self.protocol else ""
        changes = f", with {self.changes}" if self.changes else ""
        lines = [f"{self.script} {self.preset}{changes}{note}", *aligned(self.table_rows())]
        lines += [f"seed {seed} failed: {message}" for seed, message in self.errors.items()]
        return "\n".join(lines)


def _cell(mean: float, std: float | None) -> str:
    # Scores live in [0, 1]; seconds and counts read better with fewer digits.
    if std is None and abs(mean) >= 10 and mean == round(mean):
        return f"{mean:.0f}"
    if std is None and 0 < abs(mean) < 5e-5:
        return f"{mean:.1e}"
    digits = 4 if abs(mean) < 10 else 2
    return f"{mean:.{digits}f}" + (f" ± {std:.{digits}f}" if std is not None else "")


def columns_of(rows: list[dict[str, Any]]) -> list[str]:
    """Every key of ``rows`` in order of first appearance, ``seeds`` last."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return sorted(keys, key=lambda key: key == "seeds")


def aligned(rows: list[dict[str, str]]) -> list[str]:
    """Lines of a text table with a header; a missing cell is shown as ``-``."""
    columns = columns_of(rows)
    grid = [columns, *([row.get(column, "-") for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in grid) for i in range(len(columns))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in grid
    ]
