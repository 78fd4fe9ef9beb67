"""Definition of the log-sum-exp over all pairs of rows."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.reference.rows import chunks

#: How the pair (i, i) is treated.
KEEP, EXCLUDE, ZERO = 0, 1, 2


def _logits(a: Tensor, b: Tensor, rows: slice, scale: float, diagonal: int) -> Tensor:
    logits = scale * (a[rows] @ b.t())
    if diagonal == KEEP:
        return logits
    fill = float("-inf") if diagonal == EXCLUDE else 0.0
    return logits.masked_fill(_on_diagonal(rows, logits), fill)


def _on_diagonal(rows: slice, block: Tensor) -> Tensor:
    i = torch.arange(rows.start, rows.stop, device=block.device).unsqueeze(1)
    return i == torch.arange(block.size(1), device=block.device)


def _row_logsumexp(
    a: Tensor, b: Tensor, b_weight: Tensor | None, scale: float, diagonal: int
) -> Tensor:
    bias = None if b_weight is None else b_weight.log()
    out = a.new_empty(a.size(0))
    # Written into one tensor: small results kept between large temporaries would keep the memory of
    # these from being given back.
    for rows in chunks(a.size(0), b.size(0)):
        logits = _logits(a, b, rows, scale, diagonal)
        out[rows] = torch.logsumexp(logits if bias is None else logits + bias, dim=1)
    return out


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
) -> tuple[Tensor, Tensor]:
    """Log-sum-exp of ``scale <x_i, y_j>`` over j (weights of y) and over i (weights of x)."""
    row_lse = _row_logsumexp(x, y, y_weight, scale, diagonal)
    if not columns:
        return row_lse, x.new_zeros(0)
    return row_lse, _row_logsumexp(y, x, x_weight, scale, diagonal)


def pairwise_logsumexp_backward(
    a: Tensor,
    b: Tensor,
    row_grad: Tensor | None,
    row_lse: Tensor | None,
    b_weight: Tensor | None,
    col_grad: Tensor | None,
    col_lse: Tensor | None,
    a_weight: Tensor | None,
    scale: float,
    diagonal: int,
) -> Tensor:
    """Gradient to ``a`` of its rows' and of b's columns' log-sum-exps, ``(rows of a, D)``."""
    out = torch.zeros_like(a)
    for rows in chunks(a.size(0), b.size(0)):
        logits = _logits(a, b, rows, scale, diagonal)
        share = torch.zeros_like(logits)
        if row_grad is not None and row_lse is not None:
            weight = 1.0 if b_weight is None else b_weight
            share += row_grad[rows, None] * weight * exp_minus(logits, row_lse[rows, None])
        if col_grad is not None and col_lse is not None:
            weight = 1.0 if a_weight is None else a_weight[rows, None]
            share += col_grad * weight * exp_minus(logits, col_lse)
        if diagonal != KEEP:
            share = share.masked_fill(_on_diagonal(rows, share), 0.0)
        out[rows] = scale * (share @ b)
    return out


def pairwise_logsumexp_gradients(
    a: Tensor,
    b: Tensor,
    row_grad: Tensor | None,
    row_lse: Tensor | None,
    b_weight: Tensor | None,
    col_grad: Tensor | None,
    col_lse: Tensor | None,
    a_weight: Tensor | None,
    scale: float,
    diagonal: int,
) -> tuple[Tensor, Tensor]:
    """Gradients to ``a`` and to ``b`` of the log-sum-exps of both."""
    rows, cols = (row_grad, row_lse, b_weight), (col_grad, col_lse, a_weight)
    return (
        pairwise_logsumexp_backward(a, b, *rows, *cols, scale, diagonal),
        pairwise_logsumexp_backward(b, a, *cols, *rows, scale, diagonal),
    )


def exp_minus(logits: Tensor, lse: Tensor) -> Tensor:
    """``exp(logits - lse)``, and 0 where the sum was empty (``lse = -inf``)."""
    empty = lse == float("-inf")
    return torch.exp(logits - lse.masked_fill(empty, 0.0)).masked_fill(empty, 0.0)


def self_logsumexp(x: Tensor, weight: Tensor | None, scale: float, diagonal: int) -> Tensor:
    """:func:`pairwise_logsumexp` of ``x`` with itself, rows only."""
    return _row_logsumexp(x, x, weight, scale, diagonal)
