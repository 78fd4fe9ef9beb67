"""Hops between nodes: brute force, limits, bad input."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.ops import SparseRows, hop_distances


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([None, 1, 2, 3]))
def test_equals_networkx_on_directed_graphs(seed: int, max_hops: int | None) -> None:
    draw = np.random.default_rng(seed)
    size = int(draw.integers(2, 25))
    graph = nx.gnp_random_graph(size, float(draw.random()) * 0.2, seed=seed, directed=True)
    edges = torch.tensor(list(graph.edges), dtype=torch.long).view(-1, 2).t()
    rows = SparseRows.from_edge_index(edges.flip(0), size)
    nodes = torch.from_numpy(draw.integers(0, size, 7))
    wanted = torch.full((7, size), -1)
    for place, node in enumerate(nodes.tolist()):
        lengths = nx.single_source_shortest_path_length(graph, node, cutoff=max_hops)
        for other, hops in lengths.items():
            wanted[place, other] = hops
    assert torch.equal(hop_distances(nodes, rows, max_hops=max_hops), wanted)


def test_weights_do_not_count() -> None:
    edges = torch.tensor([[0, 1], [1, 2]])
    rows = SparseRows.from_edge_index(edges.flip(0), 3, torch.tensor([-1.0, 0.0]))
    assert hop_distances(torch.tensor([0]), rows).tolist() == [[0, 1, 2]]


def test_no_node_and_no_edge() -> None:
    rows = SparseRows.from_edge_index(torch.empty((2, 0), dtype=torch.long), 3)
    assert hop_distances(torch.empty(0, dtype=torch.long), rows).shape == (0, 3)
    assert hop_distances(torch.tensor([1]), rows).tolist() == [[-1, 0, -1]]


@pytest.mark.parametrize(
    ("nodes", "options", "error", "match"),
    [
        (torch.tensor([3]), {}, IndexError, "nodes"),
        (torch.tensor([0]), {"max_hops": 0}, ValueError, "max_hops"),
        (torch.tensor([0.0]), {}, TypeError, "nodes"),
        ([0], {}, TypeError, "nodes"),
    ],
)
def test_bad_input_is_named(nodes: Any, options: dict, error: type[Exception], match: str) -> None:
    rows = SparseRows.from_edge_index(torch.tensor([[0], [1]]), 3)
    with pytest.raises(error, match=match):
        hop_distances(nodes, rows, **options)


def test_rows_must_be_prepared_and_square() -> None:
    with pytest.raises(TypeError, match="rows must be"):
        hop_distances(torch.tensor([0]), torch.tensor([[0], [1]]))  # type: ignore[arg-type]
    flat = SparseRows.from_rows(torch.tensor([0]), torch.tensor([2]), 1, 3)
    with pytest.raises(ValueError, match="square, got 1 x 3"):
        hop_distances(torch.tensor([0]), flat)
