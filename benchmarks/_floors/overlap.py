"""Work of the overlaps of walks; searches in rows are not counted."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, size


def walk_overlap(
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    pair_rowptr: Tensor,
    pair_col: Tensor,
    num_hops: int,
    beta: float,
    distinct: bool,
) -> Work:
    """The graph and the pairs once: how much of the rows is searched depends on the graph."""
    return Work(size(rowptr, col, weight, pair_rowptr, pair_col) + 8 * pair_col.numel())


def distinct_ends(rowptr: Tensor, col: Tensor, num_hops: int) -> Work:
    """The graph once and a number per node and hop."""
    return Work(size(rowptr, col) + 8 * num_hops * (rowptr.numel() - 1))
