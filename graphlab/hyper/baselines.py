"""Reconstructions without training: maximal cliques, and a cover of the edges."""

from __future__ import annotations

from graphlab.hyper._cover import greedy_cover
from graphlab.hyper._graph import Graph
from graphlab.hyper._sets import SetFamily
from graphlab.hyper._untrained import Untrained
from graphlab.hyper.cliques import maximal_cliques

__all__ = ["CliqueCover", "MaxCliqueBaseline"]


class MaxCliqueBaseline(Untrained):
    """Every maximal clique is a hyperedge: right exactly for conformal hypergraphs.

    Isolated nodes are hyperedges, too. The cliques are in lexicographic order.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> MaxCliqueBaseline().predict(edges, 3).edge_index.tolist()
        [[0, 1, 2], [0, 0, 0]]
    """

    def _reconstruct(self, graph: Graph) -> SetFamily:
        return maximal_cliques(graph)


class CliqueCover(Untrained):
    """A greedy cover of the edges by cliques: a strong baseline where hyperedges overlap little.

    Starts from an edge that is not covered, those with the smallest sum of degrees first, and adds
    the common neighbour that covers most new edges, until no new edge is covered; of equals the
    smallest in lexicographic order. The authors' code starts from edges in the order of a Python
    set. Isolated nodes are not covered. The cliques are in lexicographic order.

    Complexity: at most the sizes of all cliques times the degrees of their nodes.

    Reference: Conte, Grossi, Marino, "Large-scale clique cover of real-world networks",
        Information and Computation 2020.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> CliqueCover().predict(edges, 3).edge_index.tolist()
        [[0, 1, 2], [0, 0, 0]]
    """

    def _reconstruct(self, graph: Graph) -> SetFamily:
        return greedy_cover(graph).to_family()
