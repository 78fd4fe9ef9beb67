"""Result files of the benchmark scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks._harness import parts


def test_results_file_carries_what_a_reader_needs(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "pamc.json"
    command = ["--repeats", "3", f"--out={tmp_path}/x.json"]
    parts.write_results(path, "pamc", [{"name": "a", "speedup": 2.0}], command, [0, 1])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["rows"] == [{"name": "a", "speedup": 2.0}]
    assert content["command"] == "python -m benchmarks.pamc --repeats 3 --out=x.json"
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
    for key in ("date", "hardware", "versions", "kernels", "threads", "commit", "seeds"):
        assert key in content
    assert content["hardware"]["cores"] >= 1
    with pytest.raises(ValueError, match="JSON"):
        parts.write_results(path, "pamc", [{"speedup": float("nan")}], "x", [0])
