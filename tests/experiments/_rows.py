"""The table of one run of a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments._harness.comparison import TIMING
from experiments._harness.runner import execute


def rows_of(
    run: Callable[..., Any], folder: Path, config: Any, **options: Any
) -> dict[str, dict[str, float]]:
    """Rows of seed 0 on the CPU, without times."""
    results = execute(run, config, out=folder, device="cpu", **options)
    assert not results.errors
    return {
        label: {metric: value for metric, value in row.items() if metric not in TIMING}
        for label, row in results.finished[0].rows.items()
    }
