"""Counts of long hunts for faults, in one file to which later runs add.

A row stands for one part, one name and one seed. A row that is there is not measured again, so that
a run that was stopped goes on, and another seed adds to what is known.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments._harness.environment import git_commit
from graphlab._io import atomic_write


class Record:
    """Rows of a JSON file, or of this run alone.

    Args:
        path (Path, optional): The file; nothing is kept when None.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        # What an earlier run has recorded is no change of what is tested.
        self.commit = git_commit(besides="tests/faults/results")
        self.rows: list[dict[str, Any]] = []
        if path is not None and path.exists():
            self.rows = json.loads(path.read_text(encoding="utf-8"))

    def holds(self, part: str, name: str, seed: int, **least: float) -> bool:
        """Whether a row of this part, name and seed reaches at least these amounts."""
        row = next((r for r in self.rows if _key(r) == (part, name, seed)), None)
        return row is not None and all(row[amount] >= value for amount, value in least.items())

    def add(self, part: str, name: str, seed: int, **counts: Any) -> None:
        """Put a row in the place of an earlier one of the same part, name and seed, and write."""
        row = {"part": part, "name": name, "seed": seed, **counts, "commit": self.commit}
        self.rows = sorted([*filter(lambda r: _key(r) != _key(row), self.rows), row], key=_key)
        if self.path is not None:
            lines = ",\n".join(json.dumps(row) for row in self.rows)
            atomic_write(self.path, f"[\n{lines}\n]\n".encode())

    def total(self, count: str) -> float:
        """Sum of a count over all rows that have it."""
        return sum(row.get(count, 0) for row in self.rows)


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row["part"], row["name"], row["seed"]
