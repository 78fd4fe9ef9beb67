"""Log-sum-exp of the rows of a product of two matrices that is never stored."""

from __future__ import annotations

from typing import cast

from torch import Tensor

from graphlab.ops import pairwise_logsumexp


def row_logsumexp(x: Tensor, y: Tensor, scale: float = 1.0) -> Tensor:
    """Log-sum-exp of the rows of ``scale * x @ y.T``, ``(rows of x,)``."""
    return cast(Tensor, pairwise_logsumexp(x, y, scale=scale))  # columns were not asked for
