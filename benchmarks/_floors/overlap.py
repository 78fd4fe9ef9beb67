"""Work of the overlaps of walks; searches in rows are not counted."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, size


def walk_overlap(call: Call) -> Work:
    """The graph and the pairs once: how much of the rows is searched depends on the graph."""
    return Work(
        size(call.rowptr, call.col, call.weight, call.pair_rowptr, call.pair_col)
        + 8 * call.pair_col.numel()
    )


def distinct_ends(call: Call) -> Work:
    """The graph once and a number per node and hop."""
    return Work(size(call.rowptr, call.col) + 8 * call.num_hops * (call.rowptr.numel() - 1))
