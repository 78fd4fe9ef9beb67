"""The graph as embeddings read it: directed CSR rows, from whatever the caller has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_edge_weight, check_tensor
from graphlab._graphs.edges import AUTO, read_edges
from graphlab.ops import SparseRows
from graphlab.ops.csr import trusted
from graphlab.ops.edge_order import sort_edges

__all__: list[str] = []


@dataclass(frozen=True)
class Adjacency:
    """Rows of a non-negative matrix; repeated entries are summed, self-loops kept.

    Attributes:
        rows (SparseRows): Columns ascend within a row; the weights are float64, or missing if every
            entry is one.
        count (Tensor): int64 ``(N,)``, entries of each row before repetitions were merged.
    """

    rows: SparseRows
    count: Tensor

    @property
    def num_nodes(self) -> int:
        """Number of rows."""
        return self.rows.num_rows

    def degree(self) -> Tensor:
        """Sum of every row, float64 ``(N,)``."""
        if self.rows.weight is None:
            return self.rows.rowptr.diff().double()
        # One running sum would lose digits in long graphs: rows are added one by one.
        return torch.from_numpy(np.asarray(self.matrix().sum(axis=1)).reshape(-1)).to(
            self.rows.device
        )

    def has_weights(self) -> bool:
        """Whether weights were given; without any, repeated entries have the number of copies."""
        return self.rows.weight is not None and not torch.equal(self.degree(), self.count.double())

    def matrix(self) -> sp.csr_matrix:
        """The same rows as a scipy matrix of float64."""
        rows = self.rows.to("cpu")
        ones = torch.ones(rows.num_edges, dtype=torch.float64, device="cpu")
        weight = ones if rows.weight is None else rows.weight
        parts = (weight.numpy(), rows.col.numpy(), rows.rowptr.numpy())
        return sp.csr_matrix(parts, shape=(self.num_nodes, self.num_nodes))


def read_adjacency(
    edge_index: Any,
    edge_weight: Any = None,
    num_nodes: int | None = None,
    weight: str | None = AUTO,
) -> Adjacency:
    """Turn a graph in any form that :func:`graphlab._graphs.edges.read_edges` knows into rows.

    Args:
        edge_index (Any): See there, as the next three.
        edge_weight (Any): See there.
        num_nodes (int, optional): See there.
        weight (str, optional): See there.

    Returns:
        Adjacency: On the device of the input.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    graph = read_edges(edge_index, edge_weight, num_nodes, weight=weight)
    count = graph.nodes()
    edges = check_edge_index(graph.edge_index, count, values=False)
    values = None
    if graph.edge_weight is not None:
        # Doubles from the start: counts stay exact.
        given = check_tensor(graph.edge_weight, "edge_weight").detach()
        given = given if given.is_complex() else given.double()
        values = check_edge_weight(given, edges.size(1))
    return _from_entries(edges, values, count)


def _from_entries(edge_index: Tensor, values: Tensor | None, num_nodes: int) -> Adjacency:
    """Rows of checked edges, whose range the sort checks."""
    edges = sort_edges(edge_index, num_nodes, num_nodes, numbers=values is not None)
    merged = edges.col.numel() < edge_index.size(1)
    if values is None and merged:
        values = edge_index.new_ones(edge_index.size(1), dtype=torch.float64)
        edges = sort_edges(edge_index, num_nodes, num_nodes)
    weight = None if values is None else edges.sum_by_entry(values)
    if weight is not None and bool((weight == 1).all()):
        weight = None
    given = torch.bincount(edge_index[0], minlength=num_nodes) if merged else edges.rowptr.diff()
    return Adjacency(trusted(SparseRows(edges.rowptr, edges.col, weight)), given)


def from_matrix(
    matrix: sp.csr_matrix, count: np.ndarray[Any, Any], device: torch.device
) -> Adjacency:
    """Adjacency of a scipy matrix without repetitions."""
    matrix.sort_indices()
    plain = bool((matrix.data == 1).all())
    rows = SparseRows(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int32)),
        None if plain else torch.from_numpy(matrix.data.astype(np.float64)),
    )
    counts = torch.from_numpy(np.asarray(count, dtype=np.int64))
    return Adjacency(rows.to(device), counts.to(device))
