"""Reconstructions that learn nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import Rows, SetFamily, pointers, sorted_unique, to_tensor
from graphlab.hyper.cliques import maximal_cliques

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CliqueCover", "MaxCliqueBaseline"]


class Untrained:
    """What a method without training shares with those that learn from a hypergraph."""

    def fit(self, source: object = None, num_nodes: int | None = None) -> Self:
        """Do nothing; for use in place of a method that learns."""
        return self


class MaxCliqueBaseline(Untrained):
    """Every maximal clique is a hyperedge: right exactly for conformal hypergraphs.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> MaxCliqueBaseline().predict(edges, 3).edge_index.tolist()
        [[0, 1, 2], [0, 0, 0]]
    """

    def predict(self, edge_index: Any, num_nodes: int | None = None) -> HyperGraphData:
        """Maximal cliques, isolated nodes included.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions; or a PyG ``Data``,
                a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): Number of nodes; needed with a tensor.

        Returns:
            HyperGraphData: The cliques in lexicographic order.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        graph = read_graph(edge_index, num_nodes)
        return maximal_cliques(graph).to_hypergraph(graph.num_nodes)


class CliqueCover(Untrained):
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

    def predict(self, edge_index: Any, num_nodes: int | None = None) -> HyperGraphData:
        """Cliques that cover every edge.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions; or a PyG ``Data``,
                a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): Number of nodes; needed with a tensor.

        Returns:
            HyperGraphData: The cliques in lexicographic order.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.

        Complexity: at most the sizes of all cliques times the degrees of their nodes.
        """
        graph = read_graph(edge_index, num_nodes)
        rows = greedy_cover(graph)
        return SetFamily(to_tensor(rows.ptr), to_tensor(rows.idx)).to_hypergraph(graph.num_nodes)


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
