"""Work of the operators on rows and meta-nodes."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, size


def meta_logsumexp(call: Call) -> Work:
    """A linear term per pair; with moments also a quadratic form of a symmetrised matrix."""
    dim, pairs = call.u.size(1), call.u.size(0) * call.mean.size(0)
    per_pair = 2 * dim if call.cov is None else dim * (dim + 1) + 4 * dim
    moved = size(call.u, call.count, call.mean, call.cov) + call.u.size(0) * call.u.element_size()
    return Work(moved, pairs * per_pair, pairs)


def meta_logsumexp_backward(call: Call) -> Work:
    """Logit, gradient to the row and to the mean; with moments one product S u and one u u^T."""
    dim, pairs = call.u.size(1), call.u.size(0) * call.mean.size(0)
    # S u serves the logit and the gradient to u; u u^T is symmetric.
    per_pair = 6 * dim if call.cov is None else 2 * dim * dim + dim * (dim + 1) + 8 * dim
    moved = size(call.grad, call.lse, call.u, call.count, call.mean, call.cov) + size(
        call.u, call.mean, call.cov
    )
    return Work(moved, pairs * per_pair, pairs)
