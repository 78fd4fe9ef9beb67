"""The graph as FastRP reads it: directed CSR rows, from whatever the caller has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_edge_weight, check_int, check_tensor

__all__: list[str] = []

_MAX_NODES = 2**31 - 1


@dataclass(frozen=True)
class Adjacency:
    """Rows of a non-negative matrix; repeated entries are summed, self-loops kept.

    Attributes:
        rowptr: int64 ``(N + 1,)``.
        col: int32 ``(E,)``, ascending within a row.
        weight: float64 ``(E,)``, or ``None`` if every entry is one.
        count: int64 ``(N,)``, entries of each row before repetitions were merged.
    """

    rowptr: Tensor
    col: Tensor
    weight: Tensor | None
    count: Tensor

    @property
    def num_nodes(self) -> int:
        """Number of rows."""
        return self.rowptr.numel() - 1

    def degree(self) -> Tensor:
        """Sum of every row, float64 ``(N,)``."""
        if self.weight is None:
            return self.rowptr.diff().double()
        # One running sum would lose digits in long graphs: rows are added one by one.
        return torch.from_numpy(np.asarray(self.matrix().sum(axis=1)).reshape(-1)).to(
            self.rowptr.device
        )

    def matrix(self) -> sp.csr_matrix:
        """The same rows as a scipy matrix of float64."""
        weight = torch.ones(self.col.numel()).double() if self.weight is None else self.weight
        values = weight.cpu().numpy()
        parts = (values, self.col.cpu().numpy(), self.rowptr.cpu().numpy())
        return sp.csr_matrix(parts, shape=(self.num_nodes, self.num_nodes))


def read_adjacency(edge_index: Any, edge_weight: Any = None, num_nodes: int | None = None) -> Any:
    """Turn an edge list, a PyG ``Data``, a torch or a scipy sparse matrix into rows.

    Returns:
        Adjacency: On the device of the input.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    if hasattr(edge_index, "edge_index") and hasattr(edge_index, "num_nodes"):
        data = edge_index
        if edge_weight is None:
            edge_weight = getattr(data, "edge_weight", None)
        num_nodes = data.num_nodes if num_nodes is None else num_nodes
        return read_adjacency(data.edge_index, edge_weight, num_nodes)
    if sp.issparse(edge_index):
        return _from_scipy(edge_index, edge_weight, num_nodes)
    if isinstance(edge_index, Tensor) and edge_index.layout in (torch.sparse_csr, torch.sparse_coo):
        return _from_torch_sparse(edge_index, edge_weight, num_nodes)
    check_tensor(edge_index, "edge_index")
    if num_nodes is None:
        num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=_MAX_NODES)
    edge_index = check_edge_index(edge_index, num_nodes)
    values = None
    if edge_weight is not None:
        values = check_edge_weight(edge_weight, edge_index.size(1)).detach().double().cpu().numpy()
    row, col = edge_index.cpu().numpy()
    return _from_entries(row, col, values, num_nodes, edge_index.device)


def _from_entries(
    row: np.ndarray[Any, Any],
    col: np.ndarray[Any, Any],
    values: np.ndarray[Any, Any] | None,
    num_nodes: int,
    device: torch.device,
) -> Adjacency:
    count = np.bincount(row, minlength=num_nodes)
    # Single precision counts repetitions exactly up to 2**24.
    given = np.ones(row.size, dtype=np.float32) if values is None else values
    matrix = sp.coo_matrix((given, (row, col)), shape=(num_nodes, num_nodes)).tocsr()
    return from_matrix(matrix, count, device)


def from_matrix(
    matrix: sp.csr_matrix, count: np.ndarray[Any, Any], device: torch.device
) -> Adjacency:
    """Adjacency of a scipy matrix without repetitions."""
    matrix.sort_indices()
    plain = bool((matrix.data == 1).all())
    return Adjacency(
        rowptr=torch.from_numpy(matrix.indptr.astype(np.int64)).to(device),
        col=torch.from_numpy(matrix.indices.astype(np.int32)).to(device),
        weight=None if plain else torch.from_numpy(matrix.data.astype(np.float64)).to(device),
        count=torch.from_numpy(np.asarray(count, dtype=np.int64)).to(device),
    )


def _from_scipy(matrix: Any, edge_weight: Any, num_nodes: int | None) -> Adjacency:
    _refuse_extras(edge_weight, num_nodes, matrix.shape)
    entries = matrix.tocoo()
    values = torch.from_numpy(np.asarray(entries.data, dtype=np.float64))
    check_edge_weight(values, values.numel())
    row, col = entries.row.astype(np.int64), entries.col.astype(np.int64)
    return _from_entries(row, col, values.numpy(), matrix.shape[0], torch.device("cpu"))


def _from_torch_sparse(matrix: Tensor, edge_weight: Any, num_nodes: int | None) -> Adjacency:
    _refuse_extras(edge_weight, num_nodes, matrix.shape)
    if matrix.layout == torch.sparse_coo:
        matrix = matrix.coalesce()
        index, values = matrix.indices(), matrix.values()
    else:
        rows = torch.arange(matrix.size(0), device=matrix.device)
        row = torch.repeat_interleave(rows, matrix.crow_indices().long().diff())
        index, values = torch.stack([row, matrix.col_indices().long()]), matrix.values()
    check_edge_weight(values.double(), index.size(1))
    row, col = index.cpu().numpy()
    weights = values.detach().double().cpu().numpy()
    return _from_entries(row, col, weights, matrix.size(0), matrix.device)


def _refuse_extras(edge_weight: Any, num_nodes: int | None, shape: Any) -> None:
    if edge_weight is not None:
        raise ValueError("edge_weight must be None where edge_index is a matrix with values")
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"edge_index must be a square matrix, got shape {tuple(shape)}")
    if num_nodes is not None and num_nodes != shape[0]:
        raise ValueError(f"num_nodes must be {shape[0]}, the size of the matrix, got {num_nodes}")
