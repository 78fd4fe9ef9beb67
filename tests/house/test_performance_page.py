"""The bars of the page "Performance"."""

from __future__ import annotations

import importlib
import json
from types import ModuleType

import pytest

from tests._data import REPOSITORY


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "docs"))
    return importlib.import_module("_tables.performance")


def write(folder, name: str, rows: list[dict]) -> None:
    target = folder / "benchmarks" / "results"
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{name}.json").write_text(json.dumps({"rows": rows}))


@pytest.fixture
def folder(page, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "ROOT", tmp_path)
    monkeypatch.setattr(page, "read", lambda path: json.loads((tmp_path / path).read_text()))
    return tmp_path


def test_bars_are_proportional_and_never_invisible(page):
    rows = page.bars({"a": 1.0, "b": 4.0, "c": 1e-9}, floor=2.0)
    assert [row[0] for row in rows] == ["b", "a", "c", "*floor*"]
    assert [len(row[2]) for row in rows] == [page.WIDTH, page.WIDTH // 4, 1, page.WIDTH // 2]


@pytest.mark.parametrize(
    ("seconds", "text"), [(26.7, "26.7 s"), (0.0035, "3.5 ms"), (2.5e-5, "25 µs"), (1.0, "1 s")]
)
def test_durations(page, seconds, text):
    assert page.duration(seconds) == text


def test_cases_are_comparisons_or_have_a_floor(page, folder):
    rows = [
        {"case": "both", "name": "ours", "median_s": 1.0},
        {"case": "both", "name": "theirs", "median_s": 2.0},
        {"case": "curve", "name": "ours", "median_s": 1.0},
        {"case": "curve", "name": "ours", "median_s": 2.0},
        {"case": "alone", "name": "ours", "median_s": 1.0},
        {"case": "bounded", "name": "ours", "median_s": 1.0, "zero_reuse_bound_s": 0.5},
        {"case": "no time", "name": "ours"},
    ]
    write(folder, "pamc", rows)
    found = list(page.cases())
    assert [(case.title, case.floor) for case in found] == [("both", None), ("bounded", 0.5)]


def test_cuda_is_not_measured_until_a_file_says_so(page, folder):
    assert "not measured" in page.cuda()
    row = {"case": "propagate", "name": "graphlab", "time_us": 2100.0, "ratio_to_floor": 1.26,
           "peer": "torch.sparse", "ratio_to_peer": 2.2, "max_error": 1.2e-7}  # fmt: skip
    write(folder, "h200", [{"case": "device"}, row, {**row, "peer": None, "ratio_to_peer": None}])
    text = page.cuda()
    assert "not measured" not in text
    assert "| H200 | `propagate` | 2.1 ms | 1.26 | torch.sparse | 2.2x | 1e-07 |" in text
    assert "| H200 | `propagate` | 2.1 ms | 1.26 |  |  | 1e-07 |" in text
