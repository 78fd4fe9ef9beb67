"""Work of attention within segments."""

from __future__ import annotations

from torch import Tensor

from benchmarks._floors.work import Work, size


def segment_attention(qkv: Tensor, ptr: Tensor, heads: int) -> Work:
    """A dot product, an exponential and a multiple of a value per pair of a segment and head."""
    channels, pairs = qkv.size(1) // 3, _fewest_pairs(qkv, ptr)
    results = qkv.size(0) * (channels + heads) * qkv.element_size()
    return Work(size(qkv, ptr) + results, 4 * pairs * channels, heads * pairs)


def segment_attention_backward(
    grad: Tensor,
    grad_lse: Tensor,
    qkv: Tensor,
    ptr: Tensor,
    out: Tensor,
    lse: Tensor,
    heads: int,
) -> Work:
    """Five products of the size of the logits: weights, their derivative, and a sum per side."""
    channels, pairs = qkv.size(1) // 3, _fewest_pairs(qkv, ptr)
    moved = size(grad, grad_lse, qkv, ptr, out, lse, qkv)
    return Work(moved, 10 * pairs * channels + 2 * out.numel(), heads * pairs)


def _fewest_pairs(qkv: Tensor, ptr: Tensor) -> int:
    """Those of segments of one size: no other split into as many has fewer."""
    return qkv.size(0) ** 2 // max(1, ptr.numel() - 1)
