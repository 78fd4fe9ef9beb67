"""Triangles of a graph."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

__all__ = ["clustering_coefficient"]


def clustering_coefficient(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Share of the pairs of neighbours that are neighbours; directions do not count.

    Args:
        edge_index (Tensor): ``(2, E)`` without loops.
        num_nodes (int): N.

    Returns:
        Tensor: float64 ``(N,)``, on the device of the edges; zero with fewer than two neighbours.

    Complexity: O(sum over edges of the smaller degree) time and memory.
    """
    row, col = edge_index.cpu().numpy()
    ones = np.ones(row.size)
    graph = sp.csr_matrix((ones, (row, col)), shape=(num_nodes, num_nodes))
    graph = ((graph + graph.T) > 0).astype(np.float64)
    # From nodes of small degree to those of large, every triangle is seen once.
    degree = np.asarray(graph.sum(1)).ravel()
    rank = np.empty(num_nodes, dtype=np.int64)
    rank[np.lexsort((np.arange(num_nodes), degree))] = np.arange(num_nodes)
    edges = graph.tocoo()
    up = rank[edges.row] < rank[edges.col]
    shape = (num_nodes, num_nodes)
    upward = sp.csr_matrix((np.ones(int(up.sum())), (edges.row[up], edges.col[up])), shape=shape)
    closed = (upward @ upward).multiply(upward).tocoo()  # (lowest, highest): middles between them
    triangles = np.bincount(closed.row, closed.data, num_nodes)
    triangles += np.bincount(closed.col, closed.data, num_nodes)
    middle = (upward.T @ upward).multiply(upward).tocoo()  # (middle, highest): lowest below both
    triangles += np.bincount(middle.row, middle.data, num_nodes)
    pairs = degree * (degree - 1) / 2
    share = np.divide(triangles, pairs, out=np.zeros(num_nodes), where=pairs > 0)
    return torch.from_numpy(share).to(edge_index.device)
