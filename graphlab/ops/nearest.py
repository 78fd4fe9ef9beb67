"""Best rows of one matrix for every row of another, without their matrix of scores."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_index,
    check_int,
    check_matrix,
    check_pointers,
    check_same_device,
)
from graphlab._top_columns import top_columns
from graphlab.ops.reference.rows import chunks, unit_rows

__all__ = ["pairwise_topk"]


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
        TypeError, ValueError, IndexError: If an argument is malformed, or a product overflows.

    Complexity: O(N M D) time, O((N + M) D + N k) memory.
    Determinism: bitwise for a given device and number of threads.

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [0.8, 0.1], [0.0, 1.0]])
        >>> pairwise_topk(z, k=1, metric="cosine")[1].view(-1).tolist()
        [1, 0, 1]
    """
    own = y is None
    if isinstance(y, int):
        raise TypeError(f"y must be a torch.Tensor or None, got int: write k={y}")
    x = check_matrix(x, "x")
    y = x if y is None else check_matrix(y, "y", cols=x.size(1))
    check_same_device(x=x, y=y, filter_ptr=filter_ptr, filter=filter)
    k = check_int(k, "k", minimum=1)
    check_choice(metric, "metric", ("dot", "cosine"))
    blocked = _check_filter(filter_ptr, filter, x.size(0), y.size(0))
    dtype = torch.float64 if torch.float64 in (x.dtype, y.dtype) else torch.float32
    left, right = x.detach().to(dtype), y.detach().to(dtype)
    if metric == "cosine":
        left = unit_rows(left)
        right = left if own else unit_rows(right)
    return _by_chunks(left, right, k, own, blocked)


def _by_chunks(
    x: Tensor, y: Tensor, k: int, own: bool, blocked: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor]:
    value = x.new_full((x.size(0), k), -torch.inf)
    index = torch.full((x.size(0), k), -1, dtype=torch.int64, device=x.device)
    width = min(k, y.size(0))
    for rows in chunks(x.size(0), y.size(0)):
        score = x[rows] @ y.t()
        if bool(score.isnan().any()):
            raise ValueError("x and y must have products that do not overflow: scale their rows")
        if own:
            at = torch.arange(rows.start, rows.stop, device=x.device)
            score[at - rows.start, at] = -torch.inf
        if blocked is not None:
            ptr, columns = blocked
            part = ptr[rows.start : rows.stop + 1]
            row = torch.repeat_interleave(torch.arange(len(part) - 1, device=x.device), part.diff())
            score[row, columns[part[0] : part[-1]]] = -torch.inf
        best, column = top_columns(score, width)
        value[rows, :width] = best
        index[rows, :width] = column.masked_fill(best == -torch.inf, -1)
    return value, index


def _check_filter(
    ptr: Tensor | None, index: Tensor | None, rows: int, columns: int
) -> tuple[Tensor, Tensor] | None:
    if ptr is None and index is None:
        return None
    if ptr is None or index is None:
        raise ValueError("filter_ptr and filter must be given together, got one of them")
    index = check_index(index, columns, "filter")
    ptr = check_pointers(ptr, index.numel(), "filter_ptr")
    if ptr.numel() != rows + 1:
        raise ValueError(f"filter_ptr must have {rows + 1} entries, got {ptr.numel()}")
    return ptr, index
