"""The first layer of TAPE's P member as its authors compute it: look up, flatten, multiply."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

__all__ = ["embed_and_multiply"]


def embed_and_multiply(ids: Tensor, table: Tensor, weight: Tensor) -> Tensor:
    """``(N, h)`` out of ids ``(N, k)``, a table ``(C + 1, d)`` and a weight ``(h, k d)``.

    The ``(N, k d)`` matrix is stored for the backward, and its gradient is another one.
    """
    return F.embedding(ids, table).flatten(1) @ weight.t()
