"""Work of the sums over clusters."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, rows_of, size


def cluster_sum(call: Call) -> Work:
    """One addition per value."""
    moved = size(call.x, call.cluster) + call.num_clusters * call.x.size(1) * call.x.element_size()
    return Work(moved, call.x.numel())


def cluster_gather(call: Call) -> Work:
    """A row per node; nothing is computed."""
    written = call.cluster.numel() * call.x.size(1) * call.x.element_size()
    return Work(size(call.cluster) + written, 0, 0, (rows_of(call.cluster.numel(), call.x),))


def cluster_outer(call: Call) -> Work:
    """Half of the D x D products, diagonal included: the moments are symmetric."""
    nodes, dim = call.x.shape
    moved = size(call.x, call.cluster) + call.num_clusters * dim * dim * call.x.element_size()
    return Work(moved, nodes * dim * (dim + 1))


def cluster_outer_backward(call: Call) -> Work:
    """A product with the D x D matrix of the cluster per node, symmetrised once per cluster."""
    nodes, dim = call.x.shape
    return Work(
        size(call.grad, call.x, call.cluster, call.x), 2 * nodes * dim * dim + call.grad.numel()
    )
