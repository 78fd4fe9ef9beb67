"""Changes of a graph, and the rows that they reach."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_edge_weight
from graphlab.embed.fastrp._adjacency import Adjacency, from_matrix

__all__: list[str] = []


def add_edges(
    adjacency: Adjacency, edge_index: Tensor, edge_weight: Tensor | None
) -> tuple[Adjacency, Tensor]:
    """Add weights to a graph.

    Returns:
        tuple[Adjacency, Tensor]: The new graph, and the rows that changed as a mask ``(N,)``.
    """
    count = adjacency.num_nodes
    edge_index = check_edge_index(edge_index, count)
    values = np.ones(edge_index.size(1))
    if edge_weight is not None:
        weight = check_edge_weight(edge_weight, edge_index.size(1), nonnegative=False)
        values = weight.detach().double().cpu().numpy()
    row, col = edge_index.cpu().numpy()
    change = sp.coo_matrix((values, (row, col)), shape=(count, count)).tocsr()
    total = (adjacency.matrix() + change).tocsr()
    if total.nnz and total.data.min() < 0:
        worst = total.tocoo()
        at = int(worst.data.argmin())
        pair = (int(worst.row[at]), int(worst.col[at]))
        raise ValueError(f"edge_weight must leave weights >= 0, but {pair} gets {worst.data[at]}")
    total.eliminate_zeros()
    touched = torch.zeros(count, dtype=torch.bool, device=adjacency.rows.device)
    touched[edge_index[0].to(touched.device)] = True
    return from_matrix(total, np.diff(total.indptr), touched.device), touched


def affected_rows(adjacency: Adjacency, touched: Tensor, moved: Tensor) -> Tensor:
    """Rows whose own entries changed or that have an entry in a column that moved."""
    hits = torch.zeros(adjacency.rows.col.numel() + 1, dtype=torch.int64, device=moved.device)
    torch.cumsum(moved[adjacency.rows.col.long()], 0, out=hits[1:])
    reached = hits[adjacency.rows.rowptr[1:]] > hits[adjacency.rows.rowptr[:-1]]
    return (touched | reached).nonzero().view(-1)
