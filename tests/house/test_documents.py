"""What the documents say equals the committed result files."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import pytest

from tests._data import REPOSITORY


def test_tables_equal_their_result_files() -> None:
    done = subprocess.run(
        [sys.executable, "docs/tables.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_rows_below_their_baseline_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(REPOSITORY / "docs"))
    summary = importlib.import_module("_tables.summary")
    assert summary.unexplained() == []
    # A rule that finds no row below would find nothing to explain.
    rule = summary.RULES["pot"]
    low = {"rows": {"GRACE + POT budget": {"f1_micro": {"mean": 0.5}},
                    "GRACE": {"f1_micro": {"mean": 0.6}}}}  # fmt: skip
    assert summary.below(rule, low) == ["GRACE + POT budget"]
    low["rows"]["GRACE"]["f1_micro"]["mean"] = 0.5
    assert summary.below(rule, low) == []


#: A row that stands beside the results of a system, by the first word of the file.
BASELINES = {
    "pamc": "k-means on features",
    "fastrp": ("most frequent labels", "random order"),
    "link": "GCN",
    "concentration": "exact, 1 hop",
    "pot": "features",
    "pretext": "GCN, ",
    "hypergraph": "maximal cliques",
    "tape": ("LLM top-1", "logistic regression on TA"),
    "gaugllm": "frozen features",
    "knowledge": "frequency of tails",
    "retrieval": "BM25",
    "graphclip": ("own text", "cora: own text", "python_stdlib: own text"),
    # every source alone, beside the nearest mixture of all
    "feasibility": ("citeseer_m10 -> ", "python_stdlib.even -> "),
}


def test_committed_results_name_their_seeds_and_baselines() -> None:
    files = sorted((REPOSITORY / "experiments" / "results").glob("*.json"))
    assert files
    for path in files:
        result = json.loads(path.read_text(encoding="utf-8"))
        assert result["seeds"], path.name
        assert not result["errors"], path.name
        assert result["hardware"]["cpu"] and result["command"]
        baseline = BASELINES[path.stem.split("_")[0]]
        assert any(row.startswith(baseline) for row in result["rows"]), path.name
