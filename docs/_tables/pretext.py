"""Tables of the pretext tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import t

from _tables.common import markdown, present, spread

SETS = {
    "cora": "Cora",
    "cora_corrected": "Cora, corrected",
    "citeseer": "CiteSeer",
    "citeseer_corrected": "CiteSeer, corrected",
}


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval of paired differences."""
    mean, half = float(np.mean(values)), 0.0
    if len(values) > 1:
        half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return mean, mean - half, mean + half


def gain() -> str:
    """The network alone, with the task, and the spread labels alone."""
    rows = []
    for title, table in present("pretext", SETS).items():
        cells: dict[str, Any] = table["rows"]
        for name in [name for name in cells if name.startswith("GCN, ")]:
            split = name.removeprefix("GCN, ")
            for source in ("harmonic", "ica"):
                ours = cells.get(f"GCN + context by {source}, {split}")
                if ours is None:
                    continue
                alone = cells[f"{source} labels alone, {split}"]["accuracy"]
                rows.append(
                    [
                        title,
                        split,
                        source,
                        spread(alone),
                        spread(cells[name]["accuracy"]),
                        spread(ours["accuracy"]),
                        _paired(ours),
                    ]
                )
    if not rows:
        return "not measured yet"
    header = ["graph", "split", "labels by", "these labels alone", "GCN", "GCN + context", "gain"]
    return markdown(header, rows)


def tasks() -> str:
    """The network alone and with each of the other tasks."""
    sets = {"cora_tasks": "Cora", "citeseer_tasks": "CiteSeer"}
    rows = []
    for title, table in present("pretext", sets).items():
        cells: dict[str, Any] = table["rows"]
        for name, cell in cells.items():
            task, _, split = name.partition(", ")
            if task.startswith("GCN + "):
                alone = spread(cells[f"GCN, {split}"]["accuracy"])
                task = task.removeprefix("GCN + ")
                rows.append([title, split, task, alone, spread(cell["accuracy"]), _paired(cell)])
    if not rows:
        return "not measured yet"
    return markdown(["graph", "split", "task", "GCN", "GCN + task", "gain"], rows)


def _paired(cell: dict[str, Any]) -> str:
    """Mean and 95 % interval of the gains of a row."""
    mean, low, high = (100 * value for value in interval(cell["gain"]["values"]))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


TABLES: dict[str, Callable[[], str]] = {"pretext_gain": gain, "pretext_tasks": tasks}
