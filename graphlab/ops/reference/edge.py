"""Definition of the edge-cosine operators."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.csr import csr_rows
from graphlab.ops.reference.rows import chunks, unit_rows, unit_rows_backward


def _edge_exponentials(u: Tensor, row: Tensor, col: Tensor, tau: float) -> Tensor:
    cosine = (u[row] * u[col]).sum(1)
    return torch.exp(tau * cosine.masked_fill(row == col, 0.0))


def is_kept(z: Tensor, keep: bool) -> bool:
    """Whether the forward pass returns the exponentials: where they are asked for, but on CUDA."""
    return keep and z.device.type != "cuda"


def edge_cosine_sum(
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
    keep: bool,
) -> tuple[Tensor, Tensor]:
    """``P_i = sum_j w_ij exp(tau cos(z_i, z_j))`` with ``cos(z_i, z_i) := 0``.

    Returns:
        tuple: ``(N,)``, and the exponentials ``(E,)``, which are empty where they are not kept.
    """
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    out = z.new_zeros(z.size(0))
    kept = z.new_empty(col.numel() if is_kept(z, keep) else 0)
    for part in chunks(col.numel(), z.size(1)):
        value = _edge_exponentials(u, row[part], col[part].long(), tau)
        if kept.numel():
            kept[part] = value
        value = value if weight is None else weight[part] * value
        out = out.index_add(0, row[part], value)
    return out, kept


def edge_cosine_sum_backward(
    grad: Tensor,
    kept: Tensor,
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Tensor:
    """Gradient to ``z``; one pass, since the weight of (j, i) is known at the entry (i, j)."""
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    direction = torch.zeros_like(z)
    for part in chunks(col.numel(), z.size(1)):
        i, j = row[part], col[part].long()
        w = z.new_ones(i.numel()) if weight is None else weight[part]
        if weight_t is not None:
            back = weight_t[part]
        else:
            back = w if scale is None else w * scale[i] / scale[j]
        value = kept[part] if kept.numel() else _edge_exponentials(u, i, j, tau)
        value = tau * value * (grad[i] * w + grad[j] * back)
        value = value.masked_fill(i == j, 0.0)
        direction.index_add_(0, i, value.unsqueeze(1) * u[j])
    return unit_rows_backward(direction, z)


def edge_cosine_weight_grad(
    grad: Tensor, kept: Tensor, z: Tensor, rowptr: Tensor, col: Tensor, tau: float
) -> Tensor:
    """Gradient of :func:`edge_cosine_sum` to ``weight``, ``(E,)``."""
    if kept.numel():
        return grad[csr_rows(rowptr, col.numel())] * kept
    u, row = unit_rows(z), csr_rows(rowptr, col.numel())
    out = z.new_empty(col.numel())
    for part in chunks(col.numel(), z.size(1)):
        out[part] = grad[row[part]] * _edge_exponentials(u, row[part], col[part].long(), tau)
    return out
