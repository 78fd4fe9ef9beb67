"""Reading result files and writing tables."""

from __future__ import annotations

import json
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
