"""Work of attention within segments."""

from __future__ import annotations

from benchmarks._floors.work import Call, Work, size


def segment_attention(call: Call) -> Work:
    """A dot product, an exponential and a multiple of a value per pair of a segment and head."""
    channels, pairs = call.qkv.size(1) // 3, _fewest_pairs(call)
    results = call.qkv.size(0) * (channels + call.heads) * call.qkv.element_size()
    return Work(size(call.qkv, call.ptr) + results, 4 * pairs * channels, call.heads * pairs)


def segment_attention_backward(call: Call) -> Work:
    """Five products of the size of the logits: weights, their derivative, and a sum per side."""
    channels, pairs = call.qkv.size(1) // 3, _fewest_pairs(call)
    moved = size(call.grad, call.grad_lse, call.qkv, call.ptr, call.out, call.lse, call.qkv)
    return Work(moved, 10 * pairs * channels + 2 * call.out.numel(), call.heads * pairs)


def _fewest_pairs(call: Call) -> int:
    """Those of segments of one size: no other split into as many has fewer."""
    rows: int = call.qkv.size(0)
    segments: int = call.ptr.numel() - 1
    return rows * rows // max(1, segments)
