"""Definition of the log-sum-exp through cluster moments."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.reference.pairwise import exp_minus
from graphlab.ops.reference.rows import chunks


def _meta_logits(u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float) -> Tensor:
    logits = tau * (u @ mean.t()) + count.log()
    if cov is None or cov.size(0) == 0:
        return logits
    spread = [((u @ cov[k]) * u).sum(1) for k in range(cov.size(0))]
    return logits + 0.5 * tau * tau * torch.stack(spread, dim=1)


def meta_logsumexp(
    u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float
) -> Tensor:
    """``log sum_b n_b exp(tau <u_i, m_b> + tau^2/2 u_i^T C_b u_i)``, ``(N,)``."""
    parts = [
        torch.logsumexp(_meta_logits(u[rows], count, mean, cov, tau), dim=1)
        for rows in chunks(u.size(0), mean.size(0) + 2 * u.size(1))
    ]
    return torch.cat(parts) if parts else u.new_zeros(0)


def meta_logsumexp_backward(
    grad: Tensor,
    lse: Tensor,
    u: Tensor,
    count: Tensor,
    mean: Tensor,
    cov: Tensor | None,
    tau: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients to ``u``, ``mean`` and ``cov`` (empty without ``cov``)."""
    half = 0.5 * tau * tau
    grad_u, grad_mean = torch.zeros_like(u), torch.zeros_like(mean)
    grad_cov = u.new_zeros(0) if cov is None else torch.zeros_like(cov)
    for rows in chunks(u.size(0), mean.size(0) + 2 * u.size(1)):
        part = u[rows]
        logits = _meta_logits(part, count, mean, cov, tau)
        share = grad[rows, None] * exp_minus(logits, lse[rows, None])
        grad_u[rows] = tau * (share @ mean)
        grad_mean += tau * (share.t() @ part)
        if cov is None:
            continue
        for k in range(cov.size(0)):
            weighted = share[:, k, None] * part
            grad_u[rows] += half * (weighted @ (cov[k] + cov[k].t()))
            grad_cov[k] += half * (weighted.t() @ part)
    return grad_u, grad_mean, grad_cov
