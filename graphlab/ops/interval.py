"""Sparse products whose entries are only known to lie in intervals, and dot products over edges."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_full_precision,
    check_matrix,
    check_nonnegative,
    check_range,
    check_same_device,
    check_tensor,
    values_visible,
)
from graphlab.ops import reference
from graphlab.ops.csr import SparseRows, check_rows
from graphlab.ops.library import define

__all__ = ["budget_minimum", "edge_bound", "interval_propagate"]


# --- interval_propagate --------------------------------------------------------------------------


def _interval_setup(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    low, high, _, _, _, _, *transpose = inputs
    ctx.save_for_backward(low, high, *transpose)


def _interval_backward(ctx: Any, grad_low: Tensor, grad_high: Tensor) -> tuple[Any, ...]:
    low, high = torch.ops.graphlab.interval_propagate_backward(
        grad_low.contiguous(), grad_high.contiguous(), *ctx.saved_tensors
    )
    return (low, high, *(None,) * 8)


_ENTRIES = "Tensor rowptr, Tensor col, Tensor entry_low, Tensor entry_high"
_ENTRIES_T = "Tensor rowptr_t, Tensor col_t, Tensor entry_low_t, Tensor entry_high_t"
define(
    f"interval_propagate(Tensor low, Tensor high, {_ENTRIES}, {_ENTRIES_T}) -> (Tensor, Tensor)",
    reference.interval_propagate,
    lambda low, high, rowptr, *_: (
        low.new_empty((rowptr.shape[0] - 1, low.shape[1])),
        low.new_empty((rowptr.shape[0] - 1, low.shape[1])),
    ),
    setup_context=_interval_setup,
    backward=_interval_backward,
)
define(
    "interval_propagate_backward(Tensor grad_low, Tensor grad_high, Tensor low, Tensor high, "
    f"{_ENTRIES_T}) -> (Tensor, Tensor)",
    reference.interval_propagate_backward,
    lambda grad_low, grad_high, low, high, *_: (
        low.new_empty(low.shape),
        high.new_empty(high.shape),
    ),
)


def interval_propagate(
    low: Tensor, high: Tensor, pattern: SparseRows, entry_low: Tensor, entry_high: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Bounds of a sparse product when entries and factors are known up to intervals.

    .. math:: L_i = \sum_j \underline a_{ij} (\underline h_j)^+ + \overline a_{ij}
        (\underline h_j)^-, \qquad
        U_i = \sum_j \overline a_{ij} (\overline h_j)^+ + \underline a_{ij} (\overline h_j)^-

    Args:
        low (Tensor): Lower ends, ``(M, D)`` float32 or float64.
        high (Tensor): Upper ends, ``(M, D)``.
        pattern (SparseRows): Positions of the entries: N rows, M columns, E entries.
        entry_low (Tensor): Non-negative lower ends of the entries, ``(E,)``. No gradient.
        entry_high (Tensor): Upper ends of the entries, ``(E,)``. No gradient.

    Returns:
        tuple: L and U, ``(N, D)`` each. The gradient flows to ``low`` and ``high``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(E D) time; nothing of size E D is stored.
    Determinism: bitwise for a given device where compiled, whatever the number of threads.
    """
    check_rows(pattern, "pattern")
    _check_values(low, "low", rows=pattern.num_cols)
    check_matrix(high, "high", rows=pattern.num_cols, cols=low.size(1), finite=False)
    dtype = low.dtype
    entry_low = _vector(entry_low, "entry_low", pattern.num_edges, dtype)
    entry_high = _vector(entry_high, "entry_high", pattern.num_edges, dtype)
    check_same_device(low=low, high=high, rowptr=pattern.rowptr, entry_low=entry_low)
    pattern.check_values()
    rowptr_t, col_t, entry_t = pattern.transposed
    order = entry_t.long()
    out: tuple[Tensor, Tensor] = torch.ops.graphlab.interval_propagate(
        low.contiguous(),
        high.to(dtype).contiguous(),
        pattern.rowptr,
        pattern.col,
        entry_low,
        entry_high,
        rowptr_t,
        col_t,
        entry_low[order],
        entry_high[order],
    )
    return out


# --- edge_bound ----------------------------------------------------------------------------------


def _dot_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _dot_backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    radius = ctx.saved_tensors[2]
    weight, center, spread = torch.ops.graphlab.edge_bound_backward(
        grad.contiguous(), *ctx.saved_tensors
    )
    return (weight, center, None if radius is None else spread, *(None,) * 5)


def _dot_backward_fake(
    grad: Tensor, weight: Tensor, center: Tensor, radius: Tensor | None, *_: Any
) -> tuple[Tensor, Tensor, Tensor]:
    spread = center.new_empty(0) if radius is None else radius.new_empty(radius.shape)
    return weight.new_empty(weight.shape), center.new_empty(center.shape), spread


_PATTERN = "Tensor rowptr, Tensor col, Tensor rowptr_t, Tensor col_t, Tensor entry_t"
define(
    f"edge_bound(Tensor weight, Tensor center, Tensor? radius, {_PATTERN}) -> Tensor",
    reference.edge_bound,
    lambda weight, center, radius, rowptr, col, *_: weight.new_empty((col.shape[0],)),
    setup_context=_dot_setup,
    backward=_dot_backward,
)
define(
    "edge_bound_backward(Tensor grad, Tensor weight, Tensor center, Tensor? radius, "
    f"{_PATTERN}) -> (Tensor, Tensor, Tensor)",
    reference.edge_bound_backward,
    _dot_backward_fake,
)


def edge_bound(
    weight: Tensor, center: Tensor, radius: Tensor | None, pattern: SparseRows
) -> Tensor:
    r"""Smallest dot product per entry when the second factor lies in a box.

    .. math:: s_{ij} = \langle w_i, c_j \rangle - \langle |w_i|, r_j \rangle
        = \min_{|h - c_j| \le r_j} \langle w_i, h \rangle

    Args:
        weight (Tensor): ``(N, D)`` float32 or float64.
        center (Tensor): ``(M, D)``.
        radius (Tensor, optional): Non-negative ``(M, D)``; zero when missing.
        pattern (SparseRows): Entries (i, j), N rows, M columns.

    Returns:
        Tensor: ``(E,)``. The gradient flows to all three.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(E D) time, O(E) memory.
    Determinism: bitwise for a given device where compiled, whatever the number of threads.
    """
    check_rows(pattern, "pattern")
    _check_values(weight, "weight", rows=pattern.num_rows)
    cols = weight.size(1)
    check_matrix(center, "center", rows=pattern.num_cols, cols=cols, finite=False)
    if radius is not None:
        check_matrix(radius, "radius", rows=pattern.num_cols, cols=cols, finite=False)
        radius = radius.to(weight.dtype).contiguous()
    check_same_device(weight=weight, center=center, radius=radius, rowptr=pattern.rowptr)
    pattern.check_values()
    out: Tensor = torch.ops.graphlab.edge_bound(
        weight.contiguous(),
        center.to(weight.dtype).contiguous(),
        radius,
        pattern.rowptr,
        pattern.col,
        *pattern.transposed,
    )
    return out


# --- budget_minimum ------------------------------------------------------------------------------


def _budget_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    value, rowptr, _, kind, positive, negative, size, _, power, *transpose = inputs
    ctx.mark_non_differentiable(output[1])
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(value, output[1], rowptr, kind, positive, negative, size, *transpose)
    ctx.power = power


def _budget_backward(ctx: Any, grad: Tensor | None, _: Any) -> tuple[Any, ...]:
    if grad is None:
        return (None,) * 12
    *first, rowptr_t, col_t, entry_t = ctx.saved_tensors
    out = torch.ops.graphlab.budget_minimum_backward(
        grad.contiguous(), *first, ctx.power, rowptr_t, col_t, entry_t
    )
    return (out, *(None,) * 11)


_FACTORS = "Tensor positive, Tensor negative, Tensor size"
_T = "Tensor rowptr_t, Tensor col_t, Tensor entry_t"
define(
    f"budget_minimum(Tensor value, Tensor rowptr, Tensor col, Tensor kind, {_FACTORS}, "
    f"Tensor budget, float power, {_T}) -> (Tensor, Tensor)",
    reference.budget_minimum,
    lambda value, rowptr, *_: (
        value.new_empty((rowptr.shape[0] - 1, value.shape[1])),
        value.new_empty((3, rowptr.shape[0] - 1, value.shape[1])),
    ),
    setup_context=_budget_setup,
    backward=_budget_backward,
)
define(
    "budget_minimum_backward(Tensor grad, Tensor value, Tensor choice, Tensor rowptr, "
    f"Tensor kind, {_FACTORS}, float power, {_T}) -> Tensor",
    reference.budget_minimum_backward,
    lambda grad, value, *_: value.new_empty(value.shape),
)


def budget_minimum(
    value: Tensor,
    pattern: SparseRows,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size: Tensor,
    budget: Tensor,
    *,
    power: float,
) -> Tensor:
    r"""Smallest normalised row sum when a limited number of entries may be missing.

    .. math:: \min_{n \le q_i} \; m^{-p} \Bigl(\sum_j e_j - \text{the n largest droppable } e_j
        \Bigr) + v_{\text{own}} / m, \qquad m = \max(s_i - n, 1)

    with :math:`e_j = v_j f_j`, where f is ``positive`` for :math:`v_j \ge 0`, else ``negative``.
    Exact: the minimum over all sets of at most q entries.

    Args:
        value (Tensor): v, ``(M, D)`` float32 or float64. The gradient flows to it alone.
        pattern (SparseRows): Positions of the entries: N rows, M columns, E entries.
        kind (Tensor): int8 ``(E,)``: 0 for an entry that stays, 1 for one that may be missing,
            2 for the row's own term (outside of the sum, never missing).
        positive (Tensor): Non-negative ``(M,)``.
        negative (Tensor): Non-negative ``(M,)``.
        size (Tensor): s, ``(N,)``.
        budget (Tensor): q, non-negative int64 ``(N,)``; beyond the droppable entries it is cut.
        power (float): p, non-negative.

    Returns:
        Tensor: ``(N, D)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(E D log E) time at most; O(N D) memory and a bounded buffer.
    Determinism: bitwise for a given device where compiled, whatever the number of threads.
    """
    check_rows(pattern, "pattern")
    _check_values(value, "value", rows=pattern.num_cols)
    dtype, columns = value.dtype, pattern.num_cols
    kind = check_tensor(kind, "kind")
    if kind.dtype != torch.int8 or kind.shape != pattern.col.shape:
        raise ValueError(f"kind must be int8 of shape ({pattern.num_edges},), got {kind.dtype}")
    check_range(kind, 3, "kind")
    check_same_device(value=value, rowptr=pattern.rowptr, kind=kind, budget=budget)
    if budget.dtype != torch.int64 or budget.shape != (pattern.num_rows,):
        raise ValueError(
            f"budget must be int64 of shape ({pattern.num_rows},), "
            f"got {budget.dtype} {tuple(budget.shape)}"
        )
    if values_visible(budget) and budget.numel() and int(budget.min()) < 0:
        row = int(budget.argmin())
        raise ValueError(f"budget must not be negative, but budget[{row}] = {int(budget[row])}")
    pattern.check_values()
    out, _ = torch.ops.graphlab.budget_minimum(
        value.contiguous(),
        pattern.rowptr,
        pattern.col,
        kind,
        _vector(positive, "positive", columns, dtype),
        _vector(negative, "negative", columns, dtype),
        _vector(size, "size", pattern.num_rows, dtype),
        budget,
        check_nonnegative(power, "power"),
        *pattern.transposed,
    )
    result: Tensor = out
    return result


def _check_values(value: Tensor, name: str, *, rows: int) -> None:
    """A matrix in the dtype of the sums: bounds in half precision would not hold."""
    check_full_precision(check_matrix(value, name, rows=rows, finite=False), name)


def _vector(value: Tensor, name: str, length: int, dtype: torch.dtype) -> Tensor:
    """A vector of constants in the dtype of the sums."""
    if not check_tensor(value, name).is_floating_point() or value.shape != (length,):
        raise ValueError(
            f"{name} must be floating point of shape ({length},), "
            f"got {value.dtype} {tuple(value.shape)}"
        )
    return value.detach().to(dtype).contiguous()
