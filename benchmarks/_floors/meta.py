"""Work of the operators on rows and meta-nodes."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, size


def meta_logsumexp(u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float) -> Work:
    """A linear term per pair; with moments also a quadratic form of a symmetrised matrix."""
    dim, pairs = u.size(1), u.size(0) * mean.size(0)
    per_pair = 2 * dim if cov is None else dim * (dim + 1) + 4 * dim
    moved = size(u, count, mean, cov) + u.size(0) * u.element_size()
    return Work(moved, pairs * per_pair, pairs)


def meta_logsumexp_backward(
    grad: Tensor,
    lse: Tensor,
    u: Tensor,
    count: Tensor,
    mean: Tensor,
    cov: Tensor | None,
    tau: float,
) -> Work:
    """Logit, gradient to the row and to the mean; with moments one product S u and one u u^T."""
    dim, pairs = u.size(1), u.size(0) * mean.size(0)
    # S u serves the logit and the gradient to u; u u^T is symmetric.
    per_pair = 6 * dim if cov is None else 2 * dim * dim + dim * (dim + 1) + 8 * dim
    moved = size(grad, lse, u, count, mean, cov) + size(u, mean, cov)
    return Work(moved, pairs * per_pair, pairs)
