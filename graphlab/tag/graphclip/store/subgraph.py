"""A subgraph, and several of them as one graph."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from graphlab._repr import short_repr

__all__ = ["Subgraph", "SubgraphBatch"]


@short_repr
class Subgraph(NamedTuple):
    """One subgraph.

    Attributes:
        node (Tensor): Global node ids, int64 ``(n,)``.
        edge_index (Tensor): Local ids, int64 ``(2, e)``.
        root (int): Local id of the node it was drawn for.
    """

    node: Tensor
    edge_index: Tensor
    root: int


@short_repr
class SubgraphBatch(NamedTuple):
    """Several subgraphs as one graph without edges between them.

    Attributes:
        subgraph (Tensor): Which subgraphs of the store, int64 ``(B,)``.
        node (Tensor): Global node ids, int64 ``(n,)``.
        edge_index (Tensor): Ids within the batch, int64 ``(2, e)``.
        batch (Tensor): Subgraph of every node, int64 ``(n,)``, ascending.
        root_index (Tensor): Id within the batch of every root, int64 ``(B,)``.
        node_row (Tensor): Row of every node in the arrays of the store, int64 ``(n,)``.
    """

    subgraph: Tensor
    node: Tensor
    edge_index: Tensor
    batch: Tensor
    root_index: Tensor
    node_row: Tensor
