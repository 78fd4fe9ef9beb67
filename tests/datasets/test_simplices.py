"""Readers of hypergraphs in text files."""

from __future__ import annotations

import gzip

import pytest

from graphlab.datasets import read_hyperedge_list, read_simplices
from tests._data import test_data_root


def test_hyperedge_list(tmp_path):
    path = tmp_path / "h.txt"
    path.write_text("5 9 5\n\n9,5\n70 5\n", encoding="utf-8")
    data = read_hyperedge_list(path)
    assert data.edge_index.tolist() == [[0, 1, 0, 1, 0, 2], [0, 0, 1, 1, 2, 2]]
    assert data.node_id.tolist() == [5, 9, 70] and data.num_hyperedges == 3
    assert read_hyperedge_list(path, distinct=True).num_hyperedges == 2
    packed = tmp_path / "h.txt.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_hyperedge_list(packed).edge_index.equal(data.edge_index)
    (tmp_path / "none.txt").write_text("", encoding="utf-8")
    assert read_hyperedge_list(tmp_path / "none.txt").edge_index.shape == (2, 0)


@pytest.mark.parametrize(("text", "match"), [("1 x\n", "line 1"), ("1\n-2\n", "line 2")])
def test_bad_lines(tmp_path, text, match):
    (tmp_path / "h.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=match):
        read_hyperedge_list(tmp_path / "h.txt")


def write(folder, **parts):
    for name, values in parts.items():
        (folder / f"s-{name}.txt").write_text("\n".join(map(str, values)) + "\n", encoding="utf-8")


def test_simplices(tmp_path):
    write(tmp_path, nverts=[2, 1, 3], simplices=[3, 1, 3, 1, 7, 7], times=[5, 4, 9])
    data = read_simplices(tmp_path, "s")
    assert data.edge_index.tolist() == [[0, 1, 1, 0, 2], [0, 0, 1, 2, 2]]
    assert data.time.tolist() == [5, 4, 9]


@pytest.mark.parametrize(
    ("parts", "match"),
    [
        ({"nverts": [2], "simplices": [1, 2, 3]}, "adds up to 2"),
        ({"nverts": [0], "simplices": []}, "positive"),
        ({"nverts": [1], "simplices": [1], "times": [1, 2]}, "times must have 1"),
        ({"nverts": ["x"], "simplices": [1]}, "s-nverts"),
    ],
)
def test_simplices_that_do_not_fit(tmp_path, parts, match):
    write(tmp_path, **parts)
    with pytest.raises(ValueError, match=match):
        read_simplices(tmp_path, "s")


def test_missing_simplices(tmp_path):
    with pytest.raises(FileNotFoundError, match="-nverts"):
        read_simplices(tmp_path)


def test_email_enron():
    data = read_simplices(test_data_root("hypergraph", "scholp", "email-Enron"))
    assert data._store["num_nodes"] == 143 and data.num_hyperedges == 10_883
    assert data.time.numel() == 10_883
