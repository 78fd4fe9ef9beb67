"""Distance of a linear-time negative term from the exact one: value, gradient and bound."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._random import random_order
from graphlab._repr import short_repr
from graphlab.contrastive.losses.pamc.negatives import NegativeTerm, exact_logsum, moment_logsum
from graphlab.contrastive.losses.pamc.statistics import ClusterStatistics, collect_statistics
from graphlab.ops import unit_rows
from graphlab.ops.library import call
from graphlab.ops.reference import KEEP, unit_rows_backward

__all__ = ["PamCDiagnosis", "diagnose"]

#: Up to this many rows the gradient is compared with the fully exact one.
_EXACT_ROWS = 4096


@short_repr
@dataclass(frozen=True)
class PamCDiagnosis:
    """Result of :meth:`PamCLoss.diagnose`.

    Attributes:
        value_gap (float): Estimated minus exact negative term, both of the anchors (``"meta"``
            compares clusters, not nodes; its value estimates nothing, so expect a gap of order
            log N).
        gradient_cosine (float): Cosine between the estimated and the exact gradient at the anchors.
        gradient_error (float): Norm of their difference relative to the exact gradient.
        bound (float): No row's estimate differs from the exact log-sum by more than this on the
            anchors, before the own pair is exchanged; ``inf`` where no bound exists (``"meta"``,
            ``"sampled"``), 0 for ``"exact"``.
        cluster_sizes (tuple): Members (or mass) of every cluster.
        num_anchors (int): Number of anchors.
    """

    value_gap: float
    gradient_cosine: float
    gradient_error: float
    bound: float
    cluster_sizes: tuple[float, ...]
    num_anchors: int


def diagnose(
    term: NegativeTerm,
    z: Tensor,
    cluster: Tensor,
    num_clusters: int,
    anchors: int,
    generator: torch.Generator | None,
) -> PamCDiagnosis:
    """:meth:`PamCLoss.diagnose` of checked arguments, z without a gradient."""
    take = min(anchors, z.size(0))
    chosen = random_order(z.size(0), generator, z.device)[:take]
    statistics = collect_statistics(z, cluster, num_clusters, 2)
    _warn_about_sizes(statistics.count)
    with torch.enable_grad():
        leaf = z.clone().requires_grad_(True)
        if term.kind == "meta":
            value = estimate = term.value(leaf, cluster, num_clusters)
        else:
            every = term.log_denominators(leaf, cluster, num_clusters)
            value, estimate = every.mean(), every[chosen].mean()
        (gradient,) = torch.autograd.grad(value, leaf)
    logsum = _anchor_logsum(z, chosen, term.tau)
    exact = _exact_gradient(z, chosen, term.tau, statistics)
    return PamCDiagnosis(
        value_gap=float(estimate.detach() - logsum.mean()),
        gradient_cosine=_cosine(gradient[chosen], exact),
        gradient_error=float((gradient[chosen] - exact).norm() / exact.norm().clamp(min=1e-300)),
        bound=_bound(term, z, cluster, chosen),
        cluster_sizes=tuple(statistics.count.tolist()),
        num_anchors=take,
    )


def _cosine(a: Tensor, b: Tensor) -> float:
    norms = float(a.norm()) * float(b.norm())
    return float((a * b).sum()) / norms if norms > 0 else float("nan")


def _warn_about_sizes(count: Tensor) -> None:
    empty = (count == 0).nonzero().squeeze(1).tolist()
    if empty:
        listing = ", ".join(map(str, empty[:10]))
        warnings.warn(f"clusters without members: {listing}", UserWarning, stacklevel=4)
    filled = count[count > 0]
    if filled.numel() and float(filled.max()) > 10 * float(filled.mean()):
        warnings.warn(
            f"unbalanced clusters: the largest has {float(filled.max()):g} members, the mean is "
            f"{float(filled.mean()):g}; negatives='meta' gives every cluster the same weight",
            UserWarning,
            stacklevel=4,
        )


def _anchor_logsum(z: Tensor, chosen: Tensor, tau: float) -> Tensor:
    """Exact ``log T_i`` of the anchors."""
    units = unit_rows(z)
    # A row per anchor; the own pair is set to s_ii := 0, as in the loss.
    logits = tau * (units[chosen] @ units.t())
    return torch.logsumexp(logits.scatter(1, chosen[:, None], 0.0), dim=1)


def _exact_gradient(z: Tensor, chosen: Tensor, tau: float, statistics: ClusterStatistics) -> Tensor:
    """Gradient of ``mean_i log T_i`` at the anchor rows.

    An anchor also acts in the sums of all other rows, which weighs it by their T: exact for small
    graphs, the second-order estimate (relative error tau^3 R^3 / 62) beyond. The own pair needs
    no care, as its direction is removed by the projection.
    """
    few = z.size(0) <= _EXACT_ROWS
    logsum = exact_logsum(z, tau) if few else moment_logsum(z, statistics, tau)
    weight = torch.full_like(logsum, 1.0 / z.size(0))
    units = unit_rows(z)
    rows = (weight[chosen], _anchor_logsum(z, chosen, tau), None)
    direction = call(
        "pairwise_logsumexp_backward",
        units[chosen].contiguous(),
        units,
        *rows,
        weight,
        logsum,
        None,
        tau,
        KEEP,
    )
    return unit_rows_backward(direction, z[chosen])


def _bound(term: NegativeTerm, z: Tensor, cluster: Tensor, chosen: Tensor) -> float:
    """Hoeffding (order 1) and third-cumulant (order 2) bound from ranges within clusters."""
    if term.kind == "exact":
        return 0.0
    if term.kind not in ("meta1", "meta2") or cluster.dim() == 2:
        return float("inf")
    units = unit_rows(z)
    cosine = units[chosen] @ units.t()
    index = cluster.long().expand_as(cosine)
    shape = (chosen.numel(), int(cluster.max()) + 1)
    high = torch.full(shape, -1.0, dtype=z.dtype, device=z.device)
    low = -high
    high = high.scatter_reduce(1, index, cosine, "amax")
    low = low.scatter_reduce(1, index, cosine, "amin")
    spread = term.tau * float((high - low).max().clamp(min=0))
    # Hoeffding: log E exp(X) - E X <= spread^2 / 8 for X in an interval; order 2 leaves the cubic.
    if term.kind == "meta1":
        return spread**2 / 8
    return spread**3 / (36 * math.sqrt(3))
