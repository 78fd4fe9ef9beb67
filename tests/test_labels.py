"""Labels of any table: numbers stay numbers, and what is missing is -1."""

from __future__ import annotations

import datetime
from decimal import Decimal

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphlab._labels import class_numbers, encode_labels, is_missing
from graphlab.tag import TextGraph

pandas = pytest.importorskip("pandas", reason="comes with ogb")

MISSING = [
    None,
    float("nan"),
    np.float32("nan"),
    np.datetime64("NaT"),
    Decimal("NaN"),
    pandas.NA,
    pandas.NaT,
    -1,
    -1.0,
    np.int8(-1),
    torch.tensor(-1),
    torch.tensor(float("nan")),
    *("", " ", "-1", "-1.0", "nan", "NaN", "None", "null", "NULL", "NA", "N/A", "<NA>", "NaT"),
]
NUMBERS = list(range(12))


@pytest.mark.parametrize("value", MISSING, ids=lambda value: repr(value))
def test_every_marker_of_missing(value):
    assert is_missing(value)
    y, names = encode_labels([0, value, 2], None)
    assert y.tolist() == [0, -1, 2] and names == ["0", "1", "2"]
    y, names = encode_labels(["cat", value, "dog"], None)
    assert y.tolist() == [0, -1, 1] and names == ["cat", "dog"]


@pytest.mark.parametrize("value", [0, 0.0, "0", "cat", False, "nano", datetime.date(2020, 1, 1)])
def test_labels_that_are_there(value):
    assert not is_missing(value)


def kinds():
    floats = [float(i) for i in NUMBERS]
    yield "ints", NUMBERS
    yield "floats", floats
    yield "words", [str(i) for i in NUMBERS]
    yield "words of floats", [str(i) for i in floats]
    yield "numpy", np.array(NUMBERS, dtype=np.int16)
    yield "numpy floats", np.array(floats, dtype=np.float32)
    yield "series", pandas.Series(NUMBERS)
    yield "nullable", pandas.Series(NUMBERS, dtype="Int64")
    yield "category", pandas.Series(NUMBERS).astype("category")
    yield "tensor", torch.tensor(floats)


@pytest.mark.parametrize(
    ("kind", "labels"), list(kinds()), ids=lambda v: v if type(v) is str else ""
)
def test_twelve_classes_keep_their_numbers(kind, labels):
    y, names = encode_labels(labels, None)
    assert y.tolist() == NUMBERS and names == [str(i) for i in NUMBERS]
    with_gap = pandas.Series([*list(labels), None])
    assert encode_labels(with_gap, None)[0].tolist() == [*NUMBERS, -1]


def test_numbers_that_are_no_classes_keep_their_order():
    assert encode_labels([10.5, 2.5, 2.5], None) == (pytest.approx([1, 0, 0]), ["2.5", "10.5"])
    y, names = encode_labels(["10", "2", "other"], None)
    assert names == ["2", "10", "other"] and y.tolist() == [1, 0, 2]
    with pytest.raises(ValueError, match=r"from 0, or -1 for none, got -100"):
        encode_labels([0, 1, -100], None)
    with pytest.raises(TypeError, match=r"one number or name per node, got \[1, 2\]"):
        encode_labels([[1, 2], [3]], None)


def test_given_names_win():
    y, names = encode_labels(["None", "Mild", None], ["None", "Mild"])
    assert y.tolist() == [0, 1, -1] and names == ["None", "Mild"]
    assert encode_labels([2.0, float("nan")], ["a", "b", "c"])[0].tolist() == [2, -1]
    assert encode_labels([-1, 1], ["-1", "1"])[0].tolist() == [0, 1]
    assert encode_labels([0.5, 1.0], ["0.5", "1.0"])[0].tolist() == [0, 1]
    with pytest.raises(ValueError, match="not among the label_names"):
        encode_labels([3], ["a", "b", "c"])


def test_floats_of_tensors():
    y = torch.tensor([0.0, float("nan"), 11.0])
    assert class_numbers(y).tolist() == [0, -1, 11]
    for kept in (torch.tensor([0.5]), torch.tensor([float("inf")]), torch.eye(2), torch.arange(2)):
        assert class_numbers(kept) is kept


EDGES = torch.tensor([[0, 1], [1, 2]])
TEXT = ["a", "b", "c"]
LABELS = [10.0, float("nan"), 2.0]


def from_csv(tmp_path):
    frame = pandas.DataFrame({"text": TEXT, "label": LABELS})
    frame.to_csv(tmp_path / "nodes.csv", index=False)
    assert "10.0" in (tmp_path / "nodes.csv").read_text(encoding="utf-8")
    return TextGraph.from_csv(tmp_path / "nodes.csv")


def from_networkx(tmp_path):
    graph = nx.path_graph(3)
    nx.set_node_attributes(graph, dict(enumerate(TEXT)), "text")
    nx.set_node_attributes(graph, dict(enumerate(LABELS)), "label")
    return TextGraph.from_networkx(graph)


def from_data(tmp_path):
    data = Data(edge_index=EDGES, y=torch.tensor(LABELS), num_nodes=3)
    names = [str(i) for i in range(11)]
    graph = TextGraph.from_data(data, TEXT, label_names=names, labels=LABELS)
    assert data.y.is_floating_point()
    return graph


def from_column(tmp_path):
    return TextGraph(text=TEXT, y=pandas.Series(LABELS))


def from_column_and_names(tmp_path):
    return TextGraph(text=TEXT, y=LABELS, label_names=[str(i) for i in range(11)])


@pytest.mark.parametrize(
    "reader", [from_csv, from_networkx, from_data, from_column, from_column_and_names]
)
def test_every_reader_keeps_numbers(reader, tmp_path):
    graph = reader(tmp_path)
    assert graph.y.dtype == torch.int64 and graph.y.tolist() == [10, -1, 2]
    assert graph.label_names == [str(i) for i in range(11)]


def test_bytes_are_read_as_the_words_they_hold():
    graph = TextGraph(text=["a", "b", "c"], y=np.array([b"dog", b"cat", b""]))
    assert graph.label_names == ["cat", "dog"]
    assert graph.y.tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["9" * 5000], "a number of over .* digits, which is no class"),
        ([99_999_999_999], "numbers of classes from 0, got 99999999999; give label_names"),
    ],
)
def test_numbers_that_are_no_classes_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        encode_labels(labels, None)
