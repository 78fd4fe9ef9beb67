"""Meta-node log-sum-exp: all rows summed through the first two moments of their clusters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_matrix,
    check_no_negative,
    check_positive,
    check_real_dtype,
    check_same_device,
    check_tensor,
)
from graphlab.ops import reference
from graphlab.ops.library import call, define

__all__ = ["meta_logsumexp"]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    u, count, mean, cov, tau = inputs
    ctx.save_for_backward(u, count, mean, cov, output)
    ctx.tau = tau


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    u, count, mean, cov, lse = ctx.saved_tensors
    grad_u, grad_mean, grad_cov = call(
        "meta_logsumexp_backward", grad.contiguous(), lse, u, count, mean, cov, ctx.tau
    )
    return grad_u, None, grad_mean, None if cov is None else grad_cov, None


def _backward_fake(
    grad: Tensor, lse: Tensor, u: Tensor, count: Tensor, mean: Tensor, cov: Any, tau: float
) -> tuple[Tensor, Tensor, Tensor]:
    plain = torch.contiguous_format
    grad_cov = u.new_empty(0) if cov is None else torch.empty_like(cov, memory_format=plain)
    return (
        torch.empty_like(u, memory_format=plain),
        torch.empty_like(mean, memory_format=plain),
        grad_cov,
    )


define(
    "meta_logsumexp(Tensor u, Tensor count, Tensor mean, Tensor? cov, float tau) -> Tensor",
    reference.meta_logsumexp,
    lambda u, *_: u.new_empty(u.shape[0]),
    setup_context=_setup,
    backward=_backward,
)
define(
    "meta_logsumexp_backward(Tensor grad, Tensor lse, Tensor u, Tensor count, Tensor mean, "
    "Tensor? cov, float tau) -> (Tensor, Tensor, Tensor)",
    reference.meta_logsumexp_backward,
    _backward_fake,
)


def meta_logsumexp(
    u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None = None, *, tau: float
) -> Tensor:
    r"""Log-sum-exp of every row against all rows, through cluster moments.

    The sum over the :math:`n_b` members of a cluster is replaced by the first (``cov=None``) or
    the first two cumulants of their projections on the row:

    .. math:: r_i = \log \sum_b n_b \exp\bigl(\tau \langle u_i, m_b \rangle
        + \tfrac{\tau^2}{2} u_i^\top C_b u_i\bigr)

    With unit rows the error of the first form lies in :math:`[-\tau^2 R^2 / 8, 0]`, that of the
    second within :math:`\pm\tau^3 R^3 / (36 \sqrt 3)`, where R is the largest range of the
    projections within a cluster (Jensen and Hoeffding; bounded third cumulant).

    Args:
        u (Tensor): Rows, floating point ``(N, D)``, usually of unit length.
        count (Tensor): Number (or mass) of members, non-negative ``(K,)``; zero leaves a cluster
            out. No gradient flows to it.
        mean (Tensor): Means of the members, ``(K, D)``.
        cov (Tensor, optional): Covariances of the members, ``(K, D, D)``.
        tau (float): Positive inverse temperature.

    Returns:
        Tensor: ``(N,)``; ``-inf`` if every count is zero.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N K D) time without, O(N K D^2) with covariances; O(N + K D^2) memory.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    u = check_matrix(u, "u", finite=False)
    mean = check_matrix(mean, "mean", cols=u.size(1), finite=False)
    size = (mean.size(0), u.size(1), u.size(1))
    count = check_tensor(count, "count")
    if tuple(count.shape) != size[:1]:
        raise ValueError(f"count must have shape {size[:1]}, got {tuple(count.shape)}")
    check_no_negative(count, "count")
    if cov is not None:
        cov = check_tensor(cov, "cov")
        check_real_dtype(cov, "cov")
        if tuple(cov.shape) != size:
            raise ValueError(f"cov must have shape {size}, got {tuple(cov.shape)}")
    check_same_device(u=u, count=count, mean=mean, cov=cov)
    dtype = torch.float64 if torch.float64 in (u.dtype, mean.dtype) else torch.float32
    out: Tensor = call(
        "meta_logsumexp",
        u.to(dtype),
        count.to(dtype),
        mean.to(dtype),
        None if cov is None else cov.to(dtype),
        check_positive(tau, "tau"),
    )
    return out
