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


def pairwise_logsumexp_gradients(call: Call) -> Work:
    """One dot product for both gradients, and a product of the shares with each side."""
    one = pairwise_logsumexp_backward(call)
    pairs = call.a.size(0) * call.b.size(0)
    return Work(one.bytes + size(call.b), 6 * pairs * call.a.size(1), one.exponentials)


def pairwise_softplus(call: Call) -> Work:
    """A dot product, an exponential and a logarithm per pair."""
    pairs = call.x.size(0) * call.y.size(0)
    moved = size(call.x, call.y) + call.x.size(0) * call.x.element_size()
    return Work(moved, 2 * pairs * call.x.size(1), 2 * pairs)


def pairwise_softplus_backward(call: Call) -> Work:
    """The dot products again, an exponential, and a product of the shares for each gradient."""
    pairs = call.x.size(0) * call.y.size(0)
    results = (call.x if call.x_side else None, call.y if call.y_side else None)
    products = 1 + int(call.x_side) + int(call.y_side)
    moved = size(call.grad, call.x, call.y, *results)
    return Work(moved, 2 * products * pairs * call.x.size(1), pairs)


def pairwise_rank(call: Call) -> Work:
    """A dot product per pair, that of every truth, and two comparisons with all of y for each."""
    pairs, truths = call.x.size(0) * call.y.size(0), call.truth.numel()
    lists = (call.truth, call.truth_ptr, call.filter_ptr, call.filter)
    moved = size(call.x, call.y, *lists) + 2 * truths * 8
    products = 2 * (pairs + truths) * call.x.size(1)
    return Work(moved, products + 2 * truths * call.y.size(0))


def pairwise_topk(call: Call) -> Work:
    """A dot product and a comparison per pair."""
    rows, pairs = call.x.size(0), call.x.size(0) * call.y.size(0)
    moved = size(call.x, call.y, call.filter_ptr, call.filter)
    moved += rows * call.k * (call.x.element_size() + 8)
    return Work(moved, 2 * pairs * call.x.size(1) + pairs)
