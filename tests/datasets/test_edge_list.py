"""Edge lists of any layout: ids, weights and times arrive, and what is wrong is named."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import sys
import uuid
from enum import Enum

import numpy as np
import pytest
import torch

from graphlab.datasets import read_edge_list
from graphlab.embed import FastRP
from tests._data import REPOSITORY

pandas = pytest.importorskip("pandas", reason="comes with ogb")

ROWS = [("bob", "eve", 2.0, 10), ("ann", "bob", 0.5, 20), ("eve", "ann", 1.0, 5)]
FRAME = pandas.DataFrame(ROWS, columns=["who", "whom", "w", "t"])
EDGES = [[1, 0, 2], [2, 1, 0]]


def check(data, ids):
    assert list(ids) == ["ann", "bob", "eve"] and data.num_nodes == 3
    assert data.edge_index.tolist() == EDGES
    assert data.edge_weight.tolist() == [2.0, 0.5, 1.0]
    assert data.edge_weight.dtype == torch.get_default_dtype()
    assert data.edge_time.tolist() == [10, 20, 5] and data.edge_time.dtype == torch.int64
    assert data.validate()


def write(tmp_path, text, name="edges.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


TABLES = {
    "comma": FRAME.to_csv(index=False),
    "semicolon": FRAME.to_csv(index=False, sep=";"),
    "tab": FRAME.to_csv(index=False, sep="\t"),
    "blanks": FRAME.to_csv(index=False, sep=" ").replace(" ", "   "),
    "quoted": FRAME.to_csv(index=False, quoting=1),
    "spaces after commas": FRAME.to_csv(index=False).replace(",", ", "),
    "spaces around commas": FRAME.to_csv(index=False).replace(",", " , ").replace("\n", " \n"),
    "carriage returns": FRAME.to_csv(index=False, lineterminator="\r\n"),
    "mark": "\ufeff" + FRAME.to_csv(index=False),
    "comments": "# by hand\n\n% twice\n" + FRAME.to_csv(index=False) + "\n\n",
    "names in a comment": "# who\twhom\tw\tt\n" + FRAME.to_csv(index=False, sep="\t", header=False),
    "index": FRAME.to_csv(),
    "more columns": FRAME.assign(note="a b").to_csv(index=False),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_text_files(tmp_path, kind, pack):
    path = write(tmp_path, pack(TABLES[kind].encode()), "edges.txt")
    check(*read_edge_list(path, "who", "whom", weight="w", time="t"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_byte_order_marks(tmp_path, encoding):
    path = write(tmp_path, TABLES["comma"], encoding=encoding)
    check(*read_edge_list(path, "who", "whom", weight="w", time="t"))


def test_frames_and_lists():
    check(*read_edge_list(FRAME, "who", "whom", weight="w", time="t"))
    check(*read_edge_list(FRAME, 0, 1, weight=2, time=3))
    check(*read_edge_list(FRAME.astype("category"), 0, 1, weight=2, time=3))
    check(*read_edge_list(FRAME.convert_dtypes(), 0, 1, weight=2, time=3))
    check(*read_edge_list(FRAME.set_index("t").reset_index(), "who", "whom", weight="w", time="t"))
    check(*read_edge_list(ROWS, weight=2, time=3))


def test_ids_may_hold_separators_in_quotes(tmp_path):
    path = write(tmp_path, 'who,whom\n"Lee, Ann","O""Neil"\n"O""Neil",Bob\n')
    assert list(read_edge_list(path, "who", "whom")[1]) == ["Bob", "Lee, Ann", 'O"Neil']


def test_columnar_files(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="needs the extra 'tables'")
    check(*read_edge_list(arrow.Table.from_pandas(FRAME), "who", "whom", weight="w", time="t"))
    FRAME.to_parquet(tmp_path / "edges.parquet")
    FRAME.to_feather(tmp_path / "edges.feather")
    for name in ("edges.parquet", "edges.feather"):
        check(*read_edge_list(tmp_path / name, "who", "whom", weight="w", time="t"))
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        read_edge_list(write(tmp_path, "a,b\n", "text.parquet"))


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    FRAME.to_parquet(tmp_path / "edges.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r"edges\.parquet needs pyarrow: pip install 'graphlab\["):
        read_edge_list(tmp_path / "edges.parquet")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"tables need pandas: pip install 'graphlab\[tables\]'"):
        read_edge_list(ROWS)


def test_a_path_may_begin_with_a_tilde(tmp_path, monkeypatch):
    write(tmp_path, TABLES["comma"])
    monkeypatch.setenv("HOME", str(tmp_path))
    check(*read_edge_list("~/edges.csv", "who", "whom", weight="w", time="t"))
    with pytest.raises(FileNotFoundError):
        read_edge_list("~/none.csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 2\n2 1\n", [0, 1, 2]),
        ("10,9\n9,100\n", [9, 10, 100]),
        ("source,target\n5,7\n7,6\n", [5, 6, 7]),
        ("a,b,weight\nx,y,1\ny,z,2\n", ["x", "y", "z"]),
        ("1099511627776\t3\n3\t1099511627777\n", [3, 2**40, 2**40 + 1]),
        ("007 7\n7 08\n", ["007", "08", "7"]),
        ("NA;nan\nnan;None\n", ["NA", "None", "nan"]),
        ("#FromNodeId ToNodeId\n3 4\n4 5\n", [3, 4, 5]),
        ("p1,p2\np3,p3\n", ["p1", "p2", "p3"]),
    ],
)
def test_headers_and_ids_are_found(tmp_path, text, expected):
    data, ids = read_edge_list(write(tmp_path, text, "edges.txt"))
    assert list(ids) == expected and data.num_edges == 2


def test_a_header_that_looks_like_an_edge_is_said(tmp_path):
    text = "person,friend\nann,bob\nbob,eve\neve,ann\n"
    path = write(tmp_path, text)
    with pytest.warns(UserWarning, match=r"\['person', 'friend'\], was read as an edge.*header="):
        assert read_edge_list(path)[0].num_edges == 4
    assert read_edge_list(path, header=True)[0].num_edges == 3
    assert read_edge_list(path, header=False)[0].num_edges == 4
    assert read_edge_list(path, "person", "friend")[0].num_edges == 3
    # Numbered names are no names of columns.
    assert read_edge_list(write(tmp_path, "p1,p2\np3,p4\np4,p3\n"))[0].num_edges == 3


def test_one_line_is_an_edge(tmp_path):
    data, ids = read_edge_list(write(tmp_path, "ann,bob\n"))
    assert list(ids) == ["ann", "bob"] and data.edge_index.tolist() == [[0], [1]]


def test_a_separator_may_be_long(tmp_path):
    data, ids = read_edge_list(write(tmp_path, "ann::bob::2\nbob::eve::0.5\n"), sep="::", weight=2)
    assert list(ids) == ["ann", "bob", "eve"] and data.edge_weight.tolist() == [2.0, 0.5]


def test_comments_between_rows_are_said(tmp_path):
    path = write(tmp_path, "#a,#b\n#b,#c\n")
    with pytest.raises(ValueError, match="no line with data.*are comments"):
        read_edge_list(path)
    assert list(read_edge_list(path, comment=())[1]) == ["#a", "#b", "#c"]
    with pytest.warns(UserWarning, match="1 lines below the first row.*line 2; comment="):
        read_edge_list(write(tmp_path, "1,2\n# break\n2,3\n"))


def test_nodes_give_the_order_and_the_isolated():
    frame = pandas.DataFrame({"id": ["eve", "zoe", "ann", "bob"]})
    data, ids = read_edge_list(FRAME, "who", "whom", nodes=frame["id"])
    assert list(ids) == ["eve", "zoe", "ann", "bob"] and data.num_nodes == 4
    assert data.edge_index.tolist() == [[3, 2, 0], [0, 3, 2]]
    numbers, order = read_edge_list([(7, 9)], nodes=torch.tensor([9, 8, 7]))
    assert numbers.edge_index.tolist() == [[2], [0]] and list(order) == [9, 8, 7]
    kinds = frame["id"].astype("category")
    assert read_edge_list(FRAME, "who", "whom", nodes=kinds)[1].equals(ids)
    with pytest.raises(ValueError, match=r"row 0, column 'who' names 'bob', which is not among"):
        read_edge_list(FRAME, "who", "whom", nodes=["ann", "eve"])
    with pytest.raises(ValueError, match=r"nodes must not repeat an id, but repeats 1: \['a'\]"):
        read_edge_list(FRAME, "who", "whom", nodes=["a", "a"])


def test_files_whose_ids_are_numbers_take_nodes_of_either_kind(tmp_path):
    path = write(tmp_path, "3 5\n5 4\n", "e.txt")
    for nodes in ([5, 4, 3], ["5", "4", "3"]):
        assert read_edge_list(path, nodes=nodes)[0].edge_index.tolist() == [[2, 0], [0, 1]]


def test_the_missing_direction_is_added():
    rows = [("a", "b", 1.0), ("b", "a", 2.0), ("b", "c", 3.0), ("c", "c", 4.0)]
    data, _ = read_edge_list(rows, weight=2, undirected=True)
    assert data.edge_index.tolist() == [[0, 1, 1, 2, 2], [1, 0, 2, 2, 1]]
    assert data.edge_weight.tolist() == [1.0, 2.0, 3.0, 4.0, 3.0]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["1970-01-02", "1970-01-01T00:00:01"], [86400, 1]),
        (["1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00.5Z"], [0.0, 0.5]),
        (pandas.to_datetime(["1970-01-02", "1970-01-03"]), [86400, 172800]),
        (pandas.to_datetime(["1970-01-02"] * 2).tz_localize("Asia/Tokyo"), [54000, 54000]),
        ([1.0, 2.0], [1, 2]),
        (pandas.to_timedelta(["1s", "2s"]), [1, 2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1600000000000000001", "2"], [1600000000000000001, 2]),
    ],
)
def test_times(times, expected):
    frame = pandas.DataFrame({"a": [0, 1], "b": [1, 2], "time": times})
    found = read_edge_list(frame, "a", "b", time="time")[0].edge_time
    assert found.tolist() == expected
    assert found.dtype == (torch.int64 if isinstance(expected[0], int) else torch.float64)


BAD = [
    ("a,b\n1,2\n3\n", {}, r"edges\.csv, line 3 has 1 fields, the first row 2: '3'"),
    ("# c\n\na,b\n1,2,3\n", {}, r"edges\.csv, line 4 has 3 fields, the first row 2"),
    ("source,target\n1,\n", {}, r"line 2, column 'target' lacks the id of a node"),
    ("a,b,w\n1,2,x\n", {"weight": "w"}, r"line 2, column 'w': 'x' is no finite number"),
    ("a;b;w\n1;2;1\n1;2;0,5\n", {"weight": "w"}, r"line 3, column 'w': '0,5'.*decimal comma"),
    ("a,b,w\n1,2,inf\n", {"weight": "w"}, r"'inf' is no finite number"),
    ("a,b,w\n1,2,\n", {"weight": "w"}, r"line 2, column 'w': ''"),
    ("a,b,t\n1,2,01/02/2020\n", {"time": "t"}, r"'01/02/2020' is neither a number nor a date"),
    ("a,b,t\n1,2,5\n1,2,x\n", {"time": "t"}, r"line 3, column 't': 'x' is no time"),
    ("a,b\n1,2\n", {"weight": "w"}, r"no column 'w', only \['a', 'b'\]"),
    ("a,b\n1,2\n", {"source": 5}, "no column 5"),
    ("a,b\n1,2\n", {"source": "a", "target": "a"}, r"two columns of .*edges\.csv, got 'a' twice"),
    ("a,a\n1,2\n", {"header": True}, "repeats a column"),
    ("1\n2\n", {}, "single column"),
    ("", {}, "no line with data"),
    ('a,b\n"1,2\n3,4\n', {}, r"edges\.csv, line \d"),
    ("a,b\nä,b\n", {"encoding": "none-such"}, "encoding must be a name that Python knows"),
    ('a,b\n"1,2",3,4\n', {}, r"edges\.csv has 3 fields a row, but 2 in the first"),
]


@pytest.mark.parametrize(("text", "options", "match"), BAD)
def test_errors_say_where(tmp_path, text, options, match):
    with pytest.raises(ValueError, match=match):
        read_edge_list(write(tmp_path, text), **options)


def test_other_encodings_are_named(tmp_path):
    path = write(tmp_path, "source,target\nann,bob\nJosé,bob\n", encoding="cp1252")
    with pytest.raises(
        ValueError, match=r"line 3: byte 0xe9 is not utf-8; pass .*encoding='cp1252'"
    ):
        read_edge_list(path)
    assert "José" in read_edge_list(path, encoding="cp1252")[1]


def test_what_is_no_table(tmp_path):
    with pytest.raises(TypeError, match="table must be a path, a pandas DataFrame.*got Tensor"):
        read_edge_list(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="two kinds, whole numbers and words"):
        read_edge_list([(1, "a"), (2, "b")])
    with pytest.raises(ValueError, match="words and numbers"):
        read_edge_list([("a", 1), (2, 3)])
    with pytest.raises(ValueError, match=r"row 1, column 0 lacks the id"):
        read_edge_list([(1.0, 2.0), (np.nan, 3.0)])
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.parquet"):
        read_edge_list(tmp_path / "missing.parquet")
    with pytest.raises(ValueError, match="zip archive"):
        read_edge_list(write(tmp_path, b"PK\x03\x04..."))
    with pytest.raises(ValueError, match="damaged"):
        read_edge_list(write(tmp_path, gzip.compress(b"a b\n" * 99)[:15]))


class Color(Enum):
    BLUE, GREEN, RED = range(3)


def test_ids_of_every_type():
    def ids(**columns):
        return list(read_edge_list(pandas.DataFrame(columns))[1])

    assert ids(source=[1.0, 2.0], target=[2, 3]) == [1, 2, 3]
    assert ids(source=np.array([2**63 + 1], np.uint64), target=np.array([5], np.uint64)) == [
        5,
        2**63 + 1,
    ]
    assert ids(source=np.array([1, 2], object), target=[2, 3]) == [1, 2, 3]
    assert ids(source=[0.5], target=[0.25]) == [0.25, 0.5]
    keys = [uuid.UUID(int=2), uuid.UUID(int=1)]
    assert ids(source=keys[:1], target=keys[1:]) == keys[::-1]
    # What has no order keeps that of its appearance.
    assert ids(source=[Color.RED, Color.BLUE], target=[Color.GREEN] * 2) == [
        Color.RED,
        Color.BLUE,
        Color.GREEN,
    ]


def test_integers_that_became_floats_in_a_file(tmp_path):
    data, ids = read_edge_list(write(tmp_path, "source,target\n10.0,2.0\n2.0,3.0\n"))
    assert list(ids) == [2, 3, 10] and data.edge_index.tolist() == [[2, 0], [0, 1]]
    assert list(read_edge_list(write(tmp_path, "1.5 2.0\n2.0 1.0\n"))[1]) == ["1.0", "1.5", "2.0"]


def test_what_is_not_a_table_of_edges(tmp_path):
    with pytest.raises(TypeError, match=r"a row per edge, got shape \(2, 9\): an edge_index"):
        read_edge_list(np.zeros((2, 9), dtype=int))
    with pytest.raises(ValueError, match="MatrixMarket file: scipy.io.mmread"):
        read_edge_list(write(tmp_path, "%%MatrixMarket matrix\n2 2 1\n1 2\n"))
    with pytest.raises(ValueError, match="several columns 'a': rename"):
        read_edge_list(pandas.DataFrame([[1, 2, 3]], columns=["a", "a", "b"]), "a", "b")
    inner = FRAME.set_index(["who", "whom"])
    with pytest.raises(ValueError, match=r"no column 'who'.*reset_index\(\).*\['who', 'whom'\]"):
        read_edge_list(inner, "who", "whom")


def test_no_rows_are_an_empty_graph(tmp_path):
    data, ids = read_edge_list(write(tmp_path, "source,target,w\n"), weight="w")
    assert data.edge_index.shape == (2, 0) and data.num_nodes == 0 and len(ids) == 0
    assert read_edge_list(FRAME.iloc[:0], "who", "whom", weight="w", time="t")[0].num_nodes == 0


def test_rows_in_any_order_give_the_same_numbers_and_embedding():
    data, ids = read_edge_list(FRAME, "who", "whom", weight="w", undirected=True)
    other, again = read_edge_list(FRAME.iloc[::-1], "who", "whom", weight="w", undirected=True)
    assert ids.equals(again)
    model = FastRP(dim=8)
    assert torch.allclose(model.fit_transform(data), model.fit_transform(other))


def test_the_page_runs(tmp_path, monkeypatch):
    text = (REPOSITORY / "docs" / "edge_lists.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    rows = [("ann", "bob", 2.5, "2024-03-01"), ("bob", "eve", 1.0, "2024-03-02")]
    pandas.DataFrame(rows, columns=["buyer", "seller", "amount", "day"]).to_csv(
        "trades.csv", index=False
    )
    names: dict = {}
    for block in blocks:
        exec(compile(block, "docs/edge_lists.md", "exec"), names)
    assert len(blocks) == 2 and names["data"].num_nodes == 4 and names["ids"][0] == "zoe"
    saved = pandas.read_csv("embedding.csv", index_col="id")
    assert saved.shape == (3, 64) and list(saved.index) == ["ann", "bob", "eve"]


@pytest.mark.parametrize("unit", ["D", "M", "Y"])
def test_periods_are_times_as_dates_are(unit):
    dates = pandas.to_datetime(["2024-01-01", "2025-01-01"])
    expected = [1704067200, 1735689600]
    for times in (dates, dates.to_period(unit)):
        table = pandas.DataFrame({"source": ["a", "b"], "target": ["b", "c"], "day": times})
        assert read_edge_list(table, time="day")[0].edge_time.tolist() == expected
        assert list(table["day"]) == list(times)  # the frame is the user's


def test_a_name_that_is_no_column_tells_of_files_without_a_header(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("ann,bob\nbob,cat\n")
    with pytest.raises(ValueError, match=r"no column 'source', only .*header=False, source=0"):
        read_edge_list(path, "source", "target")
    assert read_edge_list(path, 0, 1, header=False)[0].num_edges == 2
