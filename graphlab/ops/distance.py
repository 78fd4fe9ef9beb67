"""Squared distances of rows to points, without their differences in memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import refuse_transforms

__all__ = ["squared_distances"]


def squared_distances(x: Tensor, points: Tensor) -> Tensor:
    r"""Squared Euclidean distances :math:`\lVert x_i - p_k \rVert^2` of checked arguments.

    Args:
        x (Tensor): Rows, floating point ``(N, D)``.
        points (Tensor): ``(K, D)``, at least one.

    Returns:
        Tensor: ``(N, K)``, differentiable in both arguments.

    Complexity: O(N K D) time; O(N (D + K)) memory, of which O(N K) stays until the way back.
    """
    refuse_transforms("squared_distance")
    columns = [_SquaredDistance.apply(x, point) for point in points]  # type: ignore[no-untyped-call]
    return torch.stack(columns, dim=1)


class _SquaredDistance(torch.autograd.Function):
    """Squared distances ``(N,)`` to a point; the differences are not kept for the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, point: Tensor) -> Tensor:
        ctx.save_for_backward(x, point)
        # The exact form, not the expanded square, which cancels badly close to a point.
        return (x - point).square().sum(1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, point = ctx.saved_tensors
        pull = grad[:, None] * (2 * (x - point))
        return pull, -pull.sum(0)
