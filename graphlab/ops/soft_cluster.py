"""Second moments of clusters whose members have weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import refuse_transforms
from graphlab._precision import full_precision

__all__ = ["soft_cluster_outer"]


def soft_cluster_outer(x: Tensor, weight: Tensor) -> Tensor:
    r"""Weighted second moments :math:`\sum_i q_{ik} \, x_i x_i^\top` of checked arguments.

    The counterpart of :func:`graphlab.ops.cluster_outer` for soft assignments.

    Args:
        x (Tensor): Rows, floating point ``(N, D)``.
        weight (Tensor): q, ``(N, K)`` in the dtype of ``x``; a constant in all derivatives.

    Returns:
        Tensor: ``(K, D, D)``. The gradient flows to ``x``.

    Complexity: O(N K D^2) time; O(N D + K D^2) memory.
    """
    refuse_transforms("soft_cluster_outer")
    out: Tensor = _SoftOuter.apply(x, weight)  # type: ignore[no-untyped-call]
    return out


class _SoftOuter(torch.autograd.Function):
    """Weighted second moments ``(K, D, D)``, without a weighted copy of the rows per cluster."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, soft: Tensor) -> Tensor:
        ctx.save_for_backward(rows, soft)
        return torch.stack([(rows * weight[:, None]).t() @ rows for weight in soft.unbind(1)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        rows, soft = ctx.saved_tensors
        out = torch.zeros_like(rows)
        with full_precision(rows):
            for weight, outer in zip(soft.unbind(1), grad, strict=True):
                out += (rows @ (outer + outer.t())).mul_(weight[:, None])
        return out, None
