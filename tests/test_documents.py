"""What the documents say equals the committed result files."""

from __future__ import annotations

import subprocess
import sys

from tests._data import REPOSITORY


def test_tables_equal_their_result_files() -> None:
    done = subprocess.run(
        [sys.executable, "docs/tables.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_committed_results_name_their_protocol_and_seeds() -> None:
    import json

    files = sorted((REPOSITORY / "experiments" / "results").glob("*.json"))
    assert files
    for path in files:
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["protocol"] == "last"
        assert result["seeds"], path.name
        assert not result["errors"], path.name
        assert result["hardware"]["cpu"] and result["command"]
        assert any("k-means" in row for row in result["rows"]), path.name
