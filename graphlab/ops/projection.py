"""Random matrices that need not be stored: every entry is a function of its coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import (
    check_full_precision,
    check_int,
    check_nonnegative,
    check_positive,
    check_same_device,
    check_tensor,
    values_visible,
)
from graphlab.ops import reference
from graphlab.ops.library import call, define

__all__ = ["random_projection"]

define(
    "random_projection(Tensor factor, Tensor? node, int seed, int stream, int start, int stop, "
    "float sparsity, float scale) -> Tensor",
    reference.random_projection,
    lambda factor, node, seed, stream, start, stop, sparsity, scale: factor.new_empty(
        (factor.shape[0], stop - start)
    ),
)


def random_projection(
    factor: Tensor,
    start: int,
    stop: int,
    *,
    sparsity: float,
    scale: float = 1.0,
    node: Tensor | None = None,
    seed: int = 0,
    stream: int = 0,
) -> Tensor:
    r"""Columns of a random matrix whose entries do not depend on how it is cut.

    .. math:: R_{ij} = f_i \, c \, x_{ij}

    x is ternary for sparsity s >= 1: +1 and -1 with probability 1 / (2 s) each, else 0. For s = 0
    it is standard normal.

    **Format promise.** The word :math:`u_{ij}` of an entry is that of
    :func:`graphlab._random.philox_uint32` for (seed, stream, node i, column j). Ternary: +1 if
    u < t, -1 if t <= u < 2 t with :math:`t = \lfloor 2^{31} / s + 1/2 \rfloor`. Normal: the
    quantile of (u + 1/2) / 2^32 by algorithm AS 241, in float64 without fused operations. The bits
    are equal in pure torch and compiled, on CPU (where the compiler can be kept from fusing: GCC
    and Clang) and CUDA. They change only with the major version of the library.

    Args:
        factor (Tensor): Row factors f, ``(N,)`` float32 or float64; sets dtype and device.
        start (int): First column.
        stop (int): One past the last column, at most ``2**34``.
        sparsity (float): 0, or s >= 1.
        scale (float): Positive c.
        node (Tensor, optional): Row names, int64 ``(N,)``, not negative; 0, 1, ... when missing.
        seed (int): In ``[0, 2**64)``.
        stream (int): In ``[0, 2**32)``; streams are independent matrices of one seed.

    Returns:
        Tensor: ``(N, stop - start)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(N (stop - start)) time; nothing but the result is stored.

    Reference: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; Wichura,
        "Algorithm AS 241", Applied Statistics 37, 1988.

    Example:
        >>> whole = random_projection(torch.ones(5), 0, 8, sparsity=3.0)
        >>> torch.equal(whole[:, 6:], random_projection(torch.ones(5), 6, 8, sparsity=3.0))
        True
    """
    check_full_precision(check_tensor(factor, "factor"), "factor")
    if factor.dim() != 1:
        raise ValueError(f"factor must be 1-D, got shape {tuple(factor.shape)}")
    start = check_int(start, "start", minimum=0)
    stop = check_int(stop, "stop", minimum=start, maximum=2**34)
    seed = check_int(seed, "seed", minimum=0, maximum=2**64 - 1)
    stream = check_int(stream, "stream", minimum=0, maximum=2**32 - 1)
    sparsity = check_nonnegative(sparsity, "sparsity")
    if 0 < sparsity < 1:
        raise ValueError(f"sparsity must be 0 (normal) or at least 1, got {sparsity}")
    if node is not None:
        _check_node(node, factor)
    # Schemas have signed integers: the upper half of the seeds travels as negative numbers.
    signed = seed - 2**64 if seed >= 2**63 else seed
    out: Tensor = call(
        "random_projection",
        factor,
        node,
        signed,
        stream,
        start,
        stop,
        sparsity,
        check_positive(scale, "scale"),
    )
    return out


def _check_node(node: Tensor, factor: Tensor) -> None:
    if check_tensor(node, "node").dtype != torch.int64:
        raise TypeError(f"node must be int64, got {node.dtype}")
    if node.shape != factor.shape:
        raise ValueError(f"node must have shape {tuple(factor.shape)}, got {tuple(node.shape)}")
    check_same_device(factor=factor, node=node)
    if node.numel() and values_visible(node) and int(node.min()) < 0:
        raise IndexError(f"node must not be negative, got {int(node.min())}")
