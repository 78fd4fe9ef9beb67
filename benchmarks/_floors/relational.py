"""Work of messages over typed edges and of their derivatives."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Call, Gather, Work, rows_of, size


def relational_propagate(call: Call) -> Work:
    """A row of the sources and of the table per entry; the boundary is read, the result written."""
    work = _messages(call, call.source.numel(), size(call.rowptr, call.source, call.type))
    return Work(work.bytes + 2 * size(call.boundary), work.flops, 0, work.gathers)


def relational_shares(call: Call) -> Work:
    """The messages once more, compared with the extreme; two results of its size."""
    work = _messages(call, call.source.numel(), size(call.rowptr, call.source, call.type))
    moved = 2 * size(call.grad) + size(call.grad, call.out, call.boundary)
    return Work(work.bytes + moved, work.flops, 0, work.gathers)


def relational_source_grad(call: Call) -> Work:
    """A row of the shares and of the table per entry, by source."""
    entries = call.target_t.numel()
    order = size(call.rowptr_t, call.target_t, call.type_t)
    flops = 2 * entries * _width(call.share)
    gathers = (_flat(entries, call.share), rows_of(entries, call.table))
    return Work(order + size(call.x), flops, 0, gathers)


def relational_table_grad(call: Call) -> Work:
    """A row of the shares and of the sources per entry, by type."""
    entries = call.type_source.numel()
    order = size(call.typeptr, call.type_source, call.type_target)
    flops = 2 * entries * _width(call.share)
    gathers = (_flat(entries, call.share), _flat(entries, call.x))
    return Work(order + size(call.table), flops, 0, gathers)


def _messages(call: Call, entries: int, order: int) -> Work:
    gathers = (_flat(entries, call.x), rows_of(entries, call.table))
    return Work(order, 2 * entries * _width(call.x), 0, gathers)


def _width(rows: Tensor) -> int:
    return rows.size(1) * rows.size(2)


def _flat(entries: int, rows: Tensor) -> Gather:
    """Rows ``(B, D)`` of a tensor of three dimensions."""
    return rows_of(entries, rows.flatten(1))
