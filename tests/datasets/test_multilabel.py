"""Multilabel sets: the published sizes, any .mat, files that are missing or wrong."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import torch
from torch_geometric.utils import contains_self_loops, is_undirected

from graphlab.datasets import MultilabelDataset, read_multilabel_mat
from graphlab.datasets.multilabel import _SOURCES, _Source
from tests._data import test_data_root

SIZES = {
    "blogcatalog": (10_312, 667_966, 39, 14_476),
    "wikipedia": (4_777, 184_812, 40, 6_770),
    "dblp": (51_264, 255_936, 60, 51_264),
}


@pytest.mark.parametrize("name", SIZES)
def test_sets_have_the_published_sizes(name, tmp_path):
    dataset = MultilabelDataset(tmp_path, name, source=test_data_root("multilabel"))
    data = dataset[0]
    labels = int(data.y.sum())
    assert (data.num_nodes, data.num_edges, dataset.num_labels, labels) == SIZES[name]
    assert data.y.dtype == torch.bool and bool(data.y.any(1).all())
    assert "edge_weight" not in data and is_undirected(data.edge_index)
    assert contains_self_loops(data.edge_index) is (name == "wikipedia")
    again = MultilabelDataset(tmp_path, name)[0]
    assert torch.equal(again.edge_index, data.edge_index) and torch.equal(again.y, data.y)


def test_missing_files_are_named(tmp_path):
    expected = r"(?s)lacks 2 raw file.*wikipedia\.ungraph.*sha256"
    with pytest.raises(FileNotFoundError, match=expected):
        MultilabelDataset(tmp_path, "wikipedia")
    with pytest.raises(ValueError, match="name must be one of 'blogcatalog'"):
        MultilabelDataset(tmp_path, "youtube")


def test_other_content_is_refused(tmp_path):
    folder = tmp_path / "source" / "deep"
    folder.mkdir(parents=True)
    (folder / "blogcatalog.mat").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="has another content than expected"):
        MultilabelDataset(tmp_path / "root", "blogcatalog", source=tmp_path / "source")


def test_any_mat_is_read(tmp_path):
    network = sp.csc_matrix(np.array([[0, 2.5, 0], [2.5, 0, 1], [0, 1, 0]]))
    group = sp.csc_matrix(np.array([[1, 0], [0, 3.0], [1, 1]]))
    scipy.io.savemat(tmp_path / "set.mat", {"network": network, "group": group})
    data = read_multilabel_mat(tmp_path / "set.mat")
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert data.edge_weight.tolist() == [2.5, 2.5, 1.0, 1.0]
    assert data.y.tolist() == [[True, False], [False, True], [True, True]]
    with pytest.raises(ValueError, match=r"must hold 'A', got \['group', 'network'\]"):
        read_multilabel_mat(tmp_path / "set.mat", network="A")
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(3, 2\)"):
        read_multilabel_mat(tmp_path / "set.mat", network="group")


def test_a_file_that_is_none_of_matlab_is_told_how_to_become_one(tmp_path):
    path = tmp_path / "graph.mat"
    path.write_bytes(b"junk")
    with pytest.raises(ValueError, match=r"graph\.mat is no \.mat file of version 5 to 7: .*-v7"):
        read_multilabel_mat(path)


def test_a_graph_of_another_size_than_the_published_one_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "small.mat"
    scipy.io.savemat(path, {"network": sp.eye(3).tocsc(), "group": sp.eye(3).tocsc()})
    checksum = sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(_SOURCES, "blogcatalog", _Source(3, 2, 3, {"small.mat": checksum}))
    with pytest.raises(ValueError, match=r"must have \(3, 2, 3\) nodes.* got \(3, 3, 3\)"):
        MultilabelDataset(tmp_path / "data", "blogcatalog", source=tmp_path)


def test_weights_beyond_float32_are_refused(tmp_path):
    large = sp.csr_matrix([[0.0, 1e300], [1e300, 0.0]])
    scipy.io.savemat(
        tmp_path / "set.mat", {"network": large, "group": sp.csr_matrix([[1.0], [1.0]])}
    )
    with pytest.raises(ValueError, match=r"set\.mat must hold weights that float32 has"):
        read_multilabel_mat(tmp_path / "set.mat")
