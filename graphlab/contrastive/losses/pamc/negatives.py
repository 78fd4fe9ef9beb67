"""The negative terms of PamC: faithful, corrected, exact and sampled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab._random import random_order
from graphlab.contrastive.losses._row_logsumexp import row_logsumexp
from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics, collect_statistics
from graphlab.ops import (
    cluster_pair_logsum,
    meta_logsumexp,
    self_logsumexp,
    unit_rows,
)

__all__ = ["KINDS", "ORDER", "NegativeTerm", "exact_logsum", "meta_term", "moment_logsum"]

Negatives = Literal["meta", "meta1", "meta2", "exact", "sampled"]
KINDS: tuple[Negatives, ...] = get_args(Negatives)
#: Moments of the unit rows that each linear-time variant needs.
ORDER = {"meta": 0, "meta1": 1, "meta2": 2}


@dataclass(frozen=True)
class NegativeTerm:
    """A negative term with its settings; it trusts its arguments.

    Attributes:
        kind (str): One of ``KINDS``.
        tau (float): Inverse temperature.
        eps (float): Added inside the logarithms of ``"meta"``.
        num_samples (int): Rows drawn by ``"sampled"``.
        generator (torch.Generator, optional): Source of these draws.
    """

    kind: str
    tau: float
    eps: float
    num_samples: int
    generator: torch.Generator | None

    def collect(self, z: Tensor, cluster: Tensor, num_clusters: int) -> ClusterStatistics:
        """Statistics of the order that a linear-time kind needs."""
        return collect_statistics(z, cluster, num_clusters, ORDER[self.kind])

    def value(self, z: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
        """The term, a scalar."""
        if self.kind == "meta":
            return meta_term(self.collect(z, cluster, num_clusters), self.tau, self.eps)
        return self.log_denominators(z, cluster, num_clusters).mean()

    def log_denominators(self, z: Tensor, cluster: Tensor, num_clusters: int) -> Tensor:
        """``log T_i`` of every row, ``(N,)``; of all kinds but ``"meta"``."""
        if self.kind == "exact":
            return exact_logsum(z, self.tau)
        if self.kind == "sampled":
            return sampled_logsum(z, self.tau, self.num_samples, self.generator)
        return moment_logsum(z, self.collect(z, cluster, num_clusters), self.tau)


def meta_term(statistics: ClusterStatistics, tau: float, eps: float) -> Tensor:
    """Mean over the non-empty clusters of ``log(R_a + eps)``: a scalar."""
    present = (statistics.count > 0).to(statistics.total.dtype)
    lse = cluster_pair_logsum(statistics.total, tau, weight=present)
    # R_a is at least 1 where the cluster exists; elsewhere the value is replaced before use.
    lse = torch.where(present > 0, lse, torch.zeros_like(lse))
    # log(R + eps) in logarithms: R itself overflows where tau is large.
    value = torch.logaddexp(lse, lse.new_full((), math.log(eps)))
    return (value * present).sum() / present.sum().clamp(min=1)


def moment_logsum(z: Tensor, statistics: ClusterStatistics, tau: float) -> Tensor:
    """Estimate ``log T_i`` of every row from cluster moments of the unit rows, ``(N,)``."""
    lse = meta_logsumexp(
        unit_rows(z), statistics.count, statistics.mean(), statistics.covariance(), tau=tau
    )
    mass = statistics.count.sum()
    return _self_at_zero(lse, torch.zeros_like(lse), mass, tau)


def exact_logsum(z: Tensor, tau: float) -> Tensor:
    """Exact ``log T_i = log sum_j exp(tau s_ij)`` with ``s_ii := 0``, ``(N,)``."""
    return self_logsumexp(unit_rows(z), scale=tau, diagonal="zero")


def sampled_logsum(
    z: Tensor, tau: float, num_samples: int, generator: torch.Generator | None
) -> Tensor:
    """Estimate ``log T_i`` from rows drawn without replacement and shared by all nodes, ``(N,)``.

    ``T_i`` is unbiased; its logarithm is not, by O(1 / num_samples).
    """
    num_nodes = z.size(0)
    # Without replacement, so that with all rows drawn the sum is exact.
    take = min(num_samples, num_nodes)
    chosen = random_order(num_nodes, generator, z.device)[:take]
    units = unit_rows(z)
    lse = row_logsumexp(units, units[chosen], tau)
    # Every drawn row stands for N / S rows.
    stretch = math.log(num_nodes / take)
    drawn = torch.full_like(lse, float("-inf")).index_fill(0, chosen, stretch)
    return _self_at_zero(lse + stretch, drawn, lse.new_full((), num_nodes), tau)


def _self_at_zero(lse: Tensor, log_weight: Tensor, mass: Tensor, tau: float) -> Tensor:
    """Exchange a row's own pair, ``exp(tau)`` times a weight, for the convention ``s_ii := 0``.

    An estimate can undershoot what is left when the own pair goes; it is kept above
    ``1 + (N - 1) exp(-tau)``, the least value that the exact sum can take. Everything stays
    relative to the sum, so that no temperature overflows.
    """
    log_excess = log_weight + tau + math.log1p(-math.exp(-tau))
    floor = torch.log1p((mass - 1).clamp(min=0) * math.exp(-tau)).expand_as(lse)
    change = -torch.exp(log_excess - lse)
    above = change > torch.expm1(floor - lse)
    change = torch.where(above, change, torch.zeros_like(change))
    return torch.where(above, lse + torch.log1p(change), floor)
