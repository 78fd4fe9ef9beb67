"""Work of the sums over edges."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, rows_of, size


def edge_cosine_sum(call: Call) -> Work:
    """Unit rows: 3 N D; a dot product and a sum per entry. What a CPU keeps is not counted."""
    nodes, dim = call.z.shape
    entries = call.col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(call.rowptr, call.col, call.weight) + nodes * call.z.element_size()
    return Work(moved, flops, entries, (rows_of(entries, call.z),))


def edge_cosine_sum_backward(call: Call) -> Work:
    """The dot products again, a multiple of a row per entry, and the projection of every row."""
    nodes, dim = call.z.shape
    entries = call.col.numel()
    flops = 8 * nodes * dim + entries * (4 * dim + 5)
    moved = size(call.rowptr, call.col, call.weight, call.weight_t, call.z)
    tables = (call.z, call.grad) if call.weight_t is not None else (call.z, call.grad, call.scale)
    return Work(moved, flops, entries, (rows_of(entries, *tables),))


def edge_cosine_weight_grad(call: Call) -> Work:
    """A dot product per entry, which is written."""
    nodes, dim = call.z.shape
    entries = call.col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(call.rowptr, call.col, call.grad) + entries * call.z.element_size()
    return Work(moved, flops, entries, (rows_of(entries, call.z),))
