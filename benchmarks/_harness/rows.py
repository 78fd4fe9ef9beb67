"""Rows of measurements: one dict of JSON values per method of a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks._harness.memory import peak_memory
from benchmarks._harness.timing import compare

__all__ = ["Row", "compared", "show"]

Row = dict[str, Any]


def compared(
    case: str,
    runs: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmup: int = 2,
    memory: bool = False,
) -> list[Row]:
    """Interleaved timings with paired ratios to the first run.

    Args:
        case (str): What all runs do.
        runs (Mapping[str, callable]): Functions by name; the first is compared with.
        repeats (int): Timed rounds.
        warmup (int): Rounds before them.
        memory (bool): Add the rise of peak memory during one more call of each.

    Returns:
        list[Row]: A row per run.
    """
    timings = compare(runs, repeats=repeats, warmup=warmup).as_rows()
    rows = [{"case": case, **row} for row in timings]
    for row in rows if memory else ():
        row["peak_extra_bytes"] = peak_memory(runs[row["name"]]).cpu_bytes
    return rows


def show(rows: list[Row]) -> None:
    """Print one line per measurement."""
    for row in rows:
        rest = {k: v for k, v in row.items() if k not in ("case", "name", "repeats")}
        numbers = ", ".join(
            f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in rest.items()
        )
        print(f"{row['case']} | {row['name']} | {numbers}", flush=True)
