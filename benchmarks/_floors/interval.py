"""Work of the interval operators."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from benchmarks._floors.work import Gather, Work, rows_of, size


def interval_propagate(
    low: Tensor,
    high: Tensor,
    rowptr: Tensor,
    col: Tensor,
    entry_low: Tensor,
    entry_high: Tensor,
    *transpose: Tensor,
) -> Work:
    """Both ends of a row per entry."""
    rows, dim, entries = rowptr.numel() - 1, low.size(1), col.numel()
    moved = size(rowptr, col, entry_low, entry_high) + 2 * rows * dim * low.element_size()
    return Work(moved, 4 * entries * dim, 0, (rows_of(entries, low, high),))


def interval_propagate_backward(
    grad_low: Tensor,
    grad_high: Tensor,
    low: Tensor,
    high: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_low_t: Tensor,
    entry_high_t: Tensor,
) -> Work:
    """Both gradients of a row per entry of the transpose; signs of the ends are read in order."""
    entries, dim = col_t.numel(), low.size(1)
    moved = size(rowptr_t, col_t, entry_low_t, entry_high_t) + 2 * size(low, high)
    return Work(moved, 4 * entries * dim, 0, (rows_of(entries, grad_low, grad_high),))


def edge_bound(
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    *transpose: Tensor,
) -> Work:
    """One dot product per entry, two with radii."""
    entries, dim = col.numel(), weight.size(1)
    moved = size(weight, rowptr, col) + entries * weight.element_size()
    flops = entries * dim * (2 if radius is None else 4)
    return Work(moved, flops, 0, (rows_of(entries, center, radius),))


def edge_bound_backward(
    grad: Tensor,
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Work:
    """Sums over the rows and over the columns of the pattern, without atomics."""
    entries, dim = col.numel(), weight.size(1)
    moved = size(rowptr, col, rowptr_t, col_t, entry_t, grad, weight, center, radius)
    flops = entries * dim * (4 if radius is None else 8)
    reads = (rows_of(entries, center, radius), rows_of(entries, weight), rows_of(entries, grad))
    return Work(moved, flops, 0, reads)


def budget_minimum(
    value: Tensor,
    rowptr: Tensor,
    col: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size_: Tensor,
    budget: Tensor,
    *rest: Any,
) -> Work:
    """A multiple of a row per entry; the search for the largest ones is not counted."""
    rows, dim, entries = rowptr.numel() - 1, value.size(1), col.numel()
    moved = size(rowptr, col, kind, size_, budget) + 4 * rows * dim * value.element_size()
    return Work(moved, 2 * entries * dim, 0, (rows_of(entries, value, positive, negative),))


def budget_minimum_backward(
    grad: Tensor,
    value: Tensor,
    choice: Tensor,
    rowptr: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size_: Tensor,
    power: float,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Work:
    """Gradient and the three numbers of the choice per entry of the transpose."""
    entries, dim = col_t.numel(), value.size(1)
    moved = size(rowptr_t, col_t, entry_t, kind, positive, negative) + 2 * size(value)
    table = size(grad, choice, size_)
    row = Gather(entries, table // max(1, rowptr.numel() - 1), table)
    return Work(moved, 3 * entries * dim, 0, (row,))
