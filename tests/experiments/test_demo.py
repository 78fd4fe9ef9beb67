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
from experiments.demo.concentration import warning_scores
from experiments.demo.deepwalk import DeepWalk
from experiments.demo.part import NO_LLM, number
from experiments.demo.parts import PARTS
from experiments.link_prediction.split import split_edges
from tests.experiments.test_report import parse

NAMES = [part.name for part in PARTS]


def options(tmp_path: Path, **changes: Any) -> demo.Options:
    settings = {"size": "toy", "out": tmp_path, "report": tmp_path / "r.html"} | changes
    return demo.Options(**settings)


def test_every_system_is_shown_once():
    assert len(set(NAMES)) == len(PARTS) >= 9
    assert demo.chosen(()) == PARTS
    assert [part.name for part in demo.chosen(("tape", "pamc"))] == ["pamc", "tape"]
    with pytest.raises(ValueError, match=r"parts must be among pamc, .*, got gnn"):
        demo.chosen(("gnn",))


@pytest.mark.parametrize("part", PARTS, ids=NAMES)
def test_part_runs_and_stands_beside_its_baseline(part, tmp_path):
    results = demo.run_part(part, options(tmp_path))
    assert not results.errors
    rows = results.finished[0].rows
    assert part.ours != part.baseline
    assert part.metric in rows[part.ours] and part.metric in rows[part.baseline]
    line = part.summary(results)
    assert line["result"].startswith(number(rows[part.ours][part.metric]))
    assert line["baseline"].endswith(f"({part.baseline})")
    said = line["what it means"]
    assert len(said) > 40 and "nan" not in said
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
    assert text.count("some of the systems") == 2  # the title and the heading
    assert "what it means" in text and checker.tags.count("img") == 2


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
    assert "    FastRP finds " in printed.out  # what the numbers mean, below them
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "failed: RuntimeError: no luck" in page
    assert "TC on known edges" in page


def test_seeds_of_a_part_are_added_up(tmp_path):
    part = demo.chosen(("fastrp",))[0]
    results = demo.run_part(part, options(tmp_path))
    results.finished = [
        dataclasses.replace(results.finished[0], cost={"seconds": 1.5, "peak_rss_bytes": bytes_})
        for bytes_ in (2e6, 3e6)
    ]
    line = report._cost(report.Entry("FastRP", "", "", {}, results))
    assert line == {"system": "FastRP", "seconds": "3.0", "memory so far, MB": "3", "seeds": "2"}


def test_a_part_without_its_packages_is_skipped_and_says_what_it_needs(
    tmp_path, monkeypatch, capsys
):
    (tape,) = demo.chosen(("tape",))
    absent = dataclasses.replace(tape, needs=("no_such_package", "torch"), extra="pip install it")
    monkeypatch.setattr(demo, "PARTS", (absent,))
    arguments = ["--out", str(tmp_path), "--report", str(tmp_path / "r.html")]
    assert demo.main(arguments) == 0
    printed = capsys.readouterr()
    assert "skipped: needs no_such_package (pip install it)" in printed.out
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "skipped: needs no_such_package (pip install it)" in page and "Time and memory" in page


@pytest.mark.parametrize(("value", "text"), [(0.0, "0.000"), (0.56, "0.560"), (0.00123, "0.0012")])
def test_numbers_keep_their_digits(value, text):
    assert number(value) == text


def test_low_values_point_to_failing_nodes():
    recall = torch.tensor([0.0, 0.1, 0.9, 1.0, float("nan"), 0.8, 0.7, 0.6])
    found = warning_scores(torch.arange(8.0), recall)
    assert found == {"failing found": 1.0, "recall of the lowest quarter": 0.0}
    assert warning_scores(-torch.arange(8.0), recall)["failing found"] == 0.0
    assert warning_scores(torch.arange(8.0), torch.ones(8))["failing found"] == 0.5


def test_deepwalk_finds_two_cliques():
    block = torch.combinations(torch.arange(8)).t()
    edges = torch.cat([block, block + 8, torch.tensor([[7], [8]])], dim=1)
    both = torch.cat([edges, edges.flip(0)], dim=1)
    walk = DeepWalk(dim=8, walks=20, length=10, window=2, batch_size=32)
    z = walk.embed(both, 17, seed=0)  # the last node is alone
    assert torch.equal(z, walk.embed(both, 17, seed=0))
    z = torch.nn.functional.normalize(z[:16] - z[:16].mean(0), dim=1)
    inside = (z[:8] @ z[:8].t()).mean() + (z[8:] @ z[8:].t()).mean()
    assert float(inside) / 2 > float((z[:8] @ z[8:].t()).mean()) + 0.5


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
