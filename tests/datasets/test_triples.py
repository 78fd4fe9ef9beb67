"""Files of triples, the published sets, and the classes of Python."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlab.datasets import TripleDataset, python_classes, read_triples
from graphlab.datasets.triples import _KNOWN
from tests._data import test_data_root as data_root

LINES = {
    "train": "b\tlikes\ta\nc\tknows\tb\n",
    "valid": "a\tknows\tc\n",
    "test": "c\tlikes\td\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "mine"
    target.mkdir()
    for name, text in LINES.items():
        (target / f"{name}.txt").write_text(text)
    return target


def test_a_folder_has_its_three_parts_and_numbers_by_name(folder: Path) -> None:
    data, names = read_triples(folder)
    assert names == (("a", "b", "c", "d"), ("knows", "likes"))
    assert data.edge_index.tolist() == [[1, 2, 0, 2], [0, 1, 2, 3]]
    assert data.edge_type.tolist() == [1, 0, 0, 1]
    masks = [data[f"{name}_mask"].tolist() for name in ("train", "val", "test")]
    assert [mask.index(True) for mask in masks] == [0, 2, 3] and sum(map(sum, masks)) == 4
    assert (data.num_nodes, data.num_relations) == (4, 2)


def test_files_by_name_packed_files_and_plain_rows_are_read_alike(folder: Path) -> None:
    packed = folder / "train.txt.gz"
    packed.write_bytes(gzip.compress(LINES["train"].encode()))
    rows = [line.split("\t") for line in LINES["train"].splitlines()]
    plain = read_triples(folder / "train.txt")[0]
    for source in (packed, {"train": packed}, rows):
        data = read_triples(source)[0]
        assert torch.equal(data.edge_index, plain.edge_index) and "train_mask" not in data


def test_tensors_of_triples_keep_their_numbers() -> None:
    data, names = read_triples(torch.tensor([[10, 0, 9], [9, 1, 0]]))
    assert names.entities == ("0", "9", "10")  # whole numbers in the order of numbers
    assert data.edge_index.tolist() == [[2, 1], [1, 0]]


def test_given_names_set_the_numbers() -> None:
    data, names = read_triples([("x", "r", "y")], entities=["y", "z", "x"], relations=["q", "r"])
    assert data.edge_index.tolist() == [[2], [0]] and data.num_nodes == 3
    assert data.edge_type.tolist() == [1] and names.relations == ("q", "r")


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ([("a", "r")], {}, ValueError, r"source\[0\] must be \(head, relation, tail\)"),
        ([], {}, ValueError, "at least one triple"),
        (3, {}, TypeError, "source must be a path"),
        ({"tests": "x"}, {}, ValueError, "source must be one of"),
        ([("a", "r", "b")], {"entities": ["a"]}, ValueError, "entities must name all .* lacks 1"),
        ([("a", "r", "b")], {"entities": ["a", "b", "a"]}, ValueError, "must not repeat a name"),
    ],
)
def test_malformed_sources_are_named(source, options, error, message) -> None:
    with pytest.raises(error, match=message):
        read_triples(source, **options)


def test_a_line_without_three_fields_is_named(folder: Path) -> None:
    (folder / "valid.txt").write_text("a\tknows\tb\na knows\n")
    with pytest.raises(ValueError, match=r"valid.txt, line 2 must hold head, relation and tail"):
        read_triples(folder)
    (folder / "train.txt").unlink()
    with pytest.raises(FileNotFoundError, match="holds no train.txt"):
        read_triples(folder)


CSV = '''head,relation,tail
New York,is in,"USA, North America"
"Ada ""the first""",knows,New York
'''


def test_files_with_commas_are_read_with_their_quotes(tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text(CSV, encoding="utf-8")
    data, names = read_triples(tmp_path / "facts.csv", header=True)
    assert names.entities == ('Ada "the first"', "New York", "USA, North America")
    assert names.relations == ("is in", "knows") and data.edge_index.tolist() == [[1, 0], [2, 1]]
    with pytest.warns(UserWarning, match="facts.csv looks like names of columns"):
        assert read_triples(tmp_path / "facts.csv")[0].num_edges == 3
    (tmp_path / "facts.txt").write_text(CSV.replace(",", ";").replace("; N", ", N"))
    again = read_triples(tmp_path / "facts.txt", delimiter=";", header=True)
    assert again[1] == names and torch.equal(again[0].edge_index, data.edge_index)
    (tmp_path / "gaps.csv").write_text(CSV.replace("\n", "\n\n , ,\n"), encoding="utf-8")
    again = read_triples(tmp_path / "gaps.csv", header=True)
    assert again[1] == names and torch.equal(again[0].edge_index, data.edge_index)
    with pytest.raises(ValueError, match=r"line 1 must hold .*: 'head,relation,tail': are they"):
        read_triples({"train": (tmp_path / "facts.csv").rename(tmp_path / "commas.txt")})


def test_splits_may_be_packed_or_have_commas(folder: Path, tmp_path: Path) -> None:
    plain = read_triples(folder)
    for suffix, separator in ((".tsv", "\t"), (".csv", ",")):
        other = tmp_path / suffix[1:]
        other.mkdir()
        for split in ("train", "valid", "test"):
            text = (folder / f"{split}.txt").read_text(encoding="utf-8")
            (other / f"{split}{suffix}").write_text(text.replace("\t", separator))
        found = read_triples(other)
        assert found[1] == plain[1] and torch.equal(found[0].val_mask, plain[0].val_mask)
        assert torch.equal(found[0].edge_index, plain[0].edge_index)


@pytest.mark.parametrize("delimiter", ["", ",,", 5, "\n", '"'])
def test_a_delimiter_is_one_character(delimiter: object, folder: Path) -> None:
    with pytest.raises(ValueError, match="delimiter must be one character"):
        read_triples(folder, delimiter=delimiter)  # type: ignore[arg-type]


def test_an_open_quote_is_named(tmp_path: Path) -> None:
    (tmp_path / "facts.csv").write_text('a,b,"c\nd,e,f\n')
    with pytest.raises(ValueError, match=r"facts.csv, line 2 cannot be read"):
        read_triples(tmp_path / "facts.csv")


def test_a_folder_of_ones_own_is_a_data_set(folder: Path, tmp_path: Path) -> None:
    data = TripleDataset(tmp_path / "root", "mine", source=tmp_path)
    again = TripleDataset(tmp_path / "root", "mine")  # the stored one
    for found in (data, again):
        edges, kinds = found.triples("test")
        assert (edges.tolist(), kinds.tolist()) == ([[2], [3]], [1])
        assert found.num_relations == 2 and found.names.entities == ("a", "b", "c", "d")
    with pytest.raises(ValueError, match="split must be one of"):
        data.triples("all")  # type: ignore[arg-type]


def test_a_missing_file_is_named_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"umls.tar.gz  \(sha256 26223aa9"):
        TripleDataset(tmp_path, "umls")
    with pytest.raises(ValueError, match="name must be one of"):
        TripleDataset(tmp_path, "../umls")


def test_an_archive_with_other_content_is_refused(folder: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "umls.tar.gz", "w:gz") as archive:
        for name in LINES:
            archive.add(folder / f"{name}.txt", f"{name}.txt")
    with pytest.raises(ValueError, match="has another content than expected"):
        TripleDataset(tmp_path, "umls")


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (("train", "valid"), "umls.tar.gz cannot be read: it holds no file test.txt"),
        (("train", "valid", "test"), r"umls must have \(135, 46, 5216, 652, 661\) entities"),
        ((), "umls.tar.gz cannot be read: "),
    ],
)
def test_an_archive_that_passes_the_checksum_but_makes_no_sense(
    kept: tuple[str, ...], message: str, folder: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "umls.tar.gz"
    if kept:
        with tarfile.open(path, "w:gz") as archive:
            for name in kept:
                archive.add(folder / f"{name}.txt", f"{name}.txt")
    else:
        path.write_bytes(b"no archive")
    checksum = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(_KNOWN, "umls", ({path.name: checksum}, _KNOWN["umls"][1]))
    with pytest.raises(ValueError, match=message):
        TripleDataset(tmp_path, "umls")


@pytest.mark.parametrize("name", ["umls", "kinship", "nations"])
def test_published_sets_have_their_sizes(name: str, tmp_path: Path) -> None:
    data = TripleDataset(tmp_path, name, source=data_root("kge"))
    everything = {split: data.triples(split) for split in ("train", "valid", "test")}  # type: ignore[arg-type]
    seen = everything["train"][0].unique()
    assert seen.numel() == data[0].num_nodes
    keys = [
        set(zip(*edges.tolist(), kinds.tolist(), strict=True))
        for edges, kinds in everything.values()
    ]
    assert not keys[0] & keys[2] and not keys[1] & keys[2]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "unseen"), [("fb15k237", (9, 28)), ("wn18rr", (210, 210))])
def test_large_sets_have_entities_that_training_lacks(
    name: str, unseen: tuple[int, int], tmp_path: Path
) -> None:
    data = TripleDataset(tmp_path, name, source=data_root("kge"))
    seen = torch.zeros(data[0].num_nodes, dtype=torch.bool)
    seen[data.triples("train")[0]] = True
    found = [int((~seen[data.triples(split)[0]].all(0)).sum()) for split in ("valid", "test")]  # type: ignore[arg-type]
    assert tuple(found) == unseen


@pytest.mark.slow
def test_sets_of_pyg_hold_the_same_triples(tmp_path: Path) -> None:
    from torch_geometric.datasets import FB15k_237, WordNet18RR

    root = data_root("kge")
    (tmp_path / "pyg" / "raw").mkdir(parents=True)
    with tarfile.open(root / "FB15k-237.tar.gz") as archive:
        archive.extractall(tmp_path / "pyg" / "raw", filter="data")
    ours = TripleDataset(tmp_path / "ours", "fb15k237", source=root)
    for split, name in (("train", "train"), ("val", "valid"), ("test", "test")):
        theirs = FB15k_237(str(tmp_path / "pyg"), split=split)[0]
        mine = ours.triples(name)  # type: ignore[arg-type]
        assert theirs.edge_index.shape == mine[0].shape
        assert torch.equal(
            theirs.edge_type.bincount().sort()[0], mine[1].bincount(minlength=237).sort()[0]
        )
    shutil.copytree(root / "WordNet18RR", tmp_path / "wn")
    theirs = WordNet18RR(str(tmp_path / "wn"))[0]
    mine = TripleDataset(tmp_path / "ours", "wn18rr", source=root)[0]
    assert int(theirs.test_mask.sum()) == int(mine.test_mask.sum())


def test_classes_of_python_know_their_abstract_bases() -> None:
    data, names = python_classes()
    kind = names.relations.index("subclass of")
    edges = data.edge_index[:, data.edge_type == kind].t().tolist()
    above = {(names.entities[a], names.entities[b]) for a, b in edges}
    assert ("builtins.bool", "builtins.int") in above
    assert ("collections.abc.Sequence", "collections.abc.Iterable") in above
    kind = names.relations.index("has method")
    methods = data.edge_index[:, data.edge_type == kind].t().tolist()
    assert ("collections.deque", "append()") in {
        (names.entities[a], names.entities[b]) for a, b in methods
    }


def test_a_line_without_one_of_its_names_is_told(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a\tlikes\tb\na\t\tb\n")
    with pytest.raises(ValueError, match=r"line 2 lacks a name: 'a\\t\\tb'"):
        read_triples(tmp_path / "train.txt")


@pytest.mark.parametrize("nothing", [None, float("nan"), ""])
def test_a_row_without_one_of_its_names_is_told(nothing: Any) -> None:
    with pytest.raises(ValueError, match=r"source\[1\] lacks a name"):
        read_triples([("ada", "knows", "bob"), ("ada", "likes", nothing)])
