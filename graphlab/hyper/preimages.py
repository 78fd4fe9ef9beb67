"""The number of hypergraphs behind one graph."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from graphlab._checks import check_int
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper.cliques import maximal_cliques

__all__ = ["count_preimages"]


def count_preimages(edge_index: Any, num_nodes: int | None = None, limit: int = 20) -> int:
    r"""Number of hypergraphs whose projection is the given graph.

    Hyperedges have two or more nodes and do not repeat. By inclusion and exclusion over the edges
    that stay uncovered,

    .. math:: \sum_{S \subseteq E(G)} (-1)^{|S|} 2^{c(G - S)}

    where c counts the cliques with two nodes or more.

    Args:
        edge_index (Tensor or graph): As for :func:`graphlab.hyper.maximal_cliques`.
        num_nodes (int, optional): Number of nodes; as for :func:`graphlab.hyper.maximal_cliques`.
        limit (int): Largest number of edges accepted.

    Returns:
        int: The number, exact.

    Raises:
        ValueError: If the graph has more than ``limit`` edges.
        TypeError, IndexError: If an argument is malformed.

    Complexity: :math:`2^m` times the number of cliques.

    Example:
        >>> import torch
        >>> triangle = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> count_preimages(triangle, 3)
        9
    """
    graph = read_graph(edge_index, num_nodes)
    limit = check_int(limit, "limit", minimum=0)
    count = graph.keys.size
    if count > limit:
        raise ValueError(f"edge_index must hold at most limit = {limit} edges, got {count}")
    masks = np.array([_edge_mask(graph, clique) for clique in _all_cliques(graph)], dtype=np.int64)
    total = 0
    for removed in range(1 << count):
        # Any set of cliques that avoids the removed edges covers none of them.
        whole = int(((masks & removed) == 0).sum())
        total += (-1) ** removed.bit_count() * 2**whole
    return total


def _all_cliques(graph: Graph) -> list[tuple[int, ...]]:
    """Every clique with two nodes or more."""
    maximal = maximal_cliques(graph).to_list()
    subsets = {
        c for clique in maximal for k in range(2, len(clique) + 1) for c in combinations(clique, k)
    }
    return sorted(subsets)


def _edge_mask(graph: Graph, clique: tuple[int, ...]) -> int:
    pairs = np.array(list(combinations(clique, 2)))
    return sum(1 << int(number) for number in graph.edge_number(pairs[:, 0], pairs[:, 1]))
