"""The HTML report is whole, escaped and asks for nothing from outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.figure
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments._harness.context import Context
from experiments._harness.report import Report, _flat, results_report
from experiments._harness.results import _cell
from experiments._harness.runner import execute

VOID = {"meta", "link", "img", "path", "polyline"}


class Checker(HTMLParser):
    """Collects text and outside references, and checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href"):
                assert (value or "").startswith("data:"), value
            assert not name.startswith("on"), name
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parse(page: Report) -> Checker:
    checker = Checker()
    text = page.html()
    checker.feed(text)
    checker.close()
    assert not checker.open
    outside = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]*", "", text)
    assert not re.search(r"url\(|@import|//", outside)
    assert "script" not in checker.tags
    return checker


def axes() -> matplotlib.axes.Axes:
    result = matplotlib.figure.Figure().subplots()
    result.plot([0, 1], [1, 0])
    return result


def test_every_part_appears(tmp_path: Path) -> None:
    page = Report("Title").section("Part").text("one\n\ntwo").note("mind").code("python -m x")
    page.table([{"row": "a", "acc": 0.123456}, {"row": "b", "nmi": None}], "caption")
    page.figure(axes(), "picture").figure(axes().figure, "again")
    page.curves({"seed 0": [(0, 1.0), (1, 0.5)], "seed 1": [(0, 2.0)]}, "loss")
    checker = parse(page)
    text = " ".join(checker.words)
    for word in ("Title", "Part", "one", "two", "mind", "0.1235", "nmi", "caption", "loss"):
        assert word in text
    assert checker.tags.count("img") == 2
    assert checker.tags.count("p") == 2
    assert checker.tags.count("polyline") == 2
    assert "prefers-color-scheme: dark" in page.html()
    path = page.write(tmp_path / "deep" / "r.html")
    assert path.read_text(encoding="utf-8") == page.html()


@given(st.text(max_size=30))
def test_any_text_is_shown_and_not_interpreted(text: str) -> None:
    hostile = f"<script>{text}</script>\" onload='x' &amp;"
    page = Report(hostile).section(hostile).text(hostile).note(hostile).code(hostile)
    page.table([{hostile: hostile}], hostile).curves({hostile: [(0, 1)]}, hostile)
    page.figure(b"\x89PNG\r\n\x1a\n", hostile)
    checker = Checker()
    checker.feed(page.html())
    checker.close()
    assert not checker.open
    assert "script" not in checker.tags


def test_pictures_come_from_files_and_must_be_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    axes().figure.savefig(path)
    assert parse(Report("x").figure(path)).tags.count("img") == 1
    assert parse(Report("x").figure(str(path))).tags.count("img") == 1
    with pytest.raises(ValueError, match="PNG"):
        Report("x").figure(b"<svg onload='x'/>")


@pytest.mark.parametrize(
    "series", [{}, {"a": []}, {"a": [(0.0, float("nan"))]}, {"a": [(0.0, float("inf"))]}]
)
def test_nothing_to_draw_draws_nothing(series: dict[str, list[tuple[float, float]]]) -> None:
    assert "svg" not in parse(Report("x").curves(series)).tags


@pytest.mark.parametrize("points", [[(0, 1)], [(0, 1), (1, 1)], [(2, -1e300), (3, 1e300)]])
def test_degenerate_curves_have_finite_coordinates(points: list[tuple[float, float]]) -> None:
    text = Report("x").curves({"a": points}).html()
    (coordinates,) = re.findall(r'points="([^"]*)"', text)
    assert "nan" not in coordinates
    assert "inf" not in coordinates


@dataclass(frozen=True)
class Config:
    protocol: str = "last"


def test_a_run_becomes_a_page(tmp_path: Path) -> None:
    def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
        if context.seed == 2:
            raise RuntimeError("no <memory>")
        context.log(0, loss=1.0)
        context.log(1, loss=float("nan"))
        context.log(2, loss=0.5)
        context.figure("embedding_pca", axes())
        context.table("cluster_sizes", [{"cluster": 0, "size": 7}])
        return {"PamC": {"acc": 0.9}, "k-means": {"acc": 0.7}}

    published = {"acm": {"SCGC*": {"acc": 0.88}}}
    results = execute(
        run, Config(), seeds=[0, 1, 2], preset="acm", out=tmp_path, published=published
    )
    results.command = "python -m experiments.pamc"
    results.not_run["hhar"] = "features are not public"
    checker = parse(results_report(results))
    text = " ".join(checker.words)
    for word in (
        "Protocol: last",
        "k-means",
        "SCGC* (published)",
        "RuntimeError: no <memory>",
        "features are not public",
        "loss by step",
        "embedding pca",
        "cluster sizes",
        "python -m experiments.pamc",
        "torch",
    ):
        assert word in text, word
    assert checker.tags.count("img") == 1
    assert checker.tags.count("polyline") == 2


def test_a_run_without_any_success_still_becomes_a_page(tmp_path: Path) -> None:
    def run(config: Config, context: Context) -> dict[str, float]:
        raise RuntimeError("broken")

    text = " ".join(parse(results_report(execute(run, Config(), out=tmp_path))).words)
    assert "broken" in text
    assert "Seeds finished: 0" in text


def test_rows_without_a_common_measure_are_tables_of_their_own(tmp_path: Path) -> None:
    def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
        return {"a": {"acc": 0.5}, "b": {"auc": 0.7}, "c": {"acc": 0.1, "f1": 0.2}}

    page = results_report(execute(run, Config(), out=tmp_path))
    tables = re.findall(r"<table>.*?</table>", page.html())
    assert [("acc" in t, "auc" in t) for t in tables[:2]] == [(True, False), (False, True)]


def test_what_all_rows_share_stands_above_the_table_once(tmp_path: Path) -> None:
    def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
        rows = {"a": {"acc": 0.5}, "b": {"acc": 0.6}}
        return rows if context.seed else rows | {"c": {"acc": 0.7}}

    def table(seeds: list[int]) -> str:
        results = execute(run, Config(), seeds=seeds, out=tmp_path, resume=False)
        results.published["paper"] = {"acc": 0.9}
        return re.findall(r"<table>.*?</table>", results_report(results).html())[0]

    alike, apart = table([1, 2]), table([0, 1])
    assert "over 2 seeds" in alike
    assert ">seeds</th>" not in alike
    assert ">seeds</th>" in apart  # row c has one seed, the others two


def test_names_of_columns_are_read_as_words() -> None:
    page = Report("x").table([{"seconds_per_epoch": 0.5}]).html()
    assert '<th scope="col">seconds per epoch</th>' in page


def test_environment_is_told_in_readable_units() -> None:
    facts = {"cpu": "x", "memory_bytes": 25_276_510_208, "gpus": []}
    assert _flat(facts) == "cpu x, memory 25.3 GB, gpus none"
    assert _flat({"memory_bytes": None}) == "memory none"


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        (0.5, None, "0.5000"),
        (1.0, None, "1.0000"),
        (1333.0, None, "1333"),
        (14.786, None, "14.79"),
        (2.6e-5, None, "2.6e-05"),
        (0.0, None, "0.0000"),
        (12.0, 1.0, "12.00 ± 1.00"),
        (0.25, 0.125, "0.2500 ± 0.1250"),
    ],
)
def test_counts_are_whole_and_small_numbers_do_not_vanish(
    mean: float, std: float | None, text: str
) -> None:
    assert _cell(mean, std) == text


def test_columns_of_words_are_told_from_columns_of_numbers() -> None:
    rows = [{"row": "a", "acc": "0.5 ± 0.1", "why": "because"}, {"row": "b", "acc": 1e-9}]
    page = Report("x").table(rows).html()
    assert '<th scope="col">acc</th>' in page
    assert '<td class="text">because</td>' in page
