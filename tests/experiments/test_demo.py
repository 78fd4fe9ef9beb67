"""The demo: every part at toy size, its page, and what it says about what it left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from experiments._data.graphs import les_miserables
from experiments._harness import report
from experiments._harness.report import joint_report
from experiments.demo import links as demo_links
from experiments.demo import run as demo
from experiments.demo.part import NO_LLM
from experiments.demo.parts import PARTS
from experiments.link_prediction.split import split_edges
from experiments.pamc import run as pamc
from tests.experiments.test_report import parse

NAMES = [part.name for part in PARTS]


def options(tmp_path: Path, **changes: Any) -> demo.Options:
    settings = {"size": "toy", "out": tmp_path, "report": tmp_path / "r.html"} | changes
    return demo.Options(**settings)


def test_nine_systems_are_shown():
    assert len(set(NAMES)) == 9
    assert demo.chosen(()) == PARTS
    assert [part.name for part in demo.chosen(("tape", "pamc"))] == ["pamc", "tape"]
    with pytest.raises(ValueError, match=r"parts must be among pamc, .*, got gnn"):
        demo.chosen(("gnn",))


@pytest.fixture(autouse=True)
def without_map(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the t-SNE picture of all digits, which takes longer than everything else."""
    monkeypatch.setattr(pamc, "draw_map", lambda *arguments: None)


@pytest.mark.parametrize("part", PARTS, ids=NAMES)
def test_part_runs_and_stands_beside_its_baseline(part, tmp_path):
    results = demo.run_part(part, options(tmp_path))
    assert not results.errors
    rows = results.finished[0].rows
    assert part.ours != part.baseline
    assert part.metric in rows[part.ours] and part.metric in rows[part.baseline]
    line = part.summary(results)
    assert line["result"].startswith(f"{rows[part.ours][part.metric]:.3f}")
    assert part.left_out.items() <= results.not_run.items()
    assert list(tmp_path.rglob("*.png"))


def test_report_of_two_parts(tmp_path):
    parts = demo.chosen(("fastrp", "tape"))
    every, page = demo.run_parts(parts, options(tmp_path))
    assert len(every) == 2
    checker = parse(page)
    text = " ".join(checker.words)
    for word in ("Summary", "FastRP", "TAPE", "most frequent class", "Time and memory", "torch"):
        assert word in text
    assert NO_LLM in text
    assert "Left out: member E (explanations), member P (ranked predictions); no language" in text
    assert text.count("some of the nine systems") == 2  # the title and the heading
    assert checker.tags.count("img") == 2


def test_a_broken_part_is_told_and_the_others_still_run(tmp_path, monkeypatch, capsys):
    def broken(config: Any, context: Any) -> dict[str, float]:
        raise RuntimeError("no luck")

    first, second = demo.chosen(("fastrp", "concentration"))
    parts = (dataclasses.replace(first, run=broken), second)
    monkeypatch.setattr(demo, "PARTS", parts)
    arguments = ["--size", "toy", "--out", str(tmp_path), "--report", str(tmp_path / "r.html")]
    assert demo.main(arguments) == 1
    printed = capsys.readouterr()
    assert "[2/2] Topological concentration on les miserables" in printed.err
    assert "degree in known edges" in printed.out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "failed: RuntimeError: no luck" in page
    assert "TC on known edges" in page


def test_seeds_of_a_part_are_added_up(tmp_path):
    part = dataclasses.replace(demo.chosen(("fastrp",))[0], toy=demo_links.Config(splits=1, dim=4))
    results = demo.run_part(part, options(tmp_path))
    results.finished = [
        dataclasses.replace(results.finished[0], cost={"seconds": 1.5, "peak_rss_bytes": bytes_})
        for bytes_ in (2e6, 3e6)
    ]
    line = report._cost(report.Entry("FastRP", "", "", {}, results))
    assert line == {"system": "FastRP", "seconds": "3.0", "memory so far, MB": "3", "seeds": "2"}


def test_size_is_checked(tmp_path):
    with pytest.raises(ValueError, match="size must be full or toy, got 'small'"):
        demo.run_part(PARTS[0], options(tmp_path, size="small"))


def test_no_entries_make_a_page():
    assert "Nothing was left out" in joint_report("t", "", []).html()


def test_hidden_edges_are_not_seen_by_the_predictors():
    data, names = les_miserables()
    assert len(names) == data.num_nodes == 77
    torch.manual_seed(0)
    split = split_edges(data, torch.device("cpu"))
    scores = demo_links.predictors(demo_links.Config(dim=8), split, 0)
    hidden = split.positives["test"]
    pairs = set(map(tuple, split.train.t().tolist()))
    assert not pairs & set(map(tuple, hidden.t().tolist()))
    popular = scores["popular characters"]()
    assert popular[0].tolist() == torch.bincount(split.train[0], minlength=77).tolist()
