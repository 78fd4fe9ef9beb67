"""Random sketches: products with a random matrix from the left that is never stored."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import first_order, refuse_transforms
from graphlab._checks import check_int, check_matrix
from graphlab._precision import full_precision, widened
from graphlab.ops.projection import random_projection
from graphlab.ops.reference.rows import chunks

__all__ = ["gaussian_sketch", "unchecked_sketch"]


class _Sketch(torch.autograd.Function):
    """P z with P drawn block by block, forwards and again backwards."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, rows: int, seed: int) -> Tensor:
        ctx.options = (rows, seed, z.size(0))
        out = z.new_empty(rows, z.size(1))
        with full_precision(z):
            for part in chunks(rows, z.size(0)):
                out[part] = _block(z, z.size(0), part, rows, seed).t() @ z
        return out

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        rows, seed, num_nodes = ctx.options
        out = grad.new_zeros(num_nodes, grad.size(1))
        with full_precision(grad):
            for part in chunks(rows, num_nodes):
                # P is drawn again: kept for the way back it would be a matrix of rows x N.
                out += _block(grad, num_nodes, part, rows, seed) @ grad[part]
        return out, None, None


def _block(like: Tensor, num_nodes: int, part: slice, rows: int, seed: int) -> Tensor:
    """Some rows of P, transposed: ``(N, rows of the part)``."""
    return random_projection(
        like.new_ones(num_nodes),
        part.start,
        part.stop,
        sparsity=0,
        # Variance 1 / rows, so that inner products are kept in expectation.
        scale=rows**-0.5,
        seed=seed,
    )


def gaussian_sketch(z: Tensor, rows: int, *, seed: int) -> Tensor:
    r"""Product with a random matrix from the left that is never stored.

    P has ``rows`` rows and independent normal entries of variance 1 / rows, so that
    :math:`\mathbb{E}[P^\top P] = I`.

    Args:
        z (Tensor): Floating point ``(N, D)``; half precision is computed in float32.
        rows (int): Rows of the sketch, at least 1.
        seed (int): Seed of P, in ``[0, 2**64)``; the same seed gives the same P.

    Returns:
        Tensor: P z, ``(rows, D)``, dtype of z, differentiable in z.

    Complexity: O(rows N D) time, O((rows + N) D) memory; P is drawn twice, forwards and backwards.
    """
    out: Tensor = unchecked_sketch(check_matrix(z, "z"), check_int(rows, "rows", minimum=1), seed)
    return out


# Its derivative draws P again by blocks: a compiler would trace them one by one.
@torch.compiler.disable  # type: ignore[untyped-decorator]
def unchecked_sketch(z: Tensor, rows: int, seed: int) -> Tensor:
    """:func:`gaussian_sketch` of checked arguments."""
    refuse_transforms("gaussian_sketch")
    out: Tensor = _Sketch.apply(widened(z), rows, seed)  # type: ignore[no-untyped-call]
    return out.to(z.dtype)
