"""Ranks of given rows of one matrix among all of its rows, for every row of another."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import (
    check_finite,
    check_index,
    check_matrix,
    check_pointers,
    check_same_device,
    values_visible,
)
from graphlab._precision import widened_together
from graphlab._tensor_memo import TensorMemo
from graphlab.ops import reference
from graphlab.ops.library import call, define

__all__ = ["pairwise_rank"]

#: Length of the last matrix that queries were held against: many ask the same one again and again,
#: and with a single query reading it once more would take as long as the answer.
_LENGTH: TensorMemo[float] = TensorMemo()


def _fake_rank(x: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    rows = x.shape[0]
    return x.new_empty(rows, dtype=torch.int64), x.new_empty(rows, dtype=torch.int64)


define(
    "pairwise_rank(Tensor x, Tensor y, Tensor truth, Tensor? filter_ptr, Tensor? filter)"
    " -> (Tensor, Tensor)",
    reference.pairwise_rank,
    _fake_rank,
)


@torch.no_grad()
def pairwise_rank(
    x: Tensor,
    y: Tensor,
    truth: Tensor,
    filter_ptr: Tensor | None = None,
    filter: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Rank of one row of ``y`` among all of them, by the products with every row of ``x``.

    .. math:: g_i = |\{j : s_{ij} > s_{i t_i}\}|, \quad e_i = |\{j \ne t_i : s_{ij} = s_{i t_i}\}|,
        \quad s_{ij} = \langle x_i, y_j \rangle

    over the rows j that the filter does not name. The rank is ``greater + 1`` if ties are decided
    for the truth, ``greater + equal + 1`` if against it, and ``greater + equal / 2 + 1`` on
    average. Equal rows of ``y`` have equal products, to the last bit.

    Args:
        x (Tensor): Floating point ``(N, D)``, finite; half precision is read as float32.
        y (Tensor): Floating point ``(M, D)``, finite.
        truth (Tensor): The row of ``y`` to rank for each row of ``x``, ``(N,)`` int64.
        filter_ptr (Tensor, optional): Pointers ``(N + 1,)`` int64 into ``filter``.
        filter (Tensor, optional): Rows of ``y`` that do not count, int64: for row i of ``x``
            those from ``filter_ptr[i]`` to ``filter_ptr[i + 1]``, in any order. The truth may be
            among them: it is ranked all the same.

    Returns:
        tuple[Tensor, Tensor]: ``(greater, equal)``, ``(N,)`` int64 each, without gradient.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, not finite, or so large that
            a product might overflow: an undefined score has no rank.

    Complexity: O(N M D) time, O((N + M) D) memory.
    Determinism: bitwise for a given device, whatever the number of threads.

    Example:
        >>> x, y = torch.tensor([[1.0]]), torch.tensor([[3.0], [2.0], [2.0], [1.0]])
        >>> greater, equal = pairwise_rank(x, y, torch.tensor([1]))
        >>> greater.item(), equal.item()
        (1, 1)
    """
    x = check_matrix(x, "x", finite=False)
    y = check_matrix(y, "y", cols=x.size(1), finite=False)
    check_same_device(x=x, y=y, truth=truth, filter_ptr=filter_ptr, filter=filter)
    truth = check_index(truth, y.size(0), "truth", length=x.size(0))
    filters = check_filter(filter_ptr, filter, x.size(0), y.size(0))
    left, right = widened_together(x.detach(), y.detach())
    check_products(left, right, y)
    greater, equal = call("pairwise_rank", left, right, truth, *filters)
    return greater, equal


def check_filter(
    ptr: Tensor | None, index: Tensor | None, rows: int, columns: int
) -> tuple[Tensor | None, Tensor | None]:
    """Require both tensors of a filter, or none; what comes back ascends within a row."""
    if ptr is None and index is None:
        return None, None
    if ptr is None or index is None:
        raise ValueError("filter_ptr and filter must be given together, got one of them")
    index = check_index(index, columns, "filter")
    ptr = check_pointers(ptr, index.numel(), "filter_ptr")
    if ptr.numel() != rows + 1:
        raise ValueError(f"filter_ptr must have {rows + 1} entries, got {ptr.numel()}")
    if index.numel() < 2 or not values_visible(index):
        return ptr, index
    row = torch.repeat_interleave(torch.arange(rows, device=ptr.device), ptr.diff())
    key = row * columns + index
    if bool((key[1:] < key[:-1]).any()):
        index = key.sort().values - row * columns
    return ptr, index


def check_products(x: Tensor, y: Tensor, given: Tensor) -> None:
    """Require two finite matrices of one type no product of whose rows can overflow.

    One pass over each in the good case: no row is longer than all of the matrix, whose length is
    finite only where every value is. That of y is remembered while ``given``, the tensor that the
    caller has and y holds the values of, stays unchanged.
    """
    if not values_visible(x, y):
        return
    limit = torch.finfo(x.dtype).max
    right = _LENGTH.get([given], lambda: _length(y), key=y.dtype)
    if (right if y is x else _length(x)) * right < limit / 2:
        return
    check_finite(x, "x")
    check_finite(y, "y")
    if x.numel() == 0 or y.numel() == 0:
        return
    norms = [float(reference.row_norms(side).max()) for side in (x, y)]
    if not norms[0] * norms[1] < limit:
        raise ValueError(
            "x and y must have products that do not overflow, but their largest rows have norms "
            f"{norms[0]:.2g} and {norms[1]:.2g}: scale them"
        )


def _length(x: Tensor) -> float:
    """Root of the sum of all squares; infinite or NaN where it leaves the type of the matrix."""
    return float(torch.linalg.vector_norm(x))
