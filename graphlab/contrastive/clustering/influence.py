"""The r-order influence adjacency: weighted positives of every node."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_int
from graphlab.ops import CSRGraph

__all__ = ["influence_adjacency", "influence_graph"]


def influence_adjacency(
    edge_index: Tensor,
    num_nodes: int,
    order: int = 1,
    cumulative: bool = True,
    topk: int | None = None,
    duplicates: Literal["collapse", "sum"] = "collapse",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    r"""Powers of the random walk with self-loops.

    .. math:: A = D^{-1} (\hat A + I), \qquad A_r = \sum_{k=1}^{r} A^k
        \;\text{ (cumulative) or }\; A_r = A^r

    where :math:`\hat A` is the symmetrised graph. Rows sum to r, or to one.

    Args:
        edge_index (Tensor): ``(2, E)`` integers; directed or not, in any order.
        num_nodes (int): Number of nodes N, at least 1.
        order (int): r, at least 1.
        cumulative (bool): Sum the powers instead of taking the last.
        topk (int, optional): Keep only the k largest entries of every row of every power, which
            bounds memory by O(N k r). The dropped influence is what a row's sum lacks.
        duplicates (str): ``"collapse"`` reads every pair, however often it is given, as one edge
            of weight one and ignores self-loops. ``"sum"`` is what the authors' code does: it
            counts duplicates, takes the larger count of both directions, and adds given
            self-loops to its own.
        dtype (torch.dtype): Of the weights; powers are computed in float64.

    Returns:
        tuple: ``edge_index`` ``(2, E')`` int64, sorted by row, then column, and ``edge_weight``
        ``(E',)``, on the device of the input.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(sum of the fills of the powers); powers fill quickly on graphs with hubs.
    Reference: Kulatilleke et al., "Efficient Block Contrastive Learning via Parameter-Free
    Meta-Node Approximation", arXiv:2209.14067.

    Example:
        >>> edge_index, weight = influence_adjacency(torch.tensor([[0], [1]]), 2)
        >>> weight.tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    matrix, _ = influence_matrix(edge_index, num_nodes, order, cumulative, topk, duplicates)
    coo = matrix.tocoo()
    index = np.stack([coo.row.astype(np.int64), coo.col.astype(np.int64)])
    device = edge_index.device
    return torch.from_numpy(index).to(device), torch.from_numpy(coo.data).to(device, dtype)


def influence_graph(
    edge_index: Tensor,
    num_nodes: int,
    order: int = 1,
    cumulative: bool = True,
    topk: int | None = None,
    duplicates: Literal["collapse", "sum"] = "collapse",
    dtype: torch.dtype = torch.float32,
) -> CSRGraph:
    """:func:`influence_adjacency` as a prepared graph for :class:`PamCLoss`.

    Without ``topk`` the walk is reversible with the degrees as scales, so that a derivative needs
    no transposed weights.

    Args:
        edge_index (Tensor): ``(2, E)`` integers; directed or not, in any order.
        num_nodes (int): Number of nodes N, at least 1.
        order (int): Number of powers r, at least 1.
        cumulative (bool): Sum the powers instead of taking the last.
        topk (int, optional): Entries of a row that are kept, see :func:`influence_adjacency`.
        duplicates (str): ``"collapse"`` or ``"sum"``, see there.
        dtype (torch.dtype): Of the weights.

    Returns:
        CSRGraph: Rows are anchors.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    matrix, degree = influence_matrix(edge_index, num_nodes, order, cumulative, topk, duplicates)
    device = edge_index.device
    if topk is not None:
        coo = matrix.tocoo()
        index = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64)).to(device)
        weight = torch.from_numpy(coo.data).to(device, dtype)
        return CSRGraph.from_edge_index(index, num_nodes, weight)
    return CSRGraph(
        rowptr=torch.from_numpy(matrix.indptr.astype(np.int64)).to(device),
        col=torch.from_numpy(matrix.indices.astype(np.int32)).to(device),
        weight=torch.from_numpy(matrix.data).to(device, dtype),
        scale=torch.from_numpy(degree).to(device, dtype),
    )


def influence_matrix(
    edge_index: Tensor,
    num_nodes: int,
    order: int = 1,
    cumulative: bool = True,
    topk: int | None = None,
    duplicates: str = "collapse",
) -> tuple[sparse.csr_array, np.ndarray]:
    """The adjacency as a scipy matrix in float64, and the degrees."""
    num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
    order = check_int(order, "order", minimum=1)
    topk = None if topk is None else check_int(topk, "topk", minimum=1)
    check_choice(duplicates, "duplicates", ("collapse", "sum"))
    edges = check_edge_index(edge_index, num_nodes).cpu().numpy()
    walk, degree = _walk(edges, num_nodes, duplicates == "sum")
    power = total = walk if topk is None else _prune(walk, topk)
    for _ in range(order - 1):
        power = power @ walk
        power = power if topk is None else _prune(power, topk)
        total = total + power if cumulative else power
    total.sort_indices()
    return total, degree


def _walk(
    edges: np.ndarray, num_nodes: int, count_duplicates: bool
) -> tuple[sparse.csr_array, np.ndarray]:
    """Row-normalised symmetric graph with self-loops, and its degrees."""
    if not count_duplicates:
        edges = edges[:, edges[0] != edges[1]]
    ones = np.ones(edges.shape[1])
    shape = (num_nodes, num_nodes)
    graph = sparse.csr_array((ones, (edges[0], edges[1])), shape=shape)
    graph.sum_duplicates()
    if not count_duplicates:
        graph.data[:] = 1.0
    # An edge in one direction counts in both; self-loops keep every degree above zero.
    graph = graph.maximum(graph.T).tocsr() + sparse.eye_array(num_nodes, format="csr")
    degree = np.asarray(graph.sum(axis=1)).reshape(-1)
    return (sparse.diags_array(1.0 / degree) @ graph).tocsr(), degree


def _prune(matrix: sparse.csr_array, topk: int) -> sparse.csr_array:
    """Keep the largest entries of every row; ties go to the smaller column."""
    matrix.sort_indices()
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    # The last key counts first: by row, then from the largest weight, then by column.
    order = np.lexsort((matrix.indices, -matrix.data, row))
    rank = np.arange(row.size) - matrix.indptr[row]
    keep = np.sort(order[rank < topk])
    kept = (matrix.data[keep], (row[keep], matrix.indices[keep]))
    return sparse.csr_array(kept, shape=matrix.shape)
