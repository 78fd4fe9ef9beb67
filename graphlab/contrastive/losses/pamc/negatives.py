"""The negative terms of PamC: faithful, corrected, exact and sampled."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics
from graphlab.ops import (
    cluster_pair_logsum,
    meta_logsumexp,
    pairwise_logsumexp,
    self_logsumexp,
    unit_rows,
)

#: Moments of the unit rows that each linear-time variant needs.
ORDER = {"meta": 0, "meta1": 1, "meta2": 2}


def meta_term(statistics: ClusterStatistics, tau: float, eps: float) -> Tensor:
    """Mean over the non-empty clusters of ``log(R_a + eps)``: a scalar."""
    present = (statistics.count > 0).to(statistics.total.dtype)
    lse = cluster_pair_logsum(statistics.total, tau, weight=present)
    # R_a is at least 1 where the cluster exists; elsewhere the value is replaced before use.
    lse = torch.where(present > 0, lse, torch.zeros_like(lse))
    value = torch.logaddexp(lse, lse.new_tensor(math.log(eps)))
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
    take = min(num_samples, num_nodes)
    device = z.device if generator is None else generator.device
    chosen = torch.randperm(num_nodes, generator=generator, device=device)[:take].to(z.device)
    units = unit_rows(z)
    lse = pairwise_logsumexp(units, units[chosen], scale=tau)
    if isinstance(lse, tuple):  # pragma: no cover - columns were not asked for
        raise TypeError("pairwise_logsumexp returned columns")
    stretch = math.log(num_nodes / take)
    drawn = torch.full_like(lse, float("-inf")).index_fill(0, chosen, stretch)
    return _self_at_zero(lse + stretch, drawn, lse.new_tensor(num_nodes), tau)


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
