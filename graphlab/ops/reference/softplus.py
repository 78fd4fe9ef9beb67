"""Definition of the sums of softplus over all pairs of rows."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.reference.rows import chunks


def pairwise_softplus(x: Tensor, y: Tensor) -> Tensor:
    """``sum_j log(1 + exp(<x_i, y_j>))`` for every row of x, ``(rows of x,)``."""
    out = x.new_empty(x.size(0))
    for rows in chunks(x.size(0), y.size(0)):
        # By logsigmoid, as torch's softplus(x) is x itself from 20 on and drops the rest.
        out[rows] = -torch.nn.functional.logsigmoid(-(x[rows] @ y.t())).sum(1)
    return out


def pairwise_softplus_backward(
    grad: Tensor, x: Tensor, y: Tensor, x_side: bool, y_side: bool
) -> tuple[Tensor, Tensor]:
    """Gradients to x and to y; one that is not wanted has no rows."""
    grad_x = torch.zeros_like(x) if x_side else x.new_empty(0, x.size(1))
    grad_y = torch.zeros_like(y) if y_side else y.new_empty(0, y.size(1))
    for rows in chunks(x.size(0), y.size(0)):
        share = grad[rows, None] * torch.sigmoid(x[rows] @ y.t())
        if x_side:
            grad_x[rows] = share @ y
        if y_side:
            grad_y += share.t() @ x[rows]
    return grad_x, grad_y
