"""Work of the sparse sums."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Call, Work, rows_of, size

SQUARE_BLOCK = 16  # columns per partial sum of propagate_squares


def propagate(call: Call) -> Work:
    """A multiple of a row per entry; row factors at the end."""
    rows, dim, entries = call.rowptr.numel() - 1, call.h.size(1), call.col.numel()
    flops = entries * dim * _per_value(call.weight) + (0 if call.row_scale is None else rows * dim)
    moved = (
        size(call.rowptr, call.col, call.weight, call.row_scale)
        + rows * dim * call.h.element_size()
    )
    return Work(moved, flops, 0, (rows_of(entries, call.h),))


def propagate_dot(call: Call) -> Work:
    """Rows of the sum are used where they arise: one number per row is written."""
    rows, dim, entries = call.rowptr.numel() - 1, call.h.size(1), call.col.numel()
    flops = entries * dim * _per_value(call.weight) + 2 * rows * dim
    flops += 0 if call.row_scale is None else rows
    moved = size(call.other, call.rowptr, call.col, call.weight, call.row_scale) + rows * _wide(
        call.h
    )
    return Work(moved, flops, 0, (rows_of(entries, call.h),))


def propagate_merge(call: Call) -> Work:
    """Powers one after the other; the last one need not be stored."""
    base = _powers(call)
    used, norms = _used(call.coefficients), call.normalize and call.squares is None
    flops = used * call.start.numel() * (4 if norms else 2)
    moved = call.start.numel() * _wide(call.start) + size(call.squares)
    return Work(base.bytes + moved, base.flops + flops, 0, base.gathers)


def propagate_squares(call: Call) -> Work:
    """Powers one after the other; sums of squares of 16 columns are written in float64."""
    base = _powers(call)
    used, blocks = _used(call.coefficients), -(-call.start.size(1) // SQUARE_BLOCK)
    moved = used * call.start.size(0) * blocks * 8
    return Work(base.bytes + moved, base.flops + 2 * used * call.start.numel(), 0, base.gathers)


def _powers(call: Call) -> Work:
    steps = max((k for k, c in enumerate(call.coefficients) if c != 0), default=0)
    if steps == 0:
        return Work(size(call.start))
    one = propagate(Call(h=call.start, **vars(call)))
    return Work(steps * one.bytes - size(call.start), steps * one.flops, 0, steps * one.gathers)


def _used(coefficients: list[float]) -> int:
    return sum(c != 0 for c in coefficients)


def _per_value(weight: Tensor | None) -> int:
    return 1 if weight is None else 2


def _wide(tensor: Tensor) -> int:
    return max(4, tensor.element_size())  # bfloat16 sums are float32
