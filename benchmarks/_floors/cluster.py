"""Work of the sums over clusters."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, rows_of, size


def cluster_sum(x: Tensor, cluster: Tensor, num_clusters: int) -> Work:
    """One addition per value."""
    moved = size(x, cluster) + num_clusters * x.size(1) * x.element_size()
    return Work(moved, x.numel())


def cluster_gather(x: Tensor, cluster: Tensor) -> Work:
    """A row per node; nothing is computed."""
    written = cluster.numel() * x.size(1) * x.element_size()
    return Work(size(cluster) + written, 0, 0, (rows_of(cluster.numel(), x),))


def cluster_outer(x: Tensor, cluster: Tensor, num_clusters: int) -> Work:
    """Half of the D x D products, diagonal included: the moments are symmetric."""
    nodes, dim = x.shape
    moved = size(x, cluster) + num_clusters * dim * dim * x.element_size()
    return Work(moved, nodes * dim * (dim + 1))


def cluster_outer_backward(grad: Tensor, x: Tensor, cluster: Tensor) -> Work:
    """A product with the D x D matrix of the cluster per node, symmetrised once per cluster."""
    nodes, dim = x.shape
    return Work(size(grad, x, cluster, x), 2 * nodes * dim * dim + grad.numel())
