"""Ranked predictions: reading, writing, and everything that must be refused."""

from __future__ import annotations

import gzip

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.tag import check_alignment
from graphlab.tag.tape import read_ranked_predictions, write_ranked_predictions
from tests._data import test_data_root
from tests._golden import load
from tests.tag.tape._golden import lists

SETS = ["cora", "pubmed", "arxiv2023", "products"]


@pytest.mark.parametrize("name", SETS)
def test_golden(name):
    case = load("tape", f"tape_pred_{name}")
    k, classes = int(case["topk"]), int(case["num_classes"])
    rows = lists(case["ranked"])
    found = read_ranked_predictions(rows, len(rows), classes, k)
    assert found.dtype == torch.int64
    assert torch.equal(found, case["encoded"])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_golden_through_a_file(tmp_path, name, suffix):
    case = load("tape", f"tape_pred_{name}")
    rows, path = lists(case["ranked"]), tmp_path / f"preds.{suffix}"
    write_ranked_predictions(path, rows)
    k, classes = int(case["topk"]), int(case["num_classes"])
    assert torch.equal(read_ranked_predictions(path, len(rows), classes, k), case["encoded"])


def test_empty_lines_keep_their_nodes(tmp_path):
    path = tmp_path / "preds.csv"
    path.write_bytes(b"\r\n2,0\r\n\r\n \r\n1\r\n\r\n")
    found = read_ranked_predictions(path, 6, 3, 2)
    assert found.tolist() == [[0, 0], [3, 1], [0, 0], [0, 0], [2, 0], [0, 0]]
    path.write_bytes(b"1\n2")  # no final line break
    assert read_ranked_predictions(str(path), 2, 3, 1).tolist() == [[2], [3]]
    path.write_bytes(b"\xef\xbb\xbf1\n")
    assert read_ranked_predictions(path, 1, 3, 1).tolist() == [[2]]


def test_unique_drops_repeats_before_it_cuts():
    rows = [[1, 1, 1, 0], [2]]
    assert read_ranked_predictions(rows, 2, 3, 2).tolist() == [[2, 2], [3, 0]]
    assert read_ranked_predictions(rows, 2, 3, 2, unique=True).tolist() == [[2, 1], [3, 0]]


def test_rows_may_be_a_tensor_or_a_generator():
    assert read_ranked_predictions(torch.tensor([[0], [1]]), 2, 2, 1).tolist() == [[1], [2]]
    assert read_ranked_predictions((r for r in ([0], [1])), 2, 2, 1).tolist() == [[1], [2]]


@given(st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=8), st.integers(1, 5))
def test_writing_and_reading_are_inverse(tmp_path_factory, rows, k):
    path = tmp_path_factory.mktemp("ranked") / "preds.csv"
    first = read_ranked_predictions(rows, len(rows), 5, k)
    write_ranked_predictions(path, first)
    assert torch.equal(read_ranked_predictions(path, len(rows), 5, k), first)


def test_equal_rows_give_equal_bytes(tmp_path):
    paths = [tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"]
    for path in paths:
        write_ranked_predictions(path, [[1], []])
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert gzip.decompress(paths[0].read_bytes()) == b"1\r\n\r\n"


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([[0]], {"num_nodes": 2}, "rows must have 2 rows, one per node, got 1"),
        ([[0], [1], [0]], {"num_nodes": 2}, "must have 2 rows"),
        ([[0], [3]], {}, r"row 1 must hold class ids in \[0, 3\), got 3"),
        ([[-1], [0]], {}, r"row 0 must hold class ids in \[0, 3\), got -1"),
        ([[1.0], [0]], {}, "whole numbers from 0, got '1.0'"),
        ([[True], [0]], {}, "whole numbers"),
        ([["x"], [0]], {}, "whole numbers from 0, got 'x'"),
        (torch.tensor([[1.0], [0.0]]), {}, "whole numbers"),
        ([[0], [0]], {"k": 0}, "k must be at least 1, got 0"),
        ([[0], [0]], {"k": -3}, "k must be at least 1"),
        ([[0], [0]], {"num_classes": 0}, "num_classes must be at least 1"),
    ],
)
def test_malformed_rows(rows, options, message):
    arguments = {"num_nodes": 2, "num_classes": 3, "k": 2, **options}
    with pytest.raises(ValueError, match=message):
        read_ranked_predictions(rows, **arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0\n1.0\n", "row 1 must hold class ids, whole numbers from 0, got '1.0'"),
        (b"0\n-2\n", r"row 1 must hold class ids in \[0, 3\), got -2"),
        (b"0\n1,,2\n", "row 1 must hold class ids, whole numbers from 0, got ''"),
        (b"class\n0\n", "row 0"),
        (b"0\n", "one per node, got 1; an empty line counts as a row"),
        (b"0\n\xff\n", "is not a UTF-8 CSV file"),
    ],
)
def test_malformed_files(tmp_path, content, message):
    path = tmp_path / "preds.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ranked_predictions(path, 2, 3, 2)


def test_wrong_types(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_ranked_predictions(tmp_path / "none.csv", 1, 2, 1)
    with pytest.raises(TypeError, match=r"rows\[1\] must be a list of class ids, got 3"):
        read_ranked_predictions([[0], 3], 2, 4, 1)
    with pytest.raises(TypeError, match="k must be an int"):
        read_ranked_predictions([[0]], 1, 4, 1.5)
    with pytest.raises(ValueError, match=r"ranked\[0\] has a class behind a padding 0: \[0, 2\]"):
        write_ranked_predictions(tmp_path / "x.csv", torch.tensor([[0, 2]]))
    with pytest.raises(TypeError, match="ranked must be int64"):
        write_ranked_predictions(tmp_path / "x.csv", torch.tensor([[0.0]]))
    with pytest.raises(ValueError, match="at least 0, got -1"):
        write_ranked_predictions(tmp_path / "x.csv", [[-1]])
    with pytest.raises(ValueError, match="rows must be 2-D"):
        read_ranked_predictions(torch.tensor([0, 1]), 2, 2, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "nodes", "classes", "empty"),
    [
        ("ogbn_preds/ogbn-arxiv.csv.gz", 169_343, 40, 36),
        ("arxiv_2023_tape/gpt_preds.csv", 46_198, 40, 25),
        ("ogbn_preds/ogbn-products.csv.gz", 54_025, 47, None),
    ],
)
@pytest.mark.slow
def test_published_files_are_read_whole(name, nodes, classes, empty):
    path = test_data_root("llm_outputs", *name.split("/"))
    found = read_ranked_predictions(path, nodes, classes, 5)
    if empty is not None:
        assert int((found == 0).all(1).sum()) == empty
    repeated = read_ranked_predictions(path, nodes, classes, 5, unique=True) != found
    assert bool(repeated.any()) == ("products" in name)


def test_top_1_of_real_predictions():
    from experiments._data.text_graphs import read_citeseer, read_cora

    source = test_data_root("llm_outputs")
    cora = read_cora(source, 0)
    report = check_alignment(cora.P, cora.y, num_classes=7)
    assert report.score == pytest.approx(0.67688, abs=5e-6)
    hits = [float((cora.P[:, :k] - 1 == cora.y[:, None]).any(1).double().mean()) for k in (2, 3)]
    assert hits == pytest.approx([0.76957, 0.77585], abs=5e-6)
    assert (cora.num_nodes, cora.num_edges) == (2708, 2 * 5278)
    citeseer = read_citeseer(source)
    report = check_alignment(citeseer.P, citeseer.y, num_classes=6)
    assert report.score == pytest.approx(0.5929, abs=5e-5)
    assert (citeseer.num_nodes, citeseer.num_edges) == (3186, 2 * 4225)
    with pytest.raises(ValueError, match="another order of nodes"):
        check_alignment(cora.P, cora.y[torch.randperm(2708, generator=torch.Generator())])


def test_a_file_with_an_open_quote_is_no_csv(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text('1,2\n"3')
    with pytest.raises(ValueError, match=f"{path} is not a UTF-8 CSV file"):
        read_ranked_predictions(path, 2, 3, 2)
