"""Work of the interval operators."""

from __future__ import annotations

from benchmarks._floors.work import Call, Gather, Work, rows_of, size


def interval_propagate(call: Call) -> Work:
    """Both ends of a row per entry."""
    rows, dim, entries = call.rowptr.numel() - 1, call.low.size(1), call.col.numel()
    moved = (
        size(call.rowptr, call.col, call.entry_low, call.entry_high)
        + 2 * rows * dim * call.low.element_size()
    )
    return Work(moved, 4 * entries * dim, 0, (rows_of(entries, call.low, call.high),))


def interval_propagate_backward(call: Call) -> Work:
    """Both gradients of a row per entry of the transpose; signs of the ends are read in order."""
    entries, dim = call.col_t.numel(), call.low.size(1)
    moved = size(call.rowptr_t, call.col_t, call.entry_low_t, call.entry_high_t) + 2 * size(
        call.low, call.high
    )
    return Work(moved, 4 * entries * dim, 0, (rows_of(entries, call.grad_low, call.grad_high),))


def edge_bound(call: Call) -> Work:
    """One dot product per entry, two with radii."""
    entries, dim = call.col.numel(), call.weight.size(1)
    moved = size(call.weight, call.rowptr, call.col) + entries * call.weight.element_size()
    flops = entries * dim * (2 if call.radius is None else 4)
    return Work(moved, flops, 0, (rows_of(entries, call.center, call.radius),))


def edge_bound_backward(call: Call) -> Work:
    """Sums over the rows and over the columns of the pattern, without atomics."""
    entries, dim = call.col.numel(), call.weight.size(1)
    moved = size(
        call.rowptr,
        call.col,
        call.rowptr_t,
        call.col_t,
        call.entry_t,
        call.grad,
        call.weight,
        call.center,
        call.radius,
    )
    flops = entries * dim * (4 if call.radius is None else 8)
    reads = (
        rows_of(entries, call.center, call.radius),
        rows_of(entries, call.weight),
        rows_of(entries, call.grad),
    )
    return Work(moved, flops, 0, reads)


def budget_minimum(call: Call) -> Work:
    """A multiple of a row per entry; the search for the largest ones is not counted."""
    rows, dim, entries = call.rowptr.numel() - 1, call.value.size(1), call.col.numel()
    moved = (
        size(call.rowptr, call.col, call.kind, call.size, call.budget)
        + 4 * rows * dim * call.value.element_size()
    )
    return Work(
        moved, 2 * entries * dim, 0, (rows_of(entries, call.value, call.positive, call.negative),)
    )


def budget_minimum_backward(call: Call) -> Work:
    """Gradient and the three numbers of the choice per entry of the transpose."""
    entries, dim = call.col_t.numel(), call.value.size(1)
    moved = size(
        call.rowptr_t, call.col_t, call.entry_t, call.kind, call.positive, call.negative
    ) + 2 * size(call.value)
    table = size(call.grad, call.choice, call.size)
    row = Gather(entries, table // max(1, call.rowptr.numel() - 1), table)
    return Work(moved, 3 * entries * dim, 0, (row,))
