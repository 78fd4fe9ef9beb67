"""Reconstructions that learn nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import Rows, SetFamily, pointers, sorted_unique, to_tensor
from graphlab.hyper.cliques import maximal_cliques

__all__ = ["CliqueCover", "MaxCliqueBaseline"]


class MaxCliqueBaseline:
    """Every maximal clique is a hyperedge: right exactly for conformal hypergraphs.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> MaxCliqueBaseline().predict(edges, 3).edge_index.tolist()
        [[0, 1, 2], [0, 0, 0]]
    """

    def fit(self, source: object = None) -> MaxCliqueBaseline:
        """Do nothing; for use in place of a method that learns."""
        return self

    def predict(self, edge_index: Tensor, num_nodes: int) -> HyperGraphData:
        """Maximal cliques, isolated nodes included.

        Args:
            edge_index (Tensor): ``(2, E)`` integers, both directions.
            num_nodes (int): Number of nodes.

        Returns:
            HyperGraphData: The cliques in lexicographic order.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        return maximal_cliques(edge_index, num_nodes).to_hypergraph(num_nodes)


class CliqueCover:
    """A greedy cover of the edges by cliques: a strong baseline where hyperedges overlap little.

    Starts from an edge that is not covered, those with the smallest sum of degrees first, and adds
    the common neighbour that covers most new edges, until no new edge is covered; of equals the
    smallest in lexicographic order. The authors' code starts from edges in the order of a Python
    set. Isolated nodes are not covered.

    Reference: Conte, Grossi, Marino, "Large-scale clique cover of real-world networks",
        Information and Computation 2020.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> CliqueCover().predict(edges, 3).edge_index.tolist()
        [[0, 1, 2], [0, 0, 0]]
    """

    def fit(self, source: object = None) -> CliqueCover:
        """Do nothing; for use in place of a method that learns."""
        return self

    def predict(self, edge_index: Tensor, num_nodes: int) -> HyperGraphData:
        """Cliques that cover every edge.

        Args:
            edge_index (Tensor): ``(2, E)`` integers, both directions.
            num_nodes (int): Number of nodes.

        Returns:
            HyperGraphData: The cliques in lexicographic order.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.

        Complexity: at most the sizes of all cliques times the degrees of their nodes.
        """
        rows = greedy_cover(read_graph(edge_index, num_nodes))
        return SetFamily(to_tensor(rows.ptr), to_tensor(rows.idx)).to_hypergraph(num_nodes)


def greedy_cover(graph: Graph) -> Rows:
    """Distinct cliques of the greedy cover, in lexicographic order."""
    others = graph.entries[1].tolist()
    borders = graph.rowptr.tolist()
    near = [set(others[a:b]) for a, b in pairwise(borders)]
    open_ = [set(group) for group in near]
    found: list[list[int]] = []
    edges = graph.entries[:, graph.upper]
    order = np.argsort(graph.degree[edges].sum(axis=0), kind="stable")
    for u, v in edges[:, order].T.tolist():
        if v in open_[u]:
            clique = _grow(u, v, near, open_)
            for a in clique:
                open_[a].difference_update(clique)
            found.append(sorted(clique))
    sizes = np.array([len(clique) for clique in found], dtype=np.int64)
    nodes = np.array([node for clique in found for node in clique], dtype=np.int64)
    return sorted_unique(Rows(pointers(sizes), nodes))[0]


def _grow(u: int, v: int, near: list[set[int]], open_: list[set[int]]) -> list[int]:
    """Add the common neighbour that covers most until none covers anything."""
    clique = [u, v]
    gain = {p: (p in open_[u]) + (p in open_[v]) for p in near[u] & near[v]}
    while gain:
        best = max(gain, key=lambda p: (gain[p], -p))
        if gain[best] == 0:
            break
        clique.append(best)
        reachable, fresh = near[best], open_[best]
        gain = {p: g + (p in fresh) for p, g in gain.items() if p in reachable}
    return clique
