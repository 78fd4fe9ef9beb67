"""Unit rows: the normalisation in front of every cosine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import first_order, refuse_transforms
from graphlab._checks import check_matrix, traced, values_visible
from graphlab.ops import reference
from graphlab.ops.reference.rows import chunks

__all__ = ["unit_rows"]

#: Norms in this range are exact enough in the dtype of the rows; others are taken in float64.
_SAFE = {torch.float32: (1e-15, 1e15), torch.float64: (1e-150, 1e150)}


def _near_one(x: Tensor) -> Tensor:
    """Rows of float64 with a largest number near one; a power of two changes no other bit."""
    if x.dtype != torch.float64 or x.numel() == 0:
        return x
    exponent = torch.frexp(x.detach().abs().amax(1, keepdim=True)).exponent
    return x * torch.exp2(-exponent.clamp(-1000, 1000).double())


class _UnitRows(torch.autograd.Function):
    """Division by the norm, in blocks of rows that stay in the cache and leave no temporaries.

    Norms may be wider than the rows: quotients are taken in the wider type and rounded once.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, norm: Tensor) -> Tensor:
        unit = torch.empty_like(x, memory_format=torch.contiguous_format)
        for rows in _blocks(x):
            torch.div(x[rows], norm[rows], out=unit[rows])
        ctx.save_for_backward(unit, norm)
        return unit

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        unit, norm = ctx.saved_tensors
        out = torch.empty_like(unit)
        for rows in _blocks(unit):
            along = (grad[rows] * unit[rows]).sum(1, keepdim=True)
            torch.addcmul(grad[rows], along, unit[rows], value=-1, out=out[rows])
            out[rows].div_(norm[rows])
        return out, None


def _blocks(x: Tensor) -> Iterable[slice]:
    """Rows of which a processor's cache holds several copies; elsewhere all at once."""
    whole = [slice(0, x.size(0))]
    return chunks(x.size(0), 16 * x.size(1)) if x.device.type == "cpu" else whole


def unit_rows(x: Tensor) -> Tensor:
    """Divide every row by its Euclidean norm; zero rows stay zero and pass no gradient.

    Args:
        x (Tensor): Rows, floating point ``(N, D)``.

    Returns:
        Tensor: ``(N, D)``. No finite row overflows or vanishes: extreme norms are summed in
        float64, and those of float64 after multiplication by a power of two.

    Complexity: O(N D) time and memory.
    """
    x = check_matrix(x, "x", finite=False)
    if x.dtype not in _SAFE or traced(x):
        return reference.unit_rows(x)
    if x.device.type != "cpu" or not values_visible(x):
        x = _near_one(x)
        # Safe without a look at the norms, which would hold a device up. 0 / inf: zero rows stay.
        norm = reference.row_norms(x.detach())
        norm = torch.where(norm == 0, torch.inf, norm)
    else:
        low, high = _SAFE[x.dtype]
        norm = torch.linalg.vector_norm(x.detach(), dim=1, keepdim=True)
        if bool(((norm < low) | (norm > high)).any()):
            return reference.unit_rows(_near_one(x))
    refuse_transforms("unit_rows")
    unit: Tensor = _UnitRows.apply(x, norm)  # type: ignore[no-untyped-call]
    return unit
