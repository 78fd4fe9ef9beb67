"""Kills and damaged files, from the counts of all runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from _tables.common import ROOT, markdown, read


class Part(NamedTuple):
    """Rows of one part of a record of counts."""

    file: str
    title: str
    unit: str  # what a name has to reach
    proof: str  # the count that says how much of it tried anything, and how it is called
    proof_title: str
    fault: str  # what must not happen


PARTS = {
    "writers": Part("kills", "writers, killed", "kills", "inside", "inside a write", "lost"),
    "commands": Part("kills", "scripts, killed", "kills", "resumed", "resumed", "lost"),
    "readers": Part("fuzz", "readers of damaged files", "seconds", "files", "files", "finds"),
}


def faults() -> str:
    """Per part the least amount of a name, sums over all names, and faults."""
    found = ((part, rows_of(name, part)) for name, part in PARTS.items())
    lines = [line(part, rows) for part, rows in found if rows]
    return markdown(["what", "how many", "least of one", "in all", "faults"], lines)


def line(part: Part, rows: list[dict[str, Any]]) -> list[str]:
    """One part; a name may have several rows, of several seeds."""
    amounts: Counter[str] = Counter()
    for row in rows:
        amounts[row["name"]] += row[part.unit]
    proof, fault = (sum(row[count] for row in rows) for count in (part.proof, part.fault))
    return [
        part.title,
        str(len(amounts)),
        f"{min(amounts.values()):,.0f} {part.unit}",
        f"{amounts.total():,.0f} {part.unit}, {proof:,} {part.proof_title}",
        f"{fault} {part.fault}",
    ]


def rows_of(name: str, part: Part) -> list[dict[str, Any]]:
    """Rows of a part that have been recorded."""
    path = f"tests/faults/results/{part.file}.json"
    return [row for row in read(path) if row["part"] == name] if (ROOT / path).exists() else []


TABLES: dict[str, Callable[[], str]] = {"faults": faults}
