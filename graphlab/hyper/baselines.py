"""Reconstructions without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab._estimator import Estimator
from graphlab.hyper._cover import greedy_cover
from graphlab.hyper._graph import read_graph
from graphlab.hyper.cliques import maximal_cliques

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CliqueCover", "MaxCliqueBaseline"]


class Untrained(Estimator):
    """Base of the methods without training, which are ready before any fit."""

    def fit(self, source: object = None, num_nodes: int | None = None) -> Self:
        """Do nothing; so that it can replace a method that learns.

        Args:
            source (object): Not read.
            num_nodes (int, optional): Not read.

        Returns:
            Self: This object.
        """
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _arrays(self) -> dict[str, Tensor]:
        return {}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        pass


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
        return greedy_cover(graph).to_family().to_hypergraph(graph.num_nodes)
