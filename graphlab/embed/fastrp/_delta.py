"""Changes of a graph, and the rows that they reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_index,
    check_num_nodes,
    check_tensor,
)
from graphlab.embed._adjacency import Adjacency, from_matrix
from graphlab.embed.fastrp._inputs import NodeInputs, check_names
from graphlab.ops import SparseRows

__all__: list[str] = []


def add_edges(
    adjacency: Adjacency, edge_index: Tensor, edge_weight: Tensor | None
) -> tuple[Adjacency, Tensor]:
    """Add weights to a graph.

    Returns:
        tuple[Adjacency, Tensor]: The new graph, and the edges that were added, on its device.
    """
    count = adjacency.num_nodes
    edge_index = check_edge_index(edge_index, 2**31 - 1)
    if edge_index.numel() and int(edge_index.max()) >= count:
        raise IndexError(
            f"edge_index must hold nodes below {count}, got {int(edge_index.max())}: num_nodes= "
            "adds nodes"
        )
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
    total.eliminate_zeros()  # edges that were taken away entirely
    device = adjacency.rows.device
    return from_matrix(total, np.diff(total.indptr), device), edge_index.to(device)


def add_nodes(
    adjacency: Adjacency, inputs: NodeInputs, num_nodes: int | None, node_id: Tensor | None
) -> tuple[Adjacency, NodeInputs]:
    """Add nodes without edges behind the others.

    Raises:
        TypeError, ValueError: If the graph would shrink, names of the new nodes are missing or
            repeat others, or the nodes were fitted with features or a start of their own.
    """
    before = adjacency.num_nodes
    if node_id is not None and num_nodes is None:
        num_nodes = before + check_tensor(node_id, "node_id").numel()
    count = check_num_nodes(num_nodes, minimum=before)
    if inputs.features is not None or inputs.projection_matrix is not None:
        raise ValueError(
            "num_nodes cannot grow where the fit had x or projection_matrix: fit the whole graph "
            "again, with node_id so that nodes keep their random rows"
        )
    if (inputs.node_id is None) != (node_id is None):
        wanted = "be None, as in the fit" if inputs.node_id is None else "name the new nodes"
        raise ValueError(f"node_id must {wanted}")
    if node_id is not None and inputs.node_id is not None:
        check_index(node_id, 2**63 - 1, "node_id", length=count - before)
        node_id = torch.cat([inputs.node_id, node_id.to(inputs.node_id)])
        check_names(node_id, count)
        inputs = replace(inputs, node_id=node_id)
    rows, new = adjacency.rows, count - before
    rowptr = torch.cat([rows.rowptr, rows.rowptr[-1:].expand(new)])
    counts = torch.cat([adjacency.count, adjacency.count.new_zeros(new)])
    return Adjacency(SparseRows(rowptr, rows.col, rows.weight, num_cols=count), counts), inputs


def affected_rows(adjacency: Adjacency, touched: Tensor, moved: Tensor) -> Tensor:
    """Rows whose own entries changed or that have an entry in a column that moved."""
    # A running count of entries in moved columns grows along a row that has one.
    hits = torch.zeros(adjacency.rows.col.numel() + 1, dtype=torch.int64, device=moved.device)
    torch.cumsum(moved[adjacency.rows.col.long()], 0, out=hits[1:])
    reached = hits[adjacency.rows.rowptr[1:]] > hits[adjacency.rows.rowptr[:-1]]
    return (touched | reached).nonzero().view(-1)
