"""Sums over clusters and the log-sum-exp over pairs of clusters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_index, check_int, check_matrix, check_positive, check_same_device
from graphlab._precision import widened
from graphlab.ops import reference
from graphlab.ops.library import call, define
from graphlab.ops.pairwise import self_logsumexp
from graphlab.ops.rows import unit_rows

__all__ = ["cluster_outer", "cluster_pair_logsum", "cluster_sum"]


def _sum_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(inputs[1])


def _sum_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    (cluster,) = ctx.saved_tensors
    return call("cluster_gather", grad.contiguous(), cluster), None, None


def _gather_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, cluster = inputs
    ctx.save_for_backward(cluster)
    ctx.num_clusters = x.shape[0]


def _gather_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    (cluster,) = ctx.saved_tensors
    return call("cluster_sum", grad.contiguous(), cluster, ctx.num_clusters), None


def _outer_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(inputs[0], inputs[1])


def _outer_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, cluster = ctx.saved_tensors
    grad_x = call("cluster_outer_backward", grad.contiguous(), x, cluster)
    return grad_x, None, None


define(
    "cluster_sum(Tensor x, Tensor cluster, SymInt num_clusters) -> Tensor",
    reference.cluster_sum,
    lambda x, cluster, num_clusters: x.new_empty(num_clusters, x.shape[1]),
    setup_context=_sum_setup,
    backward=_sum_backward,
)
define(
    "cluster_gather(Tensor x, Tensor cluster) -> Tensor",
    reference.cluster_gather,
    lambda x, cluster: x.new_empty(cluster.shape[0], x.shape[1]),
    setup_context=_gather_setup,
    backward=_gather_backward,
)
define(
    "cluster_outer(Tensor x, Tensor cluster, SymInt num_clusters) -> Tensor",
    reference.cluster_outer,
    lambda x, cluster, num_clusters: x.new_empty(num_clusters, x.shape[1], x.shape[1]),
    setup_context=_outer_setup,
    backward=_outer_backward,
)
define(
    "cluster_outer_backward(Tensor grad, Tensor x, Tensor cluster) -> Tensor",
    reference.cluster_outer_backward,
    lambda grad, x, cluster: torch.empty_like(x, memory_format=torch.contiguous_format),
)


def _check(x: Tensor, cluster: Tensor, num_clusters: int) -> tuple[Tensor, Tensor, int]:
    x = check_matrix(x, "x", finite=False)
    num_clusters = check_int(num_clusters, "num_clusters", minimum=1)
    cluster = check_index(cluster, num_clusters, "cluster", length=x.size(0))
    check_same_device(x=x, cluster=cluster)
    return widened(x), cluster, num_clusters


def cluster_sum(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    r"""Sum of the rows of each cluster.

    .. math:: c_a = \sum_{i : y_i = a} x_i

    Args:
        x (Tensor): Rows, floating point ``(N, D)``; half precision is read as float32.
        cluster (Tensor): Cluster of each row, integer ``(N,)`` in ``[0, num_clusters)``.
        num_clusters (int): Number of clusters K, at least 1. Empty clusters give zero rows.

    Returns:
        Tensor: ``(K, D)``. Twice differentiable.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(N D) time, O(K D) memory per thread.
    Determinism: bitwise, whatever the number of threads.
    """
    x, cluster, num_clusters = _check(x, cluster, num_clusters)
    out: Tensor = call("cluster_sum", x, cluster, num_clusters)
    return out


def cluster_outer(x: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
    r"""Second moments: the sum of :math:`x_i x_i^\top` over each cluster.

    Args:
        x (Tensor): Rows, floating point ``(N, D)``; half precision is read as float32.
        cluster (Tensor): Cluster of each row, integer ``(N,)`` in ``[0, num_clusters)``.
        num_clusters (int): Number of clusters K, at least 1.

    Returns:
        Tensor: ``(K, D, D)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(N D^2) time, O(K D^2) memory.
    Determinism: bitwise, whatever the number of threads.
    """
    x, cluster, num_clusters = _check(x, cluster, num_clusters)
    out: Tensor = call("cluster_outer", x, cluster, num_clusters)
    return out


def cluster_pair_logsum(centers: Tensor, tau: float, weight: Tensor | None = None) -> Tensor:
    r"""Log-sum over pairs of clusters, with the own cluster entering at cosine zero.

    .. math:: \log R_a = \log \sum_b w_b \exp(\tau S_{ab}), \quad
        S_{ab} = \cos(c_a, c_b), \; S_{aa} := 0

    Args:
        centers (Tensor): Cluster sums or means, floating point ``(K, D)``. Only directions matter.
        tau (float): Positive inverse temperature.
        weight (Tensor, optional): Non-negative weights ``(K,)``; zero leaves a cluster out of all
            sums. No gradient flows to it.

    Returns:
        Tensor: ``(K,)``; ``-inf`` where every weight is zero.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(K^2 D) time, O(K D) memory.
    """
    tau = check_positive(tau, "tau")
    units = unit_rows(check_matrix(centers, "centers", finite=False))
    return self_logsumexp(units, weight=weight, scale=tau, diagonal="zero")
