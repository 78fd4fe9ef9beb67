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
from graphlab._sorted import sort_values
from graphlab._tensor_memo import TensorMemo
from graphlab.ops import reference
from graphlab.ops.library import call, define

__all__ = ["pairwise_rank"]

#: Length of the last matrix that queries were held against: many ask the same one again and again,
#: and with a single query reading it once more would take as long as the answer.
_LENGTH: TensorMemo[float] = TensorMemo()


def _fake_rank(x: Tensor, y: Tensor, truth: Tensor, *_: object) -> tuple[Tensor, Tensor]:
    total = truth.shape[0]
    return x.new_empty(total, dtype=torch.int64), x.new_empty(total, dtype=torch.int64)


define(
    "pairwise_rank(Tensor x, Tensor y, Tensor truth, Tensor? truth_ptr, Tensor? filter_ptr,"
    " Tensor? filter) -> (Tensor, Tensor)",
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
    *,
    truth_ptr: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Ranks of some rows of ``y`` among all of them, by the products with a row of ``x``.

    .. math:: g_t = |\{j : s_{ij} > s_{it}\}|, \quad e_t = |\{j \ne t : s_{ij} = s_{it}\}|,
        \quad s_{ij} = \langle x_i, y_j \rangle

    for every truth t of row i of ``x``, over the rows j that the filter does not name. The rank is
    ``greater + 1`` if ties are decided for the truth, ``greater + equal + 1`` if against it, and
    ``greater + equal / 2 + 1`` on average. Equal rows of ``y`` have equal products, to the last
    bit.

    Queries that share a row of ``x`` are best given once, with ``truth_ptr``: its products are
    computed, and its filter is read, for all its truths together.

    Args:
        x (Tensor): Floating point ``(N, D)``, finite; half precision is read as float32.
        y (Tensor): Floating point ``(M, D)``, finite.
        truth (Tensor): Rows of ``y`` to rank, int64: one for each row of ``x``, ``(N,)``, or
            ``(T,)`` with ``truth_ptr``.
        filter_ptr (Tensor, optional): Pointers ``(N + 1,)`` int64 into ``filter``.
        filter (Tensor, optional): Rows of ``y`` that do not count, int64: for row i of ``x``
            those from ``filter_ptr[i]`` to ``filter_ptr[i + 1]``, in any order. Truths may be
            among them: each is ranked all the same, and does not count for the others.
        truth_ptr (Tensor, optional): Pointers ``(N + 1,)`` int64 into ``truth``, where a row of
            ``x`` has several truths, or none: those of row i stand from ``truth_ptr[i]`` to
            ``truth_ptr[i + 1]``.

    Returns:
        tuple[Tensor, Tensor]: ``(greater, equal)``, one int64 for each truth, without gradient.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, not finite, or so large that
            a product might overflow: an undefined score has no rank.

    Complexity: O(N M D + T M) time for T truths, O((N + M) D + T) memory.
    Determinism: bitwise for a given device, whatever the number of threads.

    Example:
        >>> x, y = torch.tensor([[1.0]]), torch.tensor([[3.0], [2.0], [2.0], [1.0]])
        >>> greater, equal = pairwise_rank(x, y, torch.tensor([1]))
        >>> greater.item(), equal.item()
        (1, 1)
        >>> both = torch.tensor([1, 3]), torch.tensor([0, 2])
        >>> pairwise_rank(x, y, both[0], truth_ptr=both[1])
        (tensor([1, 3]), tensor([1, 0]))
    """
    x = check_matrix(x, "x", finite=False)
    y = check_matrix(y, "y", cols=x.size(1), finite=False)
    check_same_device(
        x=x, y=y, truth=truth, truth_ptr=truth_ptr, filter_ptr=filter_ptr, filter=filter
    )
    if truth_ptr is None:
        truth = check_index(truth, y.size(0), "truth", length=x.size(0))
    else:
        truth = check_index(truth, y.size(0), "truth")
        truth_ptr = _check_rows(truth_ptr, truth, x.size(0), "truth_ptr")
    filters = check_filter(filter_ptr, filter, x.size(0), y.size(0))
    left, right = widened_together(x.detach(), y.detach())
    check_products(left, right, y)
    greater, equal = call("pairwise_rank", left, right, truth, truth_ptr, *filters)
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
    ptr = _check_rows(ptr, index, rows, "filter_ptr")
    if index.numel() < 2 or not values_visible(index):
        return ptr, index
    row = torch.repeat_interleave(torch.arange(rows, device=ptr.device), ptr.diff())
    key = row * columns + index
    if bool((key[1:] < key[:-1]).any()):
        index = sort_values(key) - row * columns
    return ptr, index


def _check_rows(ptr: Tensor, index: Tensor, rows: int, name: str) -> Tensor:
    """Require pointers of ``rows`` rows into ``index``."""
    ptr = check_pointers(ptr, index.numel(), name)
    if ptr.numel() != rows + 1:
        raise ValueError(f"{name} must have {rows + 1} entries, got {ptr.numel()}")
    return ptr


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
