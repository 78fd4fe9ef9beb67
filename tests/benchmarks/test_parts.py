"""Result files of the benchmark scripts."""

from __future__ import annotations

import json
import os
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


def test_results_that_cannot_be_written_are_found_before_they_are_measured(tmp_path: Path) -> None:
    def never() -> list[parts.Row]:
        raise AssertionError

    (tmp_path / "file").write_text("")
    parser = parts.part_parser("", ["a"])
    options = parser.parse_args(["--results", str(tmp_path / "file" / "r.json")])
    with pytest.raises(SystemExit, match="--results cannot be written"):
        parts.run_parts("a", {"a": never}, options, seeds=[0])


@pytest.mark.skipif(os.name != "posix", reason="HOME names the home folder")
def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    options = parts.part_parser("", ["a"], source="data").parse_args(
        ["--results=~/r.json", "--source=~/data"]
    )
    assert (options.results, options.source) == (tmp_path / "r.json", tmp_path / "data")


def test_what_was_measured_before_a_failure_is_kept(tmp_path: Path) -> None:
    def fails() -> list[parts.Row]:
        raise FileNotFoundError("no data")

    both = {"a": lambda: [{"name": "x", "case": "y", "speedup": 2.0}], "b": fails}
    path = tmp_path / "r.json"
    path.write_text("before")
    options = parts.part_parser("", both).parse_args(["--results", str(path)])
    with pytest.raises(FileNotFoundError, match="no data"):
        parts.run_parts("r", both, options, seeds=[0])
    kept = json.loads((tmp_path / "r_unfinished.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in kept["rows"]] == ["x"]
    assert path.read_text() == "before"
