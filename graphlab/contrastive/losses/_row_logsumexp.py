"""Log-sum-exp of the rows of a product of two matrices that is never stored."""

from __future__ import annotations

from torch import Tensor

from graphlab.ops import pairwise_logsumexp


def row_logsumexp(x: Tensor, y: Tensor, scale: float = 1.0) -> Tensor:
    """Log-sum-exp of the rows of ``scale * x @ y.T``, ``(rows of x,)``."""
    result = pairwise_logsumexp(x, y, scale=scale)
    if isinstance(result, tuple):  # pragma: no cover - columns were not asked for
        raise TypeError("pairwise_logsumexp returned columns")
    return result
