"""Cluster statistics: all that the meta-node negatives need to know about the nodes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab import _distributed
from graphlab._checks import check_index, check_int, check_matrix, values_visible
from graphlab._precision import full_precision, widened
from graphlab._repr import short_repr
from graphlab.ops import unit_rows
from graphlab.ops.library import call
from graphlab.ops.soft_cluster import soft_cluster_outer

__all__ = ["ClusterStatistics", "check_cluster", "collect_statistics"]


@short_repr
@dataclass(frozen=True)
class ClusterStatistics:
    r"""Additive statistics of clusters of rows.

    Sums add up over batches and over processes, which is how the linear-time negatives reach
    graphs that do not fit: see :meth:`collect`, ``+``, :meth:`all_reduce` and :meth:`carry`.

    Attributes:
        count (Tensor): Number (hard) or mass (soft) of members, ``(K,)``.
        total (Tensor): Sum of the rows: the raw embeddings z for ``order=0``, the unit rows
            ``u = z / |z|`` otherwise, ``(K, D)``.
        outer (Tensor, optional): Sum of :math:`u u^\top`, ``(K, D, D)``; only for ``order=2``.
        order (int): Highest moment of the unit rows held; 0 holds the sum of raw rows.
    """

    count: Tensor
    total: Tensor
    outer: Tensor | None
    order: int

    @staticmethod
    def collect(
        z: Tensor, cluster: Tensor, num_clusters: int | None = None, *, order: int = 0
    ) -> ClusterStatistics:
        """Statistics of some rows, differentiable.

        Args:
            z (Tensor): Embeddings, floating point ``(N, D)``.
            cluster (Tensor): Hard ``(N,)`` integer or soft ``(N, K)`` floating assignment; a
                constant in all derivatives.
            num_clusters (int, optional): K; read off the assignment when missing.
            order (int): 0 for ``negatives="meta"``, 1 for ``"meta1"``, 2 for ``"meta2"``.

        Returns:
            ClusterStatistics: On the device of ``z``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        check_int(order, "order", minimum=0, maximum=2)
        z = widened(check_matrix(z, "z"))
        return collect_statistics(z, *check_cluster(cluster, z.size(0), num_clusters), order)

    def __add__(self, other: ClusterStatistics) -> ClusterStatistics:
        """Statistics of these and of other rows of the same clusters."""
        if not isinstance(other, ClusterStatistics):
            return NotImplemented
        if self.order != other.order or self.total.shape != other.total.shape:
            raise ValueError(
                f"statistics must agree in order and shape, got order {self.order} and "
                f"{other.order}, shape {tuple(self.total.shape)} and {tuple(other.total.shape)}"
            )
        outer = None if self.outer is None or other.outer is None else self.outer + other.outer
        count, total = self.count + other.count, self.total + other.total
        return ClusterStatistics(count, total, outer, self.order)

    def detach(self) -> ClusterStatistics:
        """The same values as constants."""
        outer = None if self.outer is None else self.outer.detach()
        return ClusterStatistics(self.count, self.total.detach(), outer, self.order)

    def all_reduce(self) -> ClusterStatistics:
        """Sum over all processes of ``torch.distributed``, with gradient."""
        outer = None if self.outer is None else _distributed.all_reduce_sum(self.outer)
        count = _distributed.all_reduce_sum(self.count)
        return ClusterStatistics(count, _distributed.all_reduce_sum(self.total), outer, self.order)

    def carry(self, part: ClusterStatistics) -> ClusterStatistics:
        """These statistics as constants, but for a gradient to the rows of one part of them.

        Values stay; the gradient goes to ``part``. Summed over all parts, gradients of a function
        of the statistics are those of one pass over everything.

        Args:
            part (ClusterStatistics): Of some of the rows, with a gradient.

        Returns:
            ClusterStatistics: The same values.
        """
        if not isinstance(part, ClusterStatistics):
            raise TypeError(f"part must be ClusterStatistics, got {type(part).__name__}")
        base = self.detach()
        zero = part.detach()
        outer = base.outer
        if outer is not None and part.outer is not None and zero.outer is not None:
            outer = outer + (part.outer - zero.outer)
        total = base.total + (part.total - zero.total)
        return ClusterStatistics(base.count, total, outer, self.order)

    def mean(self) -> Tensor:
        """Mean row of each cluster, ``(K, D)``; zero for an empty one."""
        return self.total / self._safe_count().unsqueeze(1)

    def covariance(self) -> Tensor | None:
        """Covariance of the unit rows of each cluster, ``(K, D, D)``; ``None`` below order 2."""
        if self.outer is None:
            return None
        mean = self.mean()
        return self.outer / self._safe_count()[:, None, None] - mean[:, :, None] * mean[:, None, :]

    def _safe_count(self) -> Tensor:
        # The sums of an empty cluster are zero: any divisor makes its mean zero.
        return torch.where(self.count > 0, self.count, torch.ones_like(self.count))


def check_cluster(cluster: Tensor, num_nodes: int, num_clusters: int | None) -> tuple[Tensor, int]:
    """Require a hard or soft assignment; returned with the number of clusters."""
    if num_clusters is not None:
        num_clusters = check_int(num_clusters, "num_clusters", minimum=2)
    if isinstance(cluster, Tensor) and cluster.dim() == 2:
        soft = check_matrix(cluster, "cluster", rows=num_nodes, cols=num_clusters)
        if values_visible(soft) and bool((soft.detach() < 0).any()):
            low = float(soft.detach().min())
            raise ValueError(f"cluster must be non-negative when soft, got a minimum of {low}")
        return soft, soft.size(1)
    if num_clusters is None:
        known = isinstance(cluster, Tensor) and cluster.numel() and not cluster.is_floating_point()
        num_clusters = max(1, int(cluster.max()) + 1) if known else 1
    return check_index(cluster, num_clusters, "cluster", length=num_nodes), num_clusters


def collect_statistics(
    z: Tensor, cluster: Tensor, num_clusters: int, order: int
) -> ClusterStatistics:
    """:meth:`ClusterStatistics.collect` of checked arguments."""
    rows = _without_zero_rows(z) if order == 0 else unit_rows(z)
    if cluster.dim() == 2:
        return _collect_soft(rows, cluster.to(rows.dtype).detach(), order)
    # Not bincount, whose size torch.compile cannot know; whole numbers, which do not stop at 2^24.
    members = torch.zeros(num_clusters, dtype=torch.int64, device=rows.device)
    count = members.index_add(0, cluster, torch.ones_like(cluster)).to(rows.dtype)
    outer = call("cluster_outer", rows, cluster, num_clusters) if order == 2 else None
    return ClusterStatistics(count, call("cluster_sum", rows, cluster, num_clusters), outer, order)


def _without_zero_rows(z: Tensor) -> Tensor:
    """The rows, of which those that are zero pass no gradient, as in every cosine."""
    # Where no number is zero no row is: one look spares two passes with a mask.
    if (
        z.device.type == "cpu"
        and values_visible(z)
        and z.numel()
        and bool(z.detach().abs().amin() > 0)
    ):
        return z
    return z.masked_fill(~z.any(1, keepdim=True), 0)


def _collect_soft(rows: Tensor, soft: Tensor, order: int) -> ClusterStatistics:
    with full_precision(rows):
        outer = None
        if order == 2:
            outer = soft_cluster_outer(rows, soft)
        return ClusterStatistics(soft.sum(0), soft.t() @ rows, outer, order)
