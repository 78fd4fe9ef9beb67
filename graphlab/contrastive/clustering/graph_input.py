"""Features and edges of a clustering, given apart or in a Data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from graphlab._checks import warn_caller
from graphlab.ops import CSRGraph

if TYPE_CHECKING:
    from torch_geometric.data import Data

__all__: list[str] = []


def features_of(x: Tensor | Data) -> Tensor:
    """Features of a ``Data``, or what was given as such."""
    from torch_geometric.data import Data, HeteroData

    if isinstance(x, HeteroData):
        raise TypeError("x must be features or a Data of one type of nodes, got HeteroData")
    if not isinstance(x, Data):
        return x
    if x.x is None:
        raise ValueError("x must be a Data with features, but Data.x is missing")
    features: Tensor = x.x
    return features


def features_and_edges(
    x: Tensor | Data, edge_index: Tensor | CSRGraph | None
) -> tuple[Tensor, Tensor | CSRGraph]:
    """Features and edges of a ``Data``, or what was given apart.

    Raises:
        TypeError, ValueError: If one of them is missing.

    Warns:
        UserWarning: If the edges of a ``Data`` have weights, which nothing reads.
    """
    features = features_of(x)
    if edge_index is None and features is not x:
        edge_index = getattr(x, "edge_index", None)
        _warn_of_weights(getattr(x, "edge_weight", None))
    if edge_index is None:
        raise ValueError("edge_index must be given beside features, or in a Data, got None")
    return features, edge_index


def _warn_of_weights(weight: object) -> None:
    """Say that weights are not read; those that are all one would change nothing."""
    if isinstance(weight, Tensor) and bool((weight != 1).any()):
        warn_caller(
            "Data.edge_weight is not read: all edges count alike. To use weights, prepare the "
            "graph, edge_index=CSRGraph.from_edge_index(data.edge_index, data.num_nodes, "
            "data.edge_weight) beside the data; to do without, delete data.edge_weight"
        )
