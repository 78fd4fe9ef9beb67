"""Projection against the golden graphs, and what malformed incidences raise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.hyper import project
from tests.hyper._cases import NAMES, hypergraph, load, make


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", NAMES)
def test_golden(name, split):
    edges, weight = project(hypergraph(name, split), weighted=True)
    upper = edges[0] < edges[1]
    assert np.array_equal(edges[:, upper], load(name)[f"{split}_edge_index"])
    assert np.array_equal(weight[upper], load(name)[f"{split}_edge_weight"])
    assert weight.dtype == torch.int64 and edges.dtype == torch.int64


def test_both_directions_sorted_and_repeats_counted():
    edges, weight = project(make([(0, 1), (0, 1), (2,), ()], 4), weighted=True)
    assert edges.tolist() == [[0, 1], [1, 0]] and weight.tolist() == [2, 2]
    assert project(make([], 3)).shape == (2, 0)


def test_repeated_incidence_counts_once():
    index = torch.tensor([[0, 1, 1], [0, 0, 0]])
    assert project(index, 2, weighted=True)[1].tolist() == [1, 1]


def test_number_of_nodes_survives_pyg():
    # As many nodes as hyperedges: PyG's own property would drop the isolated node.
    data = make([(0, 1), (1, 2), (0, 2), (0, 1, 2)], 4)
    assert int(project(data).max()) == 2
    assert project(data.edge_index, 4).shape == project(data).shape


@pytest.mark.parametrize(
    ("index", "kwargs", "error", "match"),
    [
        (torch.zeros(3, 2).long(), {}, ValueError, r"hyperedge_index must have shape \(2, nnz\)"),
        (torch.zeros(2, 2), {}, ValueError, "int64 or int32"),
        (torch.tensor([[-1], [0]]), {}, IndexError, "outside"),
        (torch.tensor([[5], [0]]), {}, IndexError, r"outside \[0, 4\)"),
        (torch.tensor([[0], [-1]]), {}, IndexError, "negative"),
        (torch.tensor([[0, 1], [0, 2]]), {}, ValueError, "hyperedge 1; pass num_hyperedges"),
        (torch.tensor([[0], [1]]), {"num_hyperedges": 1}, IndexError, "outside"),
        ([[0, 1], [0, 0]], {}, TypeError, "hyperedge_index looks like an incidence"),
        (5, {}, TypeError, "hyperedge_index must be a HyperGraphData, .* got int"),
    ],
)
def test_malformed_incidence(index, kwargs, error, match):
    with pytest.raises(error, match=match):
        project(index, 4, **kwargs)


def test_tensor_needs_the_number_of_nodes():
    with pytest.raises(ValueError, match="num_nodes must be given"):
        project(torch.tensor([[0], [0]]))


def test_gap_is_an_empty_hyperedge_when_the_number_is_given():
    assert project(torch.tensor([[0, 1], [0, 2]]), 2, num_hyperedges=3).shape == (2, 0)


def test_wrong_attribute_is_named():
    with pytest.raises(ValueError, match="rename hyperedge_index to edge_index"):
        project(HyperGraphData(hyperedge_index=torch.tensor([[0], [0]]), num_nodes=1))
