"""Helpers of all definitions: unit rows, and the chunks that keep memory linear."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

#: Elements of the largest temporary; 2**22 float32 values are 16 MiB.
CHUNK_ELEMENTS = 2**22


def row_norms(x: Tensor) -> Tensor:
    """Euclidean norms ``(N, 1)``, summed in float64 so that no finite row overflows."""
    norm: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float64)
    return norm


def unit_rows(x: Tensor) -> Tensor:
    """Rows divided by their norm; zero rows stay zero and pass no gradient."""
    norm = row_norms(x)
    positive = norm > 0
    unit = (x.double() / torch.where(positive, norm, torch.ones_like(norm))).to(x.dtype)
    return torch.where(positive, unit, torch.zeros_like(unit))


def unit_rows_backward(grad: Tensor, x: Tensor) -> Tensor:
    """Derivative of :func:`unit_rows` times ``grad``: projection, then division by the norm."""
    unit = unit_rows(x)
    norm = row_norms(x)
    tangent = (grad - (grad * unit).sum(1, keepdim=True) * unit).double()
    scaled = tangent / torch.where(norm > 0, norm, torch.ones_like(norm))
    return torch.where(norm > 0, scaled, torch.zeros_like(scaled)).to(x.dtype)


def chunks(total: int, width: int) -> Iterator[slice]:
    """Cut ``range(total)`` so that ``length * width`` stays within the chunk size."""
    step = max(1, CHUNK_ELEMENTS // max(1, width))
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))
