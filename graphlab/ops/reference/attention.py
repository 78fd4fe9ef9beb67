"""Definition of attention within segments of rows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from graphlab.ops.reference.buckets import Bucket, make_buckets
from graphlab.ops.reference.rows import CHUNK_ELEMENTS


def segment_attention(qkv: Tensor, ptr: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Softmax attention among the rows of each segment; ``(N, C)`` and log-sums ``(N, heads)``."""
    # Every part is written into the result at once: parts kept in a list would lie in memory
    # between the large temporary tables, whose space could then not be used again.
    out = qkv.new_empty(qkv.size(0), qkv.size(1) // 3)
    top = qkv.new_empty(qkv.size(0), heads)
    for bucket in _parts(ptr, heads):
        query, key, value = _by_head(qkv, bucket, heads)
        logits = _logits(query, key, bucket)
        tops = logits.logsumexp(3, keepdim=True)
        node = bucket.held(bucket.node)
        out[node] = bucket.held(_to_rows(torch.exp(logits - tops) @ value))
        top[node] = bucket.held(_to_rows(tops))
    return out, top


def segment_attention_backward(
    grad: Tensor,
    grad_lse: Tensor,
    qkv: Tensor,
    ptr: Tensor,
    out: Tensor,
    lse: Tensor,
    heads: int,
) -> Tensor:
    """Gradient to ``qkv``; the weights are computed again from the log-sums."""
    grad_qkv = torch.empty_like(qkv, memory_format=torch.contiguous_format)
    for bucket in _parts(ptr, heads):
        query, key, value = _by_head(qkv, bucket, heads)
        (given,), (result,) = (_by_head(t, bucket, heads, 1) for t in (grad, out))
        top, given_top = (t[bucket.node].transpose(1, 2).unsqueeze(3) for t in (lse, grad_lse))
        weight = torch.exp(_logits(query, key, bucket) - top)
        if bucket.mask is not None:  # padding is no query: its weights are 0
            weight = weight * bucket.mask[:, None, :, None]
        slope = given @ value.transpose(2, 3) - (given * result).sum(3, keepdim=True) + given_top
        slope = weight * slope * query.size(3) ** -0.5
        sides = (slope @ key, slope.transpose(2, 3) @ query, weight.transpose(2, 3) @ given)
        rows = torch.cat([_to_rows(side) for side in sides], 2)
        grad_qkv[bucket.held(bucket.node)] = bucket.held(rows)
    return grad_qkv


def _parts(ptr: Tensor, heads: int) -> Iterator[Bucket]:
    for bucket in make_buckets(ptr):
        yield from bucket.cut(CHUNK_ELEMENTS // heads)


def _by_head(rows: Tensor, bucket: Bucket, heads: int, sides: int = 3) -> tuple[Tensor, ...]:
    """Queries, keys and values ``(G, heads, n, d)`` of the segments of a bucket."""
    table = rows[bucket.node].unflatten(2, (sides, heads, -1))
    parts: tuple[Tensor, ...] = table.permute(2, 0, 3, 1, 4).unbind(0)
    return parts


def _logits(query: Tensor, key: Tensor, bucket: Bucket) -> Tensor:
    logits: Tensor = query @ key.transpose(2, 3) * query.size(3) ** -0.5
    if bucket.mask is None:
        return logits
    return logits.masked_fill(~bucket.mask[:, None, None, :], float("-inf"))


def _to_rows(values: Tensor) -> Tensor:
    """``(G, heads, n, d)`` to ``(G, n, heads * d)``."""
    return values.transpose(1, 2).flatten(2)
