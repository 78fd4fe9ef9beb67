"""What the reconstructions without training share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from graphlab._estimator import Estimator
from graphlab._graphs.typed import HyperGraphData
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import SetFamily

if TYPE_CHECKING:
    from typing_extensions import Self


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

    def predict(
        self,
        edge_index: Any,
        num_nodes: int | None = None,
        *,
        node_id: Sequence[Any] | None = None,
    ) -> HyperGraphData:
        """Reconstruct the hypergraph of a graph; see the class for its hyperedges.

        Args:
            edge_index (Tensor or graph): ``(2, E)`` integers, both directions; or a PyG ``Data``,
                a square torch or scipy sparse matrix, or a networkx graph.
            num_nodes (int, optional): That of ``node_id`` by default, else as for maximal_cliques.
            node_id (Sequence, optional): Names of the nodes, one each, which the result carries; by
                default the nodes of a networkx graph, or ``node_id`` of a ``Data``.

        Returns:
            HyperGraphData: The hyperedges, with ``node_id`` where nodes have names.

        Raises:
            TypeError, ValueError, IndexError: If a parameter or an argument is malformed.
        """
        graph = read_graph(edge_index, num_nodes, node_id)
        return self._reconstruct(graph).to_hypergraph(graph.num_nodes, graph.names)

    def _reconstruct(self, graph: Graph) -> SetFamily:
        raise NotImplementedError(f"{type(self).__name__} must implement _reconstruct")

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _arrays(self) -> dict[str, Tensor]:
        return {}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        pass
