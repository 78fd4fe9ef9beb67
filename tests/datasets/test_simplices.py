"""Readers of hypergraphs in text files."""

from __future__ import annotations

import bz2
import gzip
import lzma

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
    path.write_text("5 9\n , \n70 5\n", encoding="utf-8")
    assert read_hyperedge_list(path).edge_index.tolist() == [[0, 1, 0, 2], [0, 0, 1, 1]]
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
        ({"nverts": [4], "simplices": [1, 2]}, "holds 4, but there are only 2 nodes in all"),
        ({"nverts": [2**63], "simplices": [1]}, r"holds an integer that is not below 2\*\*63"),
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


def save(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "h.txt"
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_of_others_are_read(tmp_path, pack, encoding):
    text = "# made by hand\r\n% and more\r\n5 9\r\n\r\n9,70\r\n# end\r\n"
    data = read_hyperedge_list(save(tmp_path, pack(text.encode(encoding))))
    assert data.node_id.tolist() == [5, 9, 70]
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [0, 0, 1, 1]]
    assert (data.num_nodes, data.num_edges) == (3, 2)


@pytest.mark.parametrize(
    "text",
    ["Ann Lee, Bob\nBob,Zoë\n", "Ann Lee\tBob\nBob\tZoë\t\n", "Ann Lee; Bob\nZoë;Bob;Bob\n"],
)
def test_names_of_nodes(tmp_path, text):
    data = read_hyperedge_list(save(tmp_path, text), names=True)
    assert data.node_id == ["Ann Lee", "Bob", "Zoë"]
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [0, 0, 1, 1]]
    latin = save(tmp_path, text, "latin-1")
    with pytest.raises(
        ValueError, match=r"h\.txt, line 2: byte 0xeb is not utf-8; pass.*encoding="
    ):
        read_hyperedge_list(latin, names=True)
    assert read_hyperedge_list(latin, names=True, encoding="latin-1").node_id == data.node_id


def test_words_say_what_to_use(tmp_path):
    path = save(tmp_path, "# x\n1 2\n1 ann\n")
    with pytest.raises(ValueError, match=r"h\.txt, line 3: 'ann' is no integer; names=True"):
        read_hyperedge_list(path)
    assert read_hyperedge_list(path, names=True).node_id == ["1", "2", "ann"]
    with pytest.raises(ValueError, match="line 1: node ids must not be negative"):
        read_hyperedge_list(save(tmp_path, "1 99999999999999999999\n"))


def test_paths_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(tmp_path, "1 2\n")
    assert read_hyperedge_list("~/h.txt").num_nodes == 2
    write(tmp_path, nverts=[2], simplices=[3, 1])
    assert read_simplices("~", "s").num_nodes == 2
    write(tmp_path, nverts=[2, "x"], simplices=[3, 1])
    with pytest.raises(ValueError, match=r"s-nverts\.txt, line 2"):
        read_simplices("~", "s")
