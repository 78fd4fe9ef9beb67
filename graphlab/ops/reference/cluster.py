"""Definition of the cluster operators."""

from __future__ import annotations

import torch
from torch import Tensor


def cluster_sum(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Sum of the rows of each cluster, ``(K, D)``."""
    return x.new_zeros(num_clusters, x.size(1)).index_add(0, cluster, x)


def cluster_gather(x: Tensor, cluster: Tensor) -> Tensor:
    """Row of each node's cluster, ``(N, D)``: the transpose of :func:`cluster_sum`."""
    return x.index_select(0, cluster)


def cluster_outer(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    """Sum of ``x_i x_i^T`` over each cluster, ``(K, D, D)``."""
    members = (x[cluster == k] for k in range(num_clusters))
    blocks = [rows.t() @ rows for rows in members]
    return torch.stack(blocks) if blocks else x.new_zeros(0, x.size(1), x.size(1))


def cluster_outer_backward(grad: Tensor, x: Tensor, cluster: Tensor) -> Tensor:
    """Gradient to ``x``: ``(G_k + G_k^T) x_i`` with k the cluster of i."""
    symmetric = grad + grad.transpose(1, 2)
    out = torch.zeros_like(x)
    for k in range(grad.size(0)):
        members = (cluster == k).nonzero().squeeze(1)
        out[members] = x[members] @ symmetric[k]
    return out
