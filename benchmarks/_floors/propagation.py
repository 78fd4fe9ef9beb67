"""Work of the sparse sums."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, rows_of, size

SQUARE_BLOCK = 16  # columns per partial sum of propagate_squares


def propagate(
    h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None
) -> Work:
    """A multiple of a row per entry; row factors at the end."""
    rows, dim, entries = rowptr.numel() - 1, h.size(1), col.numel()
    flops = entries * dim * _per_value(weight) + (0 if row_scale is None else rows * dim)
    moved = size(rowptr, col, weight, row_scale) + rows * dim * h.element_size()
    return Work(moved, flops, 0, (rows_of(entries, h),))


def propagate_dot(
    h: Tensor,
    other: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
) -> Work:
    """Rows of the sum are used where they arise: one number per row is written."""
    rows, dim, entries = rowptr.numel() - 1, h.size(1), col.numel()
    flops = entries * dim * _per_value(weight) + 2 * rows * dim
    flops += 0 if row_scale is None else rows
    moved = size(other, rowptr, col, weight, row_scale) + rows * _wide(h)
    return Work(moved, flops, 0, (rows_of(entries, h),))


def propagate_merge(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
    normalize: bool,
    squares: Tensor | None,
) -> Work:
    """Powers one after the other; the last one need not be stored."""
    base = _powers(start, rowptr, col, weight, row_scale, coefficients)
    used, norms = _used(coefficients), normalize and squares is None
    flops = used * start.numel() * (4 if norms else 2)
    moved = start.numel() * _wide(start) + size(squares)
    return Work(base.bytes + moved, base.flops + flops, 0, base.gathers)


def propagate_squares(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
) -> Work:
    """Powers one after the other; sums of squares of 16 columns are written in float64."""
    base = _powers(start, rowptr, col, weight, row_scale, coefficients)
    used, blocks = _used(coefficients), -(-start.size(1) // SQUARE_BLOCK)
    moved = used * start.size(0) * blocks * 8
    return Work(base.bytes + moved, base.flops + 2 * used * start.numel(), 0, base.gathers)


def _powers(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
) -> Work:
    steps = max((k for k, c in enumerate(coefficients) if c != 0), default=0)
    if steps == 0:
        return Work(size(start))
    one = propagate(start, rowptr, col, weight, row_scale)
    return Work(steps * one.bytes - size(start), steps * one.flops, 0, steps * one.gathers)


def _used(coefficients: list[float]) -> int:
    return sum(c != 0 for c in coefficients)


def _per_value(weight: Tensor | None) -> int:
    return 1 if weight is None else 2


def _wide(tensor: Tensor) -> int:
    return max(4, tensor.element_size())  # bfloat16 sums are float32
