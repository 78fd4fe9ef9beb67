"""Edges in any order as compressed rows: sorted by counting, repeated ones merged."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlab._checks.graph_kinds import MAP_IDS
from graphlab.ops import reference
from graphlab.ops.library import call, define

__all__ = ["SortedEdges", "sort_edges"]

_MAX_EDGES = 2**31 - 1


def _unknown_sizes(
    edge_index: Tensor, num_rows: int, num_cols: int, numbers: bool
) -> tuple[Tensor, ...]:
    context = torch.library.get_ctx()
    entries = context.new_dynamic_size()
    moved = context.new_dynamic_size() if numbers else 0
    return (
        edge_index.new_empty(num_rows + 1),
        edge_index.new_empty(entries, dtype=torch.int32),
        edge_index.new_empty(moved),
        edge_index.new_empty(num_cols + 1),
        edge_index.new_empty(entries if numbers else 0),
        edge_index.new_empty(2),
    )


define(
    "csr_from_edges(Tensor edge_index, int num_rows, int num_cols, bool numbers) "
    "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
    reference.csr_from_edges,
    _unknown_sizes,
)


define(
    "sort_by_index(Tensor index, int size) -> (Tensor, Tensor)",
    reference.sort_by_index,
    lambda index, size: (
        index.new_empty(size + 1, dtype=torch.int64),
        index.new_empty(index.shape, dtype=torch.int64),
    ),
)


class SortedEdges(NamedTuple):
    """Edges sorted by row, then column, repeated ones merged.

    Attributes:
        rowptr (Tensor): Row pointers, int64 ``(R + 1,)``.
        col (Tensor): Column of every entry, int32 ``(M,)``, ascending within a row.
        entry (Tensor, optional): Entry that every edge went into, int64 ``(E,)``; ``None`` where
            edge k is entry k, or nobody asked for numbers.
        rowptr_t (Tensor): Row pointers of the transpose, int64 ``(C + 1,)``.
        transpose (Tensor, optional): Number in the matrix of every entry of the transpose, int64
            ``(M,)``; where the pattern is symmetric, number of the reverse of every entry. ``None``
            where nobody asked for numbers.
        symmetric (bool): Whether every edge is there in both directions.
    """

    rowptr: Tensor
    col: Tensor
    entry: Tensor | None
    rowptr_t: Tensor
    transpose: Tensor | None
    symmetric: bool

    def sum_by_entry(self, value: Tensor) -> Tensor:
        """Sums over the edges of every entry, ``(M,)``, in the order of the edges.

        Args:
            value (Tensor): Values of the edges, floating point ``(E,)``; may require a gradient.

        Raises:
            RuntimeError: If the edges were sorted without numbers.
        """
        if self.transpose is None:
            raise RuntimeError("edges were sorted with numbers=False")
        if self.entry is None:
            return value
        return value.new_zeros(self.col.numel()).index_add(0, self.entry, value)


def sort_edges(
    edge_index: Tensor, num_rows: int, num_cols: int, *, numbers: bool = True
) -> SortedEdges:
    """Edges sorted by row, then column, by counting; values outside of the matrix are refused.

    Args:
        edge_index (Tensor): int64 ``(2, E)``, row and column of every edge.
        num_rows (int): R, at most :math:`2^{31} - 1`.
        num_cols (int): C, at most :math:`2^{31} - 1`.
        numbers (bool): Whether to find ``entry`` and ``transpose``, which what is done with values
            of edges needs. Without them the sort moves half as much, or a quarter.

    Returns:
        SortedEdges: On the device of ``edge_index``.

    Raises:
        IndexError: If a value is out of range.

    Complexity: O(E + R + C) time and memory in the compiled kernel.
    """
    # The kernel numbers edges by 32 bits.
    few = edge_index.size(1) <= _MAX_EDGES
    sort: Any = partial(call, "csr_from_edges") if few else reference.csr_from_edges
    rowptr, col, entry, rowptr_t, transposed, facts = sort(edge_index, num_rows, num_cols, numbers)
    symmetric, outside = facts.tolist()
    if outside >= 0:
        row, col = edge_index[:, outside].tolist()
        # Where the row is in range, the column is not.
        axis, value, size = (1, col, num_cols) if 0 <= row < num_rows else (0, row, num_rows)
        advice = f": {MAP_IDS}" if value >= 2 * size else ""
        raise IndexError(f"edge_index[{axis}, {outside}] = {value} is outside [0, {size}){advice}")
    moved = entry.numel() > 0
    return SortedEdges(
        rowptr,
        col,
        entry if moved else None,
        rowptr_t,
        transposed if numbers else None,
        bool(symmetric),
    )
