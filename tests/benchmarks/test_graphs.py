"""Random graphs of the benchmark scripts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from benchmarks._harness import graphs


def is_simple_undirected(edge_index: Tensor, num_nodes: int) -> bool:
    keys = edge_index[0] * num_nodes + edge_index[1]
    mirrored = edge_index[1] * num_nodes + edge_index[0]
    in_range = bool((edge_index >= 0).all() and (edge_index < num_nodes).all())
    sorted_once = bool((keys.diff() > 0).all())
    no_loop = bool((edge_index[0] != edge_index[1]).all())
    return in_range and sorted_once and no_loop and torch.equal(mirrored.sort().values, keys)


@pytest.mark.parametrize("permute", [True, False])
def test_rmat_is_simple_undirected_and_seeded(permute: bool) -> None:
    graph = graphs.rmat(10, 8, seed=3, permute=permute)
    assert is_simple_undirected(graph, 1024)
    assert torch.equal(graph, graphs.rmat(10, 8, seed=3, permute=permute))
    assert not torch.equal(graph, graphs.rmat(10, 8, seed=4, permute=permute))


def test_rmat_has_hubs_and_permuted_ids_hide_them() -> None:
    plain = torch.bincount(graphs.rmat(12, 8, 0, permute=False)[0], minlength=4096)
    mixed = torch.bincount(graphs.rmat(12, 8, 0, permute=True)[0], minlength=4096)
    assert plain.max() > 10 * plain.double().mean()
    # Without a permutation the quarter of the lowest ids owns most of the edges.
    assert plain[:1024].sum() > 0.5 * plain.sum()
    assert mixed[:1024].sum() < 0.4 * mixed.sum()


def test_rmat_does_not_depend_on_the_chunk_for_its_law(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = graphs.rmat(10, 8, 0).shape[1]
    monkeypatch.setattr(graphs, "_RMAT_CHUNK", 1000)
    chunked = graphs.rmat(10, 8, 0)
    assert is_simple_undirected(chunked, 1024)
    assert abs(chunked.shape[1] - whole) < 0.05 * whole


@given(st.integers(20, 300), st.floats(0, 8), st.integers(0, 99))
def test_uniform_graph_has_the_exact_degree(nodes: int, degree: float, seed: int) -> None:
    graph = graphs.uniform_graph(nodes, degree, seed)
    assert is_simple_undirected(graph, nodes)
    assert graph.shape[1] == 2 * round(nodes * degree / 2)
    assert torch.equal(graph, graphs.uniform_graph(nodes, degree, seed))


def test_graphs_reject_sizes() -> None:
    with pytest.raises(ValueError, match="scale"):
        graphs.rmat(0, 8, 0)
    with pytest.raises(ValueError, match="edge_factor"):
        graphs.rmat(4, 0, 0)
    with pytest.raises(ValueError, match="average_degree"):
        graphs.uniform_graph(10, 9, 0)
