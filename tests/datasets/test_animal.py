"""The animal networks: sizes, sources, damaged and missing files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from torch_geometric.utils import is_undirected

from graphlab.datasets import AnimalNetwork
from tests._data import test_data_root

SIZES = {"vole": (1480, 3935), "reptile": (787, 1197)}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_form(name, tmp_path):
    source = test_data_root("linkpred", "animal")
    data = AnimalNetwork(tmp_path, name, source=source)[0]
    nodes, edges = SIZES[name]
    assert (data.num_nodes, data.num_edges) == (nodes, 2 * edges)
    assert is_undirected(data.edge_index, data.edge_time)
    assert not data.has_self_loops()
    pairs = np.loadtxt(source / name.capitalize() / "edge.txt", dtype=np.int64)
    ours = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
    assert {tuple(p) for p in pairs} == {tuple(p) for p in ours.t().tolist()}
    assert data.edge_time.dtype == torch.int64


def test_stored_graph_is_read_again(tmp_path):
    source = test_data_root("linkpred", "animal")
    first = AnimalNetwork(tmp_path, "reptile", source=source)[0]
    again = AnimalNetwork(tmp_path, "reptile")[0]
    assert torch.equal(first.edge_index, again.edge_index)


def test_missing_file_says_where_it_belongs(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"reptilia-tortoise-network-fi.edges  \(sha256"):
        AnimalNetwork(tmp_path, "reptile")
    with pytest.raises(ValueError, match="name must be one of 'vole', 'reptile'"):
        AnimalNetwork(tmp_path, "bat")


def test_other_content_is_refused(tmp_path):
    source = test_data_root("linkpred", "animal", "Vole")
    folder = tmp_path / "vole"
    folder.mkdir()
    target = folder / "mammalia-voles-rob-trapping.edges"
    shutil.copyfile(source / target.name, target)
    with target.open("a", encoding="utf-8") as file:
        file.write("1 2 3 4\n")
    with pytest.raises(ValueError, match="another content than expected"):
        AnimalNetwork(tmp_path, "vole")
