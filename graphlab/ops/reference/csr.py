"""Compressed rows of edges in any order."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.ops.csr import row_pointers


def csr_from_edges(
    edge_index: Tensor, num_rows: int, num_cols: int, numbers: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Edges sorted by row, then column, repeated ones merged.

    Returns:
        tuple: Row pointers ``(num_rows + 1,)``; column of every entry, int32 ``(M,)``; entry that
        every edge went into ``(E,)``, empty where edge k is entry k or without ``numbers``; row
        pointers of the transpose ``(num_cols + 1,)``; entry of the matrix that each entry of the
        transpose is ``(M,)``, empty without ``numbers``; and ``(2,)``: whether the pattern is
        symmetric, and the first edge outside of the matrix (then the others are empty) or -1.
    """
    row, col = edge_index
    outside = ((row < 0) | (row >= num_rows) | (col < 0) | (col >= num_cols)).nonzero()
    if outside.numel():
        none = row.new_empty(0)
        facts = row.new_tensor([0, int(outside[0])])
        return none, none.int(), none, none, none, facts
    key = row * max(num_cols, 1) + col
    entry = key.new_empty(0)
    if not bool((key[1:] > key[:-1]).all()):
        key, entry = torch.unique(key, return_inverse=True) if numbers else (key.unique(), entry)
        row = torch.div(key, max(num_cols, 1), rounding_mode="floor")
        col = key % max(num_cols, 1)
    transpose = torch.argsort(col, stable=True)
    symmetric = (
        num_rows == num_cols
        and torch.equal(row[transpose], col)
        and torch.equal(col[transpose], row)
    )
    facts = key.new_tensor([int(symmetric), -1])
    rowptr, colptr = row_pointers(row, num_rows), row_pointers(col[transpose], num_cols)
    transpose = transpose if numbers else key.new_empty(0)
    return rowptr, col.int(), entry, colptr, transpose, facts
