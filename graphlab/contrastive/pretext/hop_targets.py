"""Closeness of nodes in hops, as targets."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops import SparseRows, hop_distances

__all__ = ["closeness", "reversed_rows"]

# Hop counts that are held at once.
_CHUNK = 1 << 24


def reversed_rows(edge_index: Tensor, num_nodes: int) -> SparseRows:
    """Rows of the nodes from which one hop leads to each node."""
    return SparseRows.from_edge_index(edge_index.flip(0), num_nodes)


def closeness(
    edge_index: Tensor, num_nodes: int, nodes: Tensor, group: Tensor, count: int
) -> Tensor:
    """Mean over the nodes of each group of one over the number of hops; 1 for a node itself.

    Args:
        edge_index (Tensor): ``(2, E)``.
        num_nodes (int): N.
        nodes (Tensor): int64 ``(B,)``.
        group (Tensor): Group of each of them, int64 ``(B,)``.
        count (int): Number of groups K, none of which is empty.

    Returns:
        Tensor: float64 ``(N, K)``; what cannot be reached adds 0.

    Complexity: O(B E H) time for searches of H hops, O(N K) memory beyond a fixed block.
    """
    rows = reversed_rows(edge_index, num_nodes)
    total = torch.zeros((count, num_nodes), dtype=torch.float64, device=edge_index.device)
    step = max(1, _CHUNK // max(num_nodes, 1))
    for part, groups in zip(nodes.split(step), group.split(step), strict=True):
        hops = hop_distances(part, rows).double()
        total.index_add_(0, groups, torch.where(hops < 0, 0.0, 1 / hops.clamp(min=1)))
    return (total / group.bincount(minlength=count)[:, None]).t().contiguous()
