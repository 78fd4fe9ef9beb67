"""Every public function that takes a table, given tables as people have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
import torch

from tests.inputs._public import takers
from tests.inputs._table_calls import ENDS, FILES, FRAMES, IDS, LINES, frame

NUMBERS = {"source": [0, 1, 2], "target": [1, 2, 0]}


def test_every_public_function_of_a_table_is_here() -> None:
    expected = {f"{name}.{given}" for name, all in takers("table").items() for given in all}
    assert set(FRAMES) | set(IDS) == expected
    paths = {f"{name}.{given}" for name, all in takers("path").items() for given in all}
    assert (set(FILES) | set(LINES)) - set(FRAMES) <= paths


def library(name: str) -> Any:
    return pytest.importorskip(name)


#: The same table in another type.
SAME: dict[str, Callable[[], Any]] = {
    "text": lambda: frame().astype("string"),
    "category": lambda: frame().astype("category"),
    "another index": lambda: frame().set_index(pandas.Index([7, 7, 3])),
    "more columns": lambda: frame(weight=[1.0, float("nan"), 2.0], note=[None, "a", 3]),
    "pyarrow": lambda: library("pyarrow").Table.from_pandas(frame()),
    "polars": lambda: library("polars").from_pandas(frame()),
}

#: Ids that are numbers, in all types that tables have for them.
SAME_NUMBERS: dict[str, Callable[[], Any]] = {
    "float": lambda: frame(**NUMBERS).astype("float64"),
    "int32": lambda: frame(**NUMBERS).astype("int32"),
    "unsigned": lambda: frame(**NUMBERS).astype("uint64"),
    "nullable": lambda: frame(**NUMBERS).astype("Int64"),
    "nullable float": lambda: frame(**NUMBERS).astype("Float64"),
    "category": lambda: frame(**NUMBERS).astype("category"),
    "objects": lambda: frame(**NUMBERS).astype(object),
    "one column of floats": lambda: frame(**NUMBERS).astype({"source": float}),
}


@pytest.mark.parametrize("row", SAME)
@pytest.mark.parametrize("name", FRAMES)
def test_same_table_gives_the_same(name: str, row: str) -> None:
    assert FRAMES[name](SAME[row]()) == FRAMES[name](frame())


@pytest.mark.parametrize("row", SAME_NUMBERS)
@pytest.mark.parametrize("name", FRAMES)
def test_same_numbers_give_the_same(name: str, row: str) -> None:
    found, expected = FRAMES[name](SAME_NUMBERS[row]()), FRAMES[name](frame(**NUMBERS))
    assert found == expected
    assert str(found) == str(expected)  # integers, too


#: What is no table of edges or memberships.
BAD: dict[str, Callable[[], Any]] = {
    "missing column": lambda: frame().drop(columns="target"),
    "no columns": lambda: pandas.DataFrame(),
    "NaN": lambda: frame(source=[0.0, float("nan"), 2.0]),
    "None": lambda: frame(target=["a", None, "b"]),
    "pandas.NA": lambda: frame(source=pandas.array([0, None, 2], dtype="Int64")),
    "NaT": lambda: frame(source=[pandas.Timestamp(0), pandas.NaT, pandas.Timestamp(1)]),
    "missing category": lambda: frame(source=pandas.Categorical(["a", None, "b"])),
    "words and numbers": lambda: frame(source=[1, "1", 2]),
    "column twice": lambda: pandas.DataFrame(ENDS * 1, columns=["source", "source"]).join(
        frame()[["target"]]
    ),
    "no table": lambda: None,
    "a number": lambda: 3,
    "a tensor": lambda: torch.zeros(3, 2, dtype=torch.long),
    "a dictionary": lambda: {"source": [0], "target": [1]},
    "a column": lambda: frame()["source"],
}

NAMED = re.compile(r"\b(table|frame|column|columns|row|source|target)\b")


@pytest.mark.parametrize("row", BAD)
@pytest.mark.parametrize("name", FRAMES)
def test_wrong_table_is_refused_by_name(name: str, row: str) -> None:
    with pytest.raises((TypeError, ValueError), match=NAMED):
        FRAMES[name](BAD[row]())


@pytest.mark.parametrize("name", FRAMES)
def test_table_without_rows_is_an_empty_graph(name: str) -> None:
    for empty in (frame().iloc[:0], frame(**NUMBERS).iloc[:0]):
        found = FRAMES[name](empty)
        assert found[0] == [[], []] and not len(found[1])


GOOD_IDS: dict[str, Callable[[], Any]] = {
    "list": lambda: ["ann", "bob", "eve"],
    "tuple": lambda: ("ann", "bob", "eve"),
    "array": lambda: numpy.array(["ann", "bob", "eve"]),
    "Series": lambda: pandas.Series(["ann", "bob", "eve"], index=[4, 4, 1]),
    "category": lambda: pandas.Index(["ann", "bob", "eve"]).astype("category"),
}

BAD_IDS: dict[str, Callable[[], Any]] = {
    "too few": lambda: ["ann", "bob"],
    "None": lambda: None,
    "a number": lambda: 3,
    "a word": lambda: "ann",
    "a frame": frame,
}


@pytest.mark.parametrize("row", GOOD_IDS)
@pytest.mark.parametrize("name", IDS)
def test_ids_of_every_kind(name: str, row: str) -> None:
    assert IDS[name](GOOD_IDS[row]()) == IDS[name](["ann", "bob", "eve"])
    assert IDS[name](torch.tensor([5, 7, 9])) == IDS[name]([5, 7, 9])


@pytest.mark.parametrize("row", BAD_IDS)
@pytest.mark.parametrize("name", IDS)
def test_wrong_ids_are_refused_by_name(name: str, row: str) -> None:
    with pytest.raises((TypeError, ValueError, IndexError), match=r"\b(ids|rows|columns)\b"):
        IDS[name](BAD_IDS[row]())


# --- files ----------------------------------------------------------------------------------------

HEADERS = {"TextGraph.from_csv.edges": "src,dst"}


def lines_of(name: str) -> list[str]:
    return [HEADERS.get(name, "source,target"), *map(",".join, ENDS)]


def written(path: Path, lines: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes(end.join([*lines, ""]).encode(encoding))
    return path


SAME_FILES: dict[str, Callable[[Path, list[str]], Path]] = {
    "BOM": lambda p, lines: written(p, lines, "utf-8-sig"),
    "CRLF": lambda p, lines: written(p, lines, end="\r\n"),
    "no last line feed": lambda p, lines: written(p, [*lines[:-1], lines[-1].rstrip()], end="\n"),
    "quotes": lambda p, lines: written(p, [re.sub(r"[a-z]+", r'"\g<0>"', line) for line in lines]),
}


@pytest.mark.parametrize("row", SAME_FILES)
@pytest.mark.parametrize("name", FILES)
def test_same_file_gives_the_same(name: str, row: str, tmp_path: Path) -> None:
    lines = lines_of(name)
    found = FILES[name](SAME_FILES[row](tmp_path / "given.csv", lines))
    assert found == FILES[name](written(tmp_path / "plain.csv", lines))


@pytest.mark.parametrize("name", FILES)
def test_other_encoding_is_named_and_read(name: str, tmp_path: Path) -> None:
    lines = [line.replace("ann", "zo\xeb") for line in lines_of(name)]
    if name == "TextGraph.from_csv.edges":
        lines = [*lines_of(name), "ann,zo\xeb"]
    path = written(tmp_path / "given.csv", lines, "cp1252")
    with pytest.raises(ValueError, match="encoding") as caught:
        FILES[name](path)
    assert path.name in str(caught.value)
    if name != "TextGraph.from_csv.edges":
        found = FILES[name](path, encoding="cp1252")
        assert found == FILES[name](written(tmp_path / "plain.csv", lines))
    with pytest.raises(ValueError, match="encoding must be"):
        FILES[name](path, encoding="cp125x")


BAD_FILES: dict[str, Callable[[list[str]], list[str]]] = {
    "missing column": lambda lines: [line.partition(",")[0] for line in lines],
    "other columns": lambda lines: ["a,b", *lines[1:]],
    "column twice": lambda lines: [",".join([lines[0].partition(",")[0]] * 2), *lines[1:]],
    "more fields": lambda lines: [*lines, "eve,bob,3"],
    "fewer fields": lambda lines: [*lines, "eve"],
    "missing id": lambda lines: [*lines, ",bob"],
    "open quote": lambda lines: [*lines, 'eve,"bob'],
}


@pytest.mark.parametrize("row", BAD_FILES)
@pytest.mark.parametrize("name", FILES)
def test_wrong_file_is_named(name: str, row: str, tmp_path: Path) -> None:
    path = written(tmp_path / "given.csv", BAD_FILES[row](lines_of(name)))
    with pytest.raises(ValueError) as caught:
        FILES[name](path)
    assert path.name in str(caught.value) or "header repeats" in str(caught.value)


@pytest.mark.parametrize("name", LINES)
def test_lines_of_other_programs(name: str, tmp_path: Path) -> None:
    lines = ["ann bob", "bob eve zoe"]
    expected = LINES[name](written(tmp_path / "plain.txt", lines))
    for number, given in enumerate(
        (
            written(tmp_path / "bom.txt", lines, "utf-8-sig"),
            written(tmp_path / "utf16.txt", lines, "utf-16"),
            written(tmp_path / "crlf.txt", lines, end="\r\n"),
        )
    ):
        assert LINES[name](given) == expected, number
    other = written(tmp_path / "other.txt", ["ann bob", "zo\xeb eve"], "cp1252")
    with pytest.raises(ValueError, match=r"other.txt, line 2.*encoding='cp1252'"):
        LINES[name](other)
