"""The positives of PamC, ready for the operator."""

from __future__ import annotations

from functools import partial

from torch import Tensor

from graphlab._checks import plain
from graphlab._tensor_memo import TensorMemo
from graphlab.ops import CSRGraph

__all__ = ["prepared_graph"]


def prepared_graph(
    memo: TensorMemo[CSRGraph],
    edge_index: Tensor | CSRGraph,
    num_nodes: int,
    edge_weight: Tensor | None,
) -> CSRGraph:
    """The graph ready for the operator; kept while the edges and weights stay as they are."""
    if isinstance(edge_index, CSRGraph):
        if edge_weight is not None:
            raise ValueError("edge_weight must be None for a prepared graph, which has its own")
        return edge_index
    # The tensor in an EdgeIndex, whose version tells of changes; the wrapper's does not.
    edges: Tensor = plain(edge_index)
    build = partial(CSRGraph.from_edge_index, edges, num_nodes, edge_weight)
    if not all(given is None or isinstance(given, Tensor) for given in (edges, edge_weight)):
        return build()
    if edge_weight is not None and edge_weight.requires_grad:
        return build()
    return memo.get((edges, edge_weight), build, key=num_nodes)
