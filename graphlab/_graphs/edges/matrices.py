"""Sparse matrices of scipy, torch and torch_sparse, read as edges.

One rule: a position holds one value, so repeated entries are added first, and a stored zero is no
edge. Where weights count, an edge of weight zero would change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

__all__: list[str] = []


def is_matrix(graph: Any) -> bool:
    """Test for a sparse matrix of scipy, torch or torch_sparse."""
    sparse_tensor = isinstance(graph, Tensor) and graph.layout != torch.strided
    return sp.issparse(graph) or sparse_tensor or _is_torch_sparse(graph)


def shape_of(matrix: Any) -> tuple[int, ...]:
    """Shape of a sparse matrix."""
    shape = matrix.sparse_sizes() if _is_torch_sparse(matrix) else matrix.shape
    return tuple(int(size) for size in shape)


def entries(matrix: Any) -> tuple[Tensor, Tensor | None]:
    """Row and column ``(2, E)`` int64 and value ``(E,)`` of the entries other than zero.

    Values are missing where the matrix has none. The matrix is not changed.
    """
    if sp.issparse(matrix):
        index, value = _of_scipy(matrix)
    elif isinstance(matrix, Tensor):
        index, value = _of_torch(matrix)
    else:
        row, col, value = matrix.coo()
        index = torch.stack([row, col]).long()
    if value is None or value.dim() != 1:
        return index, value
    stored = value.detach() != 0
    if bool(stored.all()):
        return index, value
    return index[:, stored], value[stored]


def _of_scipy(matrix: Any) -> tuple[Tensor, Tensor]:
    rows = matrix.tocsr()
    if not rows.has_canonical_format:
        rows = rows.copy() if rows is matrix else rows
        rows.sum_duplicates()
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    index = torch.from_numpy(np.stack([row, rows.indices]).astype(np.int64))
    return index, torch.from_numpy(np.ascontiguousarray(rows.data))


def _of_torch(matrix: Tensor) -> tuple[Tensor, Tensor]:
    # Not in place: what the caller holds stays as it is, coalesced or not.
    coo = matrix.to_sparse_coo().coalesce()
    return coo.indices(), coo.values()


def _is_torch_sparse(graph: Any) -> bool:
    """Test for ``torch_sparse.SparseTensor``, or whatever has its two methods."""
    parts = (getattr(graph, name, None) for name in ("coo", "sparse_sizes"))
    return not isinstance(graph, Tensor) and all(callable(part) for part in parts)
