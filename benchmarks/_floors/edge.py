"""Work of the sums over edges."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, rows_of, size


def edge_cosine_sum(
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Work:
    """Unit rows: 3 N D; a dot product and a sum per entry."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(rowptr, col, weight) + nodes * z.element_size()
    return Work(moved, flops, entries, (rows_of(entries, z),))


def edge_cosine_sum_backward(
    grad: Tensor,
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Work:
    """The dot products again, a multiple of a row per entry, and the projection of every row."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 8 * nodes * dim + entries * (4 * dim + 5)
    moved = size(rowptr, col, weight, weight_t, z)
    tables = (z, grad) if weight_t is not None else (z, grad, scale)
    return Work(moved, flops, entries, (rows_of(entries, *tables),))


def edge_cosine_weight_grad(
    grad: Tensor, z: Tensor, rowptr: Tensor, col: Tensor, tau: float
) -> Work:
    """A dot product per entry, which is written."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(rowptr, col, grad) + entries * z.element_size()
    return Work(moved, flops, entries, (rows_of(entries, z),))
