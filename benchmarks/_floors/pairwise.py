"""Work of the operators on all pairs."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, size


def pairwise_logsumexp(call: Call) -> Work:
    """A dot product and an exponential per pair; row and column sums can share both."""
    pairs = call.x.size(0) * call.y.size(0)
    results = call.x.size(0) + (call.y.size(0) if call.columns else 0)
    moved = (
        size(call.x, call.y, call.y_weight, call.x_weight if call.columns else None)
        + results * call.x.element_size()
    )
    return Work(moved, 2 * pairs * call.x.size(1), pairs)


def self_logsumexp(call: Call) -> Work:
    """Pairs in either order have one logit: half of them, and the diagonal."""
    nodes, dim = call.x.shape
    pairs = nodes * (nodes + 1) // 2
    return Work(size(call.x, call.weight) + nodes * call.x.element_size(), 2 * pairs * dim, pairs)


def pairwise_logsumexp_backward(call: Call) -> Work:
    """The dot products again, one exponential per side, and the product of shares with b."""
    pairs = call.a.size(0) * call.b.size(0)
    sides = int(call.row_grad is not None) + int(call.col_grad is not None)
    moved = size(
        call.a,
        call.b,
        call.row_grad,
        call.row_lse,
        call.b_weight,
        call.col_grad,
        call.col_lse,
        call.a_weight,
        call.a,
    )
    return Work(moved, 4 * pairs * call.a.size(1), sides * pairs)
