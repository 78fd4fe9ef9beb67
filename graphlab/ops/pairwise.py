"""Tiled log-sum-exp over all pairs of rows: exact negatives in linear memory.

InfoNCE, GRACE, the exact host loss of PamC and CLIP all build on these operators. The N x M matrix
of logits is never stored: the forward pass keeps one number per row, the backward pass computes
the logits again tile by tile.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from graphlab._autograd import refuse_transforms
from graphlab._checks import (
    check_choice,
    check_matrix,
    check_no_negative,
    check_real,
    check_same_device,
    check_tensor,
)
from graphlab._precision import widened
from graphlab.ops import reference
from graphlab.ops.library import call, define, needs_grad
from graphlab.ops.tensor_cores import pairs

__all__ = ["pairwise_logsumexp", "self_logsumexp"]

_DIAGONAL = {"keep": reference.KEEP, "exclude": reference.EXCLUDE, "zero": reference.ZERO}


def _pair_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, y, x_weight, y_weight, scale, diagonal, columns = inputs
    ctx.save_for_backward(x, y, x_weight, y_weight, *output)
    ctx.options = (scale, diagonal)
    ctx.columns = columns


def _pair_backward(ctx: Any, row_grad: Tensor, col_grad: Tensor) -> tuple[Tensor | None, ...]:
    x, y, x_weight, y_weight, row_lse, col_lse = ctx.saved_tensors
    rows = (row_grad.contiguous(), row_lse, y_weight)
    cols = (col_grad.contiguous(), col_lse, x_weight) if ctx.columns else (None, None, None)
    x_wanted, y_wanted = needs_grad(ctx, (0, 1))
    if x_wanted and y_wanted:  # one pass: the logits are computed once
        grads = call("pairwise_logsumexp_gradients", x, y, *rows, *cols, *ctx.options)
        return *grads, None, None, None, None, None
    backward = partial(call, "pairwise_logsumexp_backward")
    grad_x = backward(x, y, *rows, *cols, *ctx.options) if x_wanted else None
    grad_y = backward(y, x, *cols, *rows, *ctx.options) if y_wanted else None
    return grad_x, grad_y, None, None, None, None, None


def _self_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, scale, diagonal = inputs
    ctx.save_for_backward(x, weight, output)
    ctx.options = (scale, diagonal)


def _self_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight, lse = ctx.saved_tensors
    side = (grad.contiguous(), lse, weight)
    # x is both sides of the symmetric logits: one pass serves the row and the column role.
    backward = partial(call, "pairwise_logsumexp_backward")
    return backward(x, x, *side, *side, *ctx.options), None, None, None


def _pair_fake(
    x: Tensor, y: Tensor, xw: Any, yw: Any, scale: float, diagonal: int, columns: bool
) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0]), x.new_empty(y.shape[0] if columns else 0)


define(
    "pairwise_logsumexp(Tensor x, Tensor y, Tensor? x_weight, Tensor? y_weight, float scale, "
    "int diagonal, bool columns) -> (Tensor, Tensor)",
    reference.pairwise_logsumexp,
    _pair_fake,
    setup_context=_pair_setup,
    backward=_pair_backward,
)
define(
    "pairwise_logsumexp_backward(Tensor a, Tensor b, Tensor? row_grad, Tensor? row_lse, "
    "Tensor? b_weight, Tensor? col_grad, Tensor? col_lse, Tensor? a_weight, float scale, "
    "int diagonal) -> Tensor",
    reference.pairwise_logsumexp_backward,
    lambda a, *_: torch.empty_like(a, memory_format=torch.contiguous_format),
)
define(
    "pairwise_logsumexp_gradients(Tensor a, Tensor b, Tensor? row_grad, Tensor? row_lse, "
    "Tensor? b_weight, Tensor? col_grad, Tensor? col_lse, Tensor? a_weight, float scale, "
    "int diagonal) -> (Tensor, Tensor)",
    reference.pairwise_logsumexp_gradients,
    lambda a, b, *_: tuple(
        torch.empty_like(side, memory_format=torch.contiguous_format) for side in (a, b)
    ),
)
define(
    "self_logsumexp(Tensor x, Tensor? weight, float scale, int diagonal) -> Tensor",
    reference.self_logsumexp,
    lambda x, *_: x.new_empty(x.shape[0]),
    setup_context=_self_setup,
    backward=_self_backward,
)


def _check_weight(weight: Tensor | None, rows: int, name: str) -> None:
    if weight is None:
        return
    check_tensor(weight, name)
    if weight.dim() != 1 or weight.numel() != rows:
        raise ValueError(f"{name} must have shape ({rows},), got {tuple(weight.shape)}")
    if weight.requires_grad:
        raise ValueError(f"{name} must not require a gradient: weights are constants here")
    check_no_negative(weight, name)


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    *,
    scale: float = 1.0,
    x_weight: Tensor | None = None,
    y_weight: Tensor | None = None,
    diagonal: Literal["keep", "exclude", "zero"] = "keep",
    columns: bool = False,
    precision: pairs.Precision = "float32",
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Log-sum-exp over all pairs of rows of two matrices, without storing the pairs.

    .. math:: r_i = \log \sum_j v_j \exp(\sigma \langle x_i, y_j \rangle), \qquad
        c_j = \log \sum_i w_i \exp(\sigma \langle x_i, y_j \rangle)

    For cosines pass :func:`graphlab.ops.unit_rows` of the matrices. For a learnable scale multiply
    ``x`` by it.

    Args:
        x (Tensor): Floating point ``(N, D)``; half precision is read as float32.
        y (Tensor): Floating point ``(M, D)``.
        scale (float): :math:`\sigma`, finite.
        x_weight (Tensor, optional): Non-negative weights w of the rows of x, ``(N,)``; constants.
        y_weight (Tensor, optional): Non-negative weights v of the rows of y, ``(M,)``; constants.
        diagonal (str): What to do with pairs (i, i): ``"keep"``, ``"exclude"`` them, or count
            them with logit ``"zero"``.
        columns (bool): Also return the normalisers c of the columns.
        precision (str): What products may round to where they run on the tensor cores of a GPU, for
            float32 rows of at most 512 columns: ``"float32"`` (three products in TF32 each, whose
            error is that of float32), ``"tf32"`` (10 bits: a logit of 50 is off by 0.02) or
            ``"bfloat16"`` (7 bits). Everywhere else products are those of the rows' own type.

    Returns:
        Tensor or tuple: r ``(N,)``, or ``(r, c)`` with c ``(M,)``; ``-inf`` for an empty sum.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N M D) time, O(N + M) memory forward, O((N + M) D) backward.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    x = check_matrix(x, "x", finite=False)
    y = check_matrix(y, "y", cols=x.size(1), finite=False)
    check_same_device(x=x, y=y, x_weight=x_weight, y_weight=y_weight)
    _check_weight(x_weight, x.size(0), "x_weight")
    _check_weight(y_weight, y.size(0), "y_weight")
    dtype = torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32
    mode = _DIAGONAL[check_choice(diagonal, "diagonal", tuple(_DIAGONAL))]
    check_choice(precision, "precision", get_args(pairs.Precision))
    x, y = x.to(dtype), y.to(dtype)
    x_weight, y_weight = (None if w is None else w.to(dtype) for w in (x_weight, y_weight))
    rules = check_real(scale, "scale"), mode, columns
    if pairs.usable(x, y):
        refuse_transforms("pairwise_logsumexp")
        row, col = pairs.pairwise_logsumexp(x, y, x_weight, y_weight, *rules, precision)
    else:
        row, col = call("pairwise_logsumexp", x, y, x_weight, y_weight, *rules)
    return (row, col) if columns else row


def self_logsumexp(
    x: Tensor,
    *,
    weight: Tensor | None = None,
    scale: float = 1.0,
    diagonal: Literal["keep", "exclude", "zero"] = "exclude",
    precision: pairs.Precision = "float32",
) -> Tensor:
    r"""Log-sum-exp over all pairs of rows of one matrix; half the work of two separate sides.

    .. math:: r_i = \log \sum_j w_j \exp(\sigma \langle x_i, x_j \rangle)

    Args:
        x (Tensor): Floating point ``(N, D)``; half precision is read as float32.
        weight (Tensor, optional): Non-negative weights ``(N,)``; constants.
        scale (float): :math:`\sigma`, finite.
        diagonal (str): Pairs (i, i): ``"exclude"``, ``"keep"``, or ``"zero"`` (logit zero).
        precision (str): As for :func:`pairwise_logsumexp`.

    Returns:
        Tensor: r ``(N,)``; ``-inf`` for an empty sum.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N^2 D) time, O(N) memory forward, O(N D) backward.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    x = widened(check_matrix(x, "x", finite=False))
    check_same_device(x=x, weight=weight)
    _check_weight(weight, x.size(0), "weight")
    weight = None if weight is None else weight.to(x.dtype)
    mode = _DIAGONAL[check_choice(diagonal, "diagonal", tuple(_DIAGONAL))]
    check_choice(precision, "precision", get_args(pairs.Precision))
    rules = check_real(scale, "scale"), mode
    if pairs.usable(x):
        refuse_transforms("self_logsumexp")
        return pairs.self_logsumexp(x, weight, *rules, precision)
    out: Tensor = call("self_logsumexp", x, weight, *rules)
    return out
