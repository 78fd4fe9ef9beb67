"""Attention within segments of rows in half precision on the tensor cores of a GPU.

The error is that of the same rows read as float32: half precision is what comes in, not what is
computed with. Results and gradients are float32.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import first_order
from graphlab.ops.tensor_cores.attention_kernels import kernels
from graphlab.ops.tensor_cores.translation import launch, on_gpu

__all__: list[str] = []

#: Numbers of a head up to which a tile of it fits the registers of a block on sm_90.
WIDEST = 128


def usable(qkv: Tensor, ptr: Tensor, heads: int) -> bool:
    """Whether these rows can be attended to here: half precision on a GPU, Triton there."""
    if qkv.dtype not in (torch.float16, torch.bfloat16) or qkv.size(1) > 3 * heads * WIDEST:
        return False
    return on_gpu(qkv, ptr)


def segment_attention(qkv: Tensor, ptr: Tensor, heads: int) -> Tensor:
    """As :func:`graphlab.ops.segment_attention`, with a derivative; ``(N, C)`` float32."""
    out: Tensor = _Attention.apply(qkv, ptr, heads)  # type: ignore[no-untyped-call]
    return out


class _Attention(torch.autograd.Function):
    """Shares are computed again on the way back."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, ptr: Tensor, heads: int) -> Tensor:
        out, lse = attend(qkv, ptr, heads)
        ctx.heads = heads
        ctx.save_for_backward(qkv, ptr, out, lse)
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        qkv, ptr, out, lse = ctx.saved_tensors
        slope = attend_backward(grad, torch.zeros_like(lse), qkv, ptr, out, lse, ctx.heads)
        return slope.to(qkv.dtype), None, None


def attend(qkv: Tensor, ptr: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Results ``(N, C)`` and log-sums ``(N, heads)``, float32."""
    rows, width = qkv.size(0), qkv.size(1) // (3 * heads)
    out = qkv.new_empty(rows, heads * width, dtype=torch.float32)
    lse = qkv.new_empty(rows, heads, dtype=torch.float32)
    tile = tiles(width, backward=False)
    launch(
        kernels()[0],
        (math.ceil(rows / tile["ROWS"]), heads),
        *(qkv.contiguous(), *borders(ptr, rows), out, lse),
        *(rows, heads, width, width**-0.5),
        like=qkv,
        **tile,
    )
    return out, lse


def attend_backward(
    grad: Tensor, grad_lse: Tensor, qkv: Tensor, ptr: Tensor, out: Tensor, lse: Tensor, heads: int
) -> Tensor:
    """Gradient to ``qkv``, ``(N, 3 C)`` float32, of results and log-sums."""
    rows, width = qkv.size(0), qkv.size(1) // (3 * heads)
    grad, qkv = grad.float().contiguous(), qkv.contiguous()
    first, stop = borders(ptr, rows)
    level, grad_qkv = torch.empty_like(lse), torch.empty_like(qkv, dtype=torch.float32)
    tile = tiles(width, backward=True)
    grid = math.ceil(rows / tile["ROWS"]), heads
    sizes = rows, heads, width, width**-0.5
    by_query = (grad, grad_lse.contiguous(), qkv, first, stop, out, lse, level, grad_qkv)
    launch(kernels()[1], grid, *by_query, *sizes, like=qkv, **tile)
    by_key = (grad, qkv, first, stop, lse, level, grad_qkv)
    launch(kernels()[2], grid, *by_key, *sizes, like=qkv, **tile)
    by_value = (grad, qkv, first, stop, lse, grad_qkv)
    launch(kernels()[3], grid, *by_value, *sizes, like=qkv, **tile)
    return grad_qkv


def tiles(width: int, *, backward: bool) -> dict[str, int]:
    """Rows and columns of a tile, numbers of a head rounded up, warps.

    Chosen so that no kernel spills on sm_90 for heads of a multiple of 16 numbers.
    """
    wide = max(16, 1 << (width - 1).bit_length())
    rows = 32 if backward and wide > 64 else 64
    return {"ROWS": rows, "COLUMNS": 32, "WIDTH": wide, "num_warps": 8}


def borders(ptr: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Begin and end of the segment of every row, int32; both the row itself where none holds it."""
    row = torch.arange(rows, device=ptr.device)
    segment = (torch.bucketize(row, ptr, right=True) - 1).clamp(0, max(ptr.numel() - 2, 0))
    first, stop = ptr[segment], ptr[(segment + 1).clamp(max=ptr.numel() - 1)]
    held = (first <= row) & (row < stop)
    first, stop = first.clamp(0, rows), stop.clamp(0, rows)
    return torch.where(held, first, row).int(), torch.where(held, stop, row).int()
