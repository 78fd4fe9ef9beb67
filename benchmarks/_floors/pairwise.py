"""Work of the operators on all pairs."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, size


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
) -> Work:
    """A dot product and an exponential per pair; row and column sums can share both."""
    pairs = x.size(0) * y.size(0)
    results = x.size(0) + (y.size(0) if columns else 0)
    moved = size(x, y, y_weight, x_weight if columns else None) + results * x.element_size()
    return Work(moved, 2 * pairs * x.size(1), pairs)


def self_logsumexp(x: Tensor, weight: Tensor | None, scale: float, diagonal: int) -> Work:
    """Pairs in either order have one logit: half of them, and the diagonal."""
    nodes, dim = x.shape
    pairs = nodes * (nodes + 1) // 2
    return Work(size(x, weight) + nodes * x.element_size(), 2 * pairs * dim, pairs)


def pairwise_logsumexp_backward(
    a: Tensor,
    b: Tensor,
    row_grad: Tensor | None,
    row_lse: Tensor | None,
    b_weight: Tensor | None,
    col_grad: Tensor | None,
    col_lse: Tensor | None,
    a_weight: Tensor | None,
    scale: float,
    diagonal: int,
) -> Work:
    """The dot products again, one exponential per side, and the product of shares with b."""
    pairs = a.size(0) * b.size(0)
    sides = int(row_grad is not None) + int(col_grad is not None)
    moved = size(a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight, a)
    return Work(moved, 4 * pairs * a.size(1), sides * pairs)
