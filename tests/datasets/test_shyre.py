"""The pairs of hypergraphs: content, warnings about shared nodes, errors."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.datasets import SHyReDataset
from tests._data import test_data_root
from tests.hyper._cases import load


@pytest.mark.parametrize("name", ["crime", "directors"])
def test_equals_the_golden_hypergraphs(tmp_path, name):
    source = test_data_root("hypergraph", "shyre")
    data = SHyReDataset(tmp_path, name, source=source)
    assert len(data) == 2
    for split, item in zip(("train", "test"), data, strict=True):
        assert np.array_equal(item.edge_index, load(name)[f"{split}_hyperedge_index"])
        assert item._store["num_nodes"] == load(name)[f"{split}_num_nodes"]
        assert item.num_hyperedges == load(name)[f"{split}_num_hyperedges"]
    again = SHyReDataset(tmp_path, name)  # stored, without the source
    assert again[1].edge_index.equal(data[1].edge_index)


def test_halves_of_one_set_warn(tmp_path):
    source = test_data_root("hypergraph", "shyre")
    with pytest.warns(UserWarning, match="halves of one data set"):
        SHyReDataset(tmp_path, "enron", source=source)


def test_missing_and_changed_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train\.txt  \(sha256"):
        SHyReDataset(tmp_path, "crime")
    with pytest.raises(ValueError, match="name must be one of"):
        SHyReDataset(tmp_path, "magic")
    raw = tmp_path / "crime" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in ("train.txt", "test.txt"):
        (raw / name).write_text("1 2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="another content"):
        SHyReDataset(tmp_path, "crime")


def test_names_without_known_checksums_take_any_file(tmp_path):
    raw = tmp_path / "hosts" / "raw"
    raw.mkdir(parents=True)
    (raw / "train.txt").write_text("3 1 3\n1 3\n", encoding="utf-8")
    (raw / "test.txt").write_text("5\n", encoding="utf-8")
    data = SHyReDataset(tmp_path, "hosts")
    assert (data[0].num_hyperedges, data[1].num_hyperedges) == (1, 1)
    for wrong in (2, -3, 0.5, "train"):
        with pytest.raises((TypeError, ValueError), match="idx must be"):
            data.get(wrong)
    (tmp_path / "hosts" / "processed" / "data.pt").write_bytes(b"junk")
    with pytest.raises(ValueError, match="force_reload"):
        SHyReDataset(tmp_path, "hosts")
