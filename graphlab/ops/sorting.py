"""Sorting of integers by counting, and the row pointers of what is sorted."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from graphlab.ops.library import call

__all__ = ["MAX_NODES", "row_pointers", "sort_by_index", "sort_in_torch"]

#: Columns are numbered by 32 bits.
MAX_NODES = 2**31 - 1


def row_pointers(row: Tensor, num_rows: int) -> Tensor:
    """Row pointers, int64 ``(num_rows + 1,)``, of ascending row numbers ``(E,)``."""
    borders = torch.arange(num_rows + 1, device=row.device, dtype=row.dtype)
    return torch.searchsorted(row.contiguous(), borders)


def sort_by_index(index: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Group integers in ``[0, size)``, stably.

    Args:
        index (Tensor): int32 or int64 ``(E,)``; trusted to be in range.
        size (int): Number of groups.

    Returns:
        tuple: Row pointers of the groups, int64 ``(size + 1,)``, and the positions in ``index``
        that they hold, int64 ``(E,)``, in their order.

    Complexity: O(E + size) time and memory in the compiled kernel, which sorts by counting.
    """
    # The kernel numbers edges by 32 bits.
    few = index.numel() <= MAX_NODES and size <= MAX_NODES
    sort: Any = partial(call, "sort_by_index") if few else sort_in_torch
    pointers, order = sort(index, size)
    return pointers, order


def sort_in_torch(index: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Definition of the operator ``sort_by_index``, for any number of integers.

    Args:
        index (Tensor): int32 or int64 ``(E,)``, in ``[0, size)``.
        size (int): Number of groups.

    Returns:
        tuple: Beginnings of the values, int64 ``(size + 1,)``; positions by value and then as they
        were given, int64 ``(E,)``.
    """
    order = torch.argsort(index, stable=True)
    return row_pointers(index[order].long(), size), order
