"""Attention within segments of rows: many small graphs at once, without padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import refuse_transforms
from graphlab._checks import (
    check_int,
    check_matrix,
    check_pointers,
    check_same_device,
)
from graphlab._precision import widened
from graphlab.ops import reference
from graphlab.ops.library import call, define
from graphlab.ops.tensor_cores import attention as half_precision

__all__ = ["segment_attention"]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    qkv, ptr, ctx.heads = inputs
    ctx.save_for_backward(qkv, ptr, *output)


def _backward(ctx: Any, grad: Tensor, grad_lse: Tensor) -> tuple[Tensor | None, ...]:
    grad_qkv = call(
        "segment_attention_backward",
        grad.contiguous(),
        grad_lse.contiguous(),
        *ctx.saved_tensors,
        ctx.heads,
    )
    return grad_qkv, None, None


define(
    "segment_attention(Tensor qkv, Tensor ptr, int heads) -> (Tensor, Tensor)",
    reference.segment_attention,
    lambda qkv, ptr, heads: (
        qkv.new_empty((qkv.shape[0], qkv.shape[1] // 3)),
        qkv.new_empty((qkv.shape[0], heads)),
    ),
    setup_context=_setup,
    backward=_backward,
)
define(
    "segment_attention_backward(Tensor grad, Tensor grad_lse, Tensor qkv, Tensor ptr, Tensor out, "
    "Tensor lse, int heads) -> Tensor",
    reference.segment_attention_backward,
    lambda grad, grad_lse, qkv, *_: qkv.new_empty(qkv.shape),
)


def segment_attention(qkv: Tensor, ptr: Tensor, heads: int) -> Tensor:
    r"""Multi-head attention of the rows of each segment to one another.

    .. math:: o_i = \sum_{j \in s(i)} \operatorname{softmax}_j
        \left(\frac{\langle q_i, k_j \rangle}{\sqrt{d}}\right) v_j

    for every head, where :math:`s(i)` is the segment of row i. What ``MultiheadAttention`` gives on
    sequences padded to the longest one, without padding, masks or weights kept for the way back.

    Args:
        qkv (Tensor): Queries, keys and values side by side, floating point ``(N, 3 C)``, the heads
            of each side by side, as the input projection of ``MultiheadAttention`` orders them;
            half precision is read as float32. On a GPU with Triton heads of at most 128 numbers in
            half precision are multiplied on tensor cores, without a loss: what they meet goes there
            in parts, and the error is that of float32.
        ptr (Tensor): First row of every segment and N, int64 ``(B + 1,)``, as ``Batch.ptr`` of PyG.
        heads (int): A divisor of C; :math:`d = C /` heads.

    Returns:
        Tensor: ``(N, C)``, float32 or float64.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(sum of n² C) time for segments of n rows; O(N (C + heads)) memory beside the input
    with compiled kernels, tables of heads · n² numbers more without.
    Determinism: bitwise for a given device, whatever the number of threads.
    Reference: Vaswani et al., "Attention is all you need", NeurIPS 2017; weights are computed again
    on the way back as in Dao et al., "FlashAttention", NeurIPS 2022.

    Example:
        >>> import torch
        >>> qkv, ptr = torch.rand(5, 12), torch.tensor([0, 2, 5])
        >>> segment_attention(qkv, ptr, heads=2).shape
        torch.Size([5, 4])
    """
    qkv = check_matrix(qkv, "qkv", finite=False)
    heads = check_int(heads, "heads", minimum=1)
    if qkv.size(1) == 0 or qkv.size(1) % (3 * heads):
        raise ValueError(
            f"qkv must have a multiple of 3 * heads = {3 * heads} columns, got {qkv.size(1)}"
        )
    ptr = check_pointers(ptr, qkv.size(0), "ptr")
    check_same_device(qkv=qkv, ptr=ptr)
    if half_precision.usable(qkv, ptr, heads):
        refuse_transforms("segment_attention")
        return half_precision.segment_attention(qkv, ptr, heads)
    out: Tensor = call("segment_attention", widened(qkv), ptr, heads)[0]
    return out


def attend(qkv: Tensor, ptr: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Results and log-sums of checked arguments, for callers that have a derivative of their own.

    Args:
        qkv (Tensor): As for :func:`segment_attention`.
        ptr (Tensor): Likewise.
        heads (int): Likewise.

    Returns:
        tuple: ``(N, C)`` and ``(N, heads)``, float32 or float64.
    """
    if half_precision.usable(qkv, ptr, heads):
        return half_precision.attend(qkv, ptr, heads)
    out: tuple[Tensor, Tensor] = call("segment_attention", widened(qkv), ptr, heads)
    return out


def attend_backward(
    grad: Tensor, qkv: Tensor, ptr: Tensor, out: Tensor, lse: Tensor, heads: int
) -> Tensor:
    """Gradient to ``qkv``, ``(N, 3 C)``, from that of the results of :func:`attend`.

    Args:
        grad (Tensor): ``(N, C)``.
        qkv (Tensor): As for :func:`attend`.
        ptr (Tensor): Likewise.
        out (Tensor): Results of :func:`attend`.
        lse (Tensor): Its log-sums.
        heads (int): As for :func:`attend`.

    Returns:
        Tensor: float32 or float64.
    """
    grad, none = grad.contiguous(), torch.zeros_like(lse)
    if half_precision.usable(qkv, ptr, heads):
        return half_precision.attend_backward(grad, none, qkv, ptr, out, lse, heads)
    args = (grad, none, widened(qkv), ptr, out, lse, heads)
    slope: Tensor = call("segment_attention_backward", *args)
    return slope
