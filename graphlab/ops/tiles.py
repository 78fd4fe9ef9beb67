"""Functions of pairs of rows that are computed tile by tile, forwards and again backwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import first_order, refuse_transforms
from graphlab._precision import full_precision

__all__ = ["Tile", "by_tiles"]

#: A function of the rows of a tile, its anchors u[rows], u and v, to one number per anchor.
Tile = Callable[[slice, Tensor, Tensor, Tensor], Tensor]


# A function of tiles is not traced: its derivative runs it again.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def by_tiles(tile: Tile, tiles: Sequence[slice], u: Tensor, v: Tensor) -> Tensor:
    """Values of a function of tiles, none of which is kept for the derivative.

    Args:
        tile (Callable): Function of the rows of a tile, ``u[rows]``, u and v; ``(rows,)``.
        tiles (sequence of slice): Rows of the tiles, which together are those of ``u``.
        u (Tensor): Floating point ``(N, D)``.
        v (Tensor): Floating point ``(M, D)``.

    Returns:
        Tensor: ``(N,)``, differentiable once in ``u`` and ``v``.

    Complexity: the function twice; memory of one tile, and a gradient of u and v.
    """
    refuse_transforms("ProGCLLoss")
    out: Tensor = _Tiled.apply(tile, tiles, u, v)  # type: ignore[no-untyped-call]
    return out


class _Tiled(torch.autograd.Function):
    """A function of row tiles, computed again tile by tile in the backward pass.

    Checkpoints would do the same, but keep a gradient of the size of u and v per tile.
    """

    @staticmethod
    def forward(ctx: Any, tile: Tile, tiles: Sequence[slice], u: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(u, v)
        ctx.tile, ctx.tiles = tile, tiles
        out = u.new_empty(u.size(0))
        with full_precision(u):
            # Written into one tensor: small results kept between large temporaries would keep the
            # memory of these from being given back.
            for rows in tiles:
                out[rows] = tile(rows, u[rows], u, v)
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor, Tensor]:
        u, v = (saved.detach().requires_grad_() for saved in ctx.saved_tensors)
        grad_u, grad_v = torch.zeros_like(u), torch.zeros_like(v)
        for rows in ctx.tiles:
            with torch.enable_grad(), full_precision(u):
                anchor = u[rows].detach().requires_grad_()
                out = ctx.tile(rows, anchor, u, v)
                parts = torch.autograd.grad(out, (anchor, u, v), grad[rows], allow_unused=True)
            for total, part in zip((grad_u[rows], grad_u, grad_v), parts, strict=True):
                if part is not None:
                    total += part
        return None, None, grad_u, grad_v
