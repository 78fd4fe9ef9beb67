"""Rows of logits block by block, for losses that look at single pairs.

Each block is computed again in the backward pass, so that memory stays at one block.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.utils.checkpoint import checkpoint


def guarded_logsumexp(
    x: Tensor, y: Tensor, x_id: Tensor, y_id: Tensor, offset: int, chunk_size: int
) -> Tensor:
    """Log-sum-exp of the rows of ``x @ y.T`` without pairs of equal id, the own pair kept.

    Args:
        x (Tensor): ``(b, D)``, scaled.
        y (Tensor): ``(B, D)``; row ``offset + i`` belongs to row i of ``x``.
        x_id (Tensor): ``(b,)`` integers.
        y_id (Tensor): ``(B,)`` integers.
        offset (int): Position of the rows of ``x`` among those of ``y``.
        chunk_size (int): Rows at a time.

    Returns:
        Tensor: ``(b,)``.
    """

    def block(rows: Tensor, start: int) -> Tensor:
        # The mask is made anew on the way back: kept, those of all blocks are B x B.
        same = _same_text(x_id, y_id, start, rows.size(0), offset)
        return (rows @ y.t()).masked_fill(same, -torch.inf).logsumexp(1)

    parts = []
    for start in range(0, x.size(0), chunk_size):
        rows = x[start : start + chunk_size]
        parts.append(checkpoint(block, rows, start, use_reentrant=False))
    return torch.cat(parts)


def sigmoid_terms(
    x: Tensor,
    y: Tensor,
    bias: Tensor,
    x_id: Tensor | None,
    y_id: Tensor | None,
    offset: int,
    chunk_size: int,
) -> Tensor:
    """Sums over the pairs of every row of ``x`` of the sigmoid loss.

    Args:
        x (Tensor): ``(b, D)``, scaled.
        y (Tensor): ``(B, D)``.
        bias (Tensor): Scalar.
        x_id (Tensor, optional): ``(b,)``; pairs of equal id count neither way, the own pair counts.
        y_id (Tensor, optional): ``(B,)``.
        offset (int): Position of the rows of ``x`` among those of ``y``.
        chunk_size (int): Rows at a time.

    Returns:
        Tensor: ``(b,)``.
    """

    def block(rows: Tensor, start: int) -> Tensor:
        sign = -torch.ones(rows.size(0), y.size(0), dtype=x.dtype, device=x.device)
        sign.diagonal(offset + start).fill_(1.0)
        # Stable for every margin, where the logarithm of a sigmoid underflows.
        terms = logsigmoid(sign * (rows @ y.t() + bias))
        if x_id is not None and y_id is not None:
            same = _same_text(x_id, y_id, start, rows.size(0), offset)
            terms = terms.masked_fill(same, 0.0)
        return -terms.sum(1)

    parts = []
    for start in range(0, x.size(0), chunk_size):
        rows = x[start : start + chunk_size]
        parts.append(checkpoint(block, rows, start, use_reentrant=False))
    return torch.cat(parts)


def _same_text(x_id: Tensor, y_id: Tensor, start: int, count: int, offset: int) -> Tensor:
    same = x_id[start : start + count, None] == y_id[None, :]
    same.diagonal(offset + start).fill_(False)
    return same
