"""Best rows of one matrix for every row of another, without their matrix of scores."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_int, check_matrix, check_same_device
from graphlab._precision import widened_together
from graphlab.ops import reference
from graphlab.ops.library import call, define
from graphlab.ops.ranking import check_filter, check_products

__all__ = ["pairwise_topk"]


def _fake_topk(x: Tensor, y: Tensor, k: int, *_: object) -> tuple[Tensor, Tensor]:
    rows = x.shape[0]
    return x.new_empty(rows, k), x.new_empty(rows, k, dtype=torch.int64)


define(
    "pairwise_topk(Tensor x, Tensor y, int k, int diagonal, Tensor? filter_ptr, Tensor? filter)"
    " -> (Tensor, Tensor)",
    reference.pairwise_topk,
    _fake_topk,
)


@torch.no_grad()
def pairwise_topk(
    x: Tensor,
    y: Tensor | None = None,
    k: int = 10,
    filter_ptr: Tensor | None = None,
    filter: Tensor | None = None,
    *,
    metric: Literal["dot", "cosine"] = "dot",
) -> tuple[Tensor, Tensor]:
    r"""The k rows of ``y`` with the largest products with every row of ``x``.

    Without ``y``, the nearest neighbours among the rows of ``x`` themselves, a row not being its
    own: ``pairwise_topk(z, k=10, metric="cosine")``.

    Args:
        x (Tensor): Floating point ``(N, D)``, finite; half precision is read as float32.
        y (Tensor, optional): Floating point ``(M, D)``, finite.
        k (int): Rows that are wanted, at least 1. Where fewer may be taken, the rest of a row of
            the result is -1 with value ``-inf``.
        filter_ptr (Tensor, optional): Pointers ``(N + 1,)`` int64 into ``filter``.
        filter (Tensor, optional): Rows of ``y`` that must not be taken, int64: for row i of ``x``
            those from ``filter_ptr[i]`` to ``filter_ptr[i + 1]``.
        metric (str): ``"dot"``, or ``"cosine"`` (a row of zeros has cosine 0 with all).

    Returns:
        tuple[Tensor, Tensor]: Values ``(N, k)``, largest first, without gradient, and rows of ``y``
        ``(N, k)`` int64; of equal values the smaller row first.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or so large that a
            product might overflow.

    Complexity: O(N M D) time, O((N + M) D + N k) memory.
    Determinism: bitwise for a given device, whatever the number of threads.

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.1], [0.0, 1.0]])
        >>> pairwise_topk(z, k=1, metric="cosine")[1].view(-1).tolist()
        [1, 0, 1]
    """
    own = y is None
    if isinstance(y, int):
        raise TypeError(f"y must be a torch.Tensor or None, got int: write k={y}")
    products = metric == "dot"  # whose check finds what is not finite too
    x = check_matrix(x, "x", finite=not products)
    y = x if y is None else check_matrix(y, "y", cols=x.size(1), finite=not products)
    check_same_device(x=x, y=y, filter_ptr=filter_ptr, filter=filter)
    k = check_int(k, "k", minimum=1)
    check_choice(metric, "metric", ("dot", "cosine"))
    filters = check_filter(filter_ptr, filter, x.size(0), y.size(0))
    left, right = widened_together(x.detach(), y.detach())
    right = left if own else right
    if products:
        check_products(left, right, y)
    else:
        left = reference.unit_rows(left)
        right = left if own else reference.unit_rows(right)
    mode = reference.EXCLUDE if own else reference.KEEP
    value, index = call("pairwise_topk", left, right, k, mode, *filters)
    return value, index
