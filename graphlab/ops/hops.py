"""Hops between nodes: breadth-first searches of many nodes at once."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_index, check_int, check_same_device
from graphlab.ops.csr import SparseRows, check_rows
from graphlab.ops.propagation import propagate

__all__ = ["hop_distances"]


def hop_distances(nodes: Tensor, rows: SparseRows, *, max_hops: int | None = None) -> Tensor:
    """Number of hops from some nodes to all nodes.

    Args:
        nodes (Tensor): ``(B,)`` integers in ``[0, N)``, where the searches start.
        rows (SparseRows): Square N x N: row i lists the nodes from which one hop leads to i
            (``SparseRows.from_edge_index(edge_index.flip(0), num_nodes)``). Weights do not count.
        max_hops (int, optional): Where the searches end, at least 1; they go on until nothing new
            is reached by default.

    Returns:
        Tensor: ``(B, N)`` int64; 0 for the node itself, -1 for what is not reached.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(H E B) time and O(N B) memory for H hops: give the nodes in parts.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> hop_distances(torch.tensor([0]), SparseRows.from_edge_index(path, 4)).tolist()
        [[0, 1, 2, -1]]
    """
    check_rows(rows, "rows")
    if rows.num_cols != rows.num_rows:
        raise ValueError(f"rows must be square, got {rows.num_rows} x {rows.num_cols}")
    nodes = check_index(nodes, rows.num_rows, "nodes")
    check_same_device(nodes=nodes, rows=rows.rowptr)
    most = rows.num_rows if max_hops is None else check_int(max_hops, "max_hops", minimum=1)
    pattern = SparseRows(rows.rowptr, rows.col)
    start = torch.arange(nodes.numel(), device=nodes.device)
    distance = torch.full((rows.num_rows, nodes.numel()), -1, device=nodes.device)
    distance[nodes, start] = 0
    border = (distance == 0).float()
    for hop in range(1, most + 1):
        found = (propagate(border, pattern) > 0) & (distance < 0)
        if not bool(found.any()):
            break
        distance[found] = hop
        border = found.float()
    return distance.t().contiguous()
