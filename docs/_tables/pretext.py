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
                mean, low, high = (100 * value for value in interval(ours["gain"]["values"]))
                alone = cells[f"{source} labels alone, {split}"]["accuracy"]
                rows.append(
                    [
                        title,
                        split,
                        source,
                        spread(alone),
                        spread(cells[name]["accuracy"]),
                        spread(ours["accuracy"]),
                        f"{mean:+.1f} ({low:+.1f} to {high:+.1f})",
                    ]
                )
    if not rows:
        return "not measured yet"
    header = ["graph", "split", "labels by", "these labels alone", "GCN", "GCN + context", "gain"]
    return markdown(header, rows)


TABLES: dict[str, Callable[[], str]] = {"pretext_gain": gain}
