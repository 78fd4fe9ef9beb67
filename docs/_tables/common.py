"""Reading result files and writing tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> Any:
    """Read a committed JSON file."""
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Format a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(cell: dict[str, Any]) -> str:
    """Format mean and standard deviation of a score in percent."""
    if cell["std"] is None:
        return f"{100 * cell['mean']:.1f}"
    return f"{100 * cell['mean']:.1f} ± {100 * cell['std']:.1f}"


def measured(path: str, case: str) -> dict[str, dict[str, Any]]:
    """Rows of one case of a benchmark file by name."""
    return {row["name"]: row for row in read(path)["rows"] if row["case"] == case}


def present(system: str, sets: dict[str, str]) -> dict[str, Any]:
    """Result files that are there, by title; ``sets`` holds titles by name."""
    files = {title: f"experiments/results/{system}_{name}.json" for name, title in sets.items()}
    return {title: read(path) for title, path in files.items() if (ROOT / path).exists()}


def row_names(results: dict[str, Any], order: Callable[[str], int]) -> list[str]:
    """Names of the rows of all sets, sorted by a place that each has."""
    names = dict.fromkeys(name for table in results.values() for name in table["rows"])
    return sorted(names, key=order)


def by_set(
    results: dict[str, Any],
    metric: str,
    header: str,
    beside: str,
    order: Callable[[str], int] = lambda name: 0,
) -> str:
    """Rows by sets: the metric, with the published figure as ``beside``."""
    names = row_names(results, order)
    rows = []
    for name in names:
        cells = []
        for table in results.values():
            row, published = table["rows"].get(name, {}), table["published"].get(name)
            text = spread(row[metric]) if metric in row else ""
            cells.append(text + (beside.format(100 * published[metric]) if published else ""))
        if any(cells):
            rows.append([name, *cells])
    titles = [f"{title} ({len(table['seeds'])})" for title, table in results.items()]
    return markdown([header, *titles], rows)


def paired_test(differences: list[float]) -> tuple[str, str]:
    """Mean of paired differences with its standard error, and the p-value of a t-test."""
    from scipy.stats import ttest_1samp

    count = len(differences)
    error = statistics.stdev(differences) / count**0.5
    p_value = float(ttest_1samp(differences, 0.0).pvalue)
    shown = f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
    return f"{statistics.fmean(differences):+.1f} ± {error:.1f}", shown
