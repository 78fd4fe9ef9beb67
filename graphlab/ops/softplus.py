"""Sums of softplus over all pairs of rows: binary cross entropy against everything."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab._checks import check_matrix, check_same_device
from graphlab._precision import widened_together
from graphlab.ops import reference
from graphlab.ops.library import call, define, needs_grad

__all__ = ["pairwise_softplus"]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
    x, y = ctx.saved_tensors
    sides = needs_grad(ctx, (0, 1))
    grads = call("pairwise_softplus_backward", grad.contiguous(), x, y, *sides)
    grad_x, grad_y = (g if wanted else None for g, wanted in zip(grads, sides, strict=True))
    return grad_x, grad_y


def _fake_gradients(
    grad: Tensor, x: Tensor, y: Tensor, x_side: bool, y_side: bool
) -> tuple[Tensor, Tensor]:
    return (
        x.new_empty(x.shape[0] if x_side else 0, x.shape[1]),
        y.new_empty(y.shape[0] if y_side else 0, y.shape[1]),
    )


define(
    "pairwise_softplus(Tensor x, Tensor y) -> Tensor",
    reference.pairwise_softplus,
    lambda x, y: x.new_empty(x.shape[0]),
    setup_context=_setup,
    backward=_backward,
)
define(
    "pairwise_softplus_backward(Tensor grad, Tensor x, Tensor y, bool x_side, bool y_side)"
    " -> (Tensor, Tensor)",
    reference.pairwise_softplus_backward,
    _fake_gradients,
)


def pairwise_softplus(x: Tensor, y: Tensor) -> Tensor:
    r"""Sum of softplus over all pairs of rows of two matrices, without storing the pairs.

    .. math:: r_i = \sum_j \log(1 + \exp \langle x_i, y_j \rangle)

    The binary cross entropy of scores :math:`s_{ij} = \langle x_i, y_j \rangle` with labels
    :math:`t_{ij}` is :math:`\sum_j \mathrm{softplus}(s_{ij}) - \sum_j t_{ij} s_{ij}`, whose second
    part has only as many terms as there are positive labels.

    Args:
        x (Tensor): Floating point ``(N, D)``; half precision is read as float32.
        y (Tensor): Floating point ``(M, D)``.

    Returns:
        Tensor: r ``(N,)``, differentiable once in both matrices; 0 for an empty sum. Products may
        have any size; NaN and infinite ones stay visible.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N M D) time, O((N + M) D) memory.
    Determinism: bitwise for a given device, whatever the number of threads.

    Example:
        >>> import torch
        >>> x, y = torch.zeros(1, 2), torch.ones(10, 2)
        >>> f"{pairwise_softplus(x, y).item():.4f}"  # ten times log 2
        '6.9315'
    """
    x = check_matrix(x, "x", finite=False)
    y = check_matrix(y, "y", cols=x.size(1), finite=False)
    check_same_device(x=x, y=y)
    out: Tensor = call("pairwise_softplus", *widened_together(x, y))
    return out
