"""Overlap of the walks that start at two nodes: the kernel of topological concentration."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_int,
    check_positive,
    check_same_device,
)
from graphlab.ops import reference
from graphlab.ops.csr import SparseRows, check_rows, row_pointers
from graphlab.ops.library import define

__all__ = ["distinct_ends", "walk_overlap", "walk_overlap_visits"]

#: The CUDA kernel keeps one counter per pair of hops in shared memory.
MAX_HOPS = 16

define(
    "walk_overlap(Tensor rowptr, Tensor col, Tensor? weight, Tensor pair_rowptr, Tensor pair_col, "
    "int num_hops, float beta, bool distinct) -> Tensor",
    reference.walk_overlap,
    lambda rowptr, col, weight, pair_rowptr, pair_col, *_: pair_col.new_empty(
        pair_col.shape[0], dtype=torch.float64
    ),
)
define(
    "distinct_ends(Tensor rowptr, Tensor col, int num_hops) -> Tensor",
    reference.distinct_ends,
    lambda rowptr, col, num_hops: rowptr.new_empty((rowptr.shape[0] - 1, num_hops)),
)


def walk_overlap(
    graph: SparseRows,
    pairs: Tensor,
    *,
    num_hops: int = 1,
    beta: float = 1.0,
    count: Literal["walk", "set"] = "walk",
) -> Tensor:
    r"""Overlap of the ends of walks from two nodes, for many pairs of nodes.

    .. math:: o_{ij} = \sum_v P_{iv} Q_{jv}, \quad P = \sum_{k=1}^{K} \beta^{k-1} W^k, \quad
        Q = \sum_{k=1}^{K} \beta^{k-1} \mathbb{1}[A^k > 0]

    W holds the weights of the graph and A its pattern; P counts walks, Q marks their ends. No
    power is ever formed: a thread holds one row of Q and works on all pairs with that j.

    Args:
        graph (SparseRows): Square matrix of N nodes; its weights (ones if missing) are constants.
        pairs (Tensor): ``(2, M)`` integers, i in row 0 and j in row 1; fastest when row 1 ascends.
        num_hops (int): K, from 1 to 16.
        beta (float): Positive factor per hop.
        count (str): ``"walk"``, or ``"set"``: Q takes the place of P (weights must be missing).

    Returns:
        Tensor: ``(M,)`` float64; exact integers at one hop without weights (below 2^53).

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: at most :func:`walk_overlap_visits` steps; O(N K) memory per thread besides the
    result. One hop costs the smaller of the two degrees per pair (times a logarithm).
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    _check_square(graph)
    pairs = check_edge_index(pairs, graph.num_rows, "pairs")
    check_same_device(pairs=pairs, graph=graph.rowptr)
    num_hops = check_int(num_hops, "num_hops", minimum=1, maximum=MAX_HOPS)
    beta = check_positive(beta, "beta")
    distinct = check_choice(count, "count", ("walk", "set")) == "set"
    weight = graph.weight
    if weight is not None and distinct:
        raise ValueError("count='set' has no weights: prepare the graph without edge_weight")
    if weight is not None and weight.requires_grad:
        raise ValueError("graph.weight must not require a gradient: weights are constants here")
    if distinct or (num_hops == 1 and weight is None):
        pairs = _larger_second(pairs, graph.rowptr.diff())
    order, (anchor, other) = _by_second(pairs)
    pair_rowptr = row_pointers(other, graph.num_rows)
    weight = None if weight is None else weight.double()
    out: Tensor = torch.ops.graphlab.walk_overlap(
        graph.rowptr, graph.col, weight, pair_rowptr, anchor.int(), num_hops, beta, distinct
    )
    return out if order is None else torch.empty_like(out).index_copy_(0, order, out)


def distinct_ends(graph: SparseRows, *, num_hops: int = 1) -> Tensor:
    """Number of nodes that walks of exactly k steps from every node can end at.

    Args:
        graph (SparseRows): Square matrix of N nodes; weights are not read.
        num_hops (int): K, from 1 to 16.

    Returns:
        Tensor: ``(N, K)`` int64; column k - 1 for k steps. Walks may return.

    Raises:
        TypeError, ValueError: If ``num_hops`` is out of range.

    Complexity: at most the walks of 1 to K steps, and K E per node; O(N) memory per thread.
    """
    _check_square(graph)
    num_hops = check_int(num_hops, "num_hops", minimum=1, maximum=MAX_HOPS)
    out: Tensor = torch.ops.graphlab.distinct_ends(graph.rowptr, graph.col, num_hops)
    return out


def walk_overlap_visits(
    graph: SparseRows, pairs: Tensor, *, num_hops: int = 1, count: Literal["walk", "set"] = "walk"
) -> float:
    r"""Upper bound on the adjacency entries that :func:`walk_overlap` reads.

    Let :math:`w_i` be the number of walks of 1 to K steps from i, and E the number of entries.
    Every j of a pair costs :math:`\min(w_j, K E)` for its ends. Its pairs (i, j) together cost
    :math:`\sum_i w_i`; walk counting shares intermediate results between them and never pays more
    than :math:`(K - 1) E + \sum_i d_i`, set counting never more than K E for each.

    Args:
        graph (SparseRows): Square matrix.
        pairs (Tensor): ``(2, M)`` integers, as for :func:`walk_overlap`.
        num_hops (int): K, from 1 to 16.
        count (str): ``"walk"`` or ``"set"``.

    Returns:
        float: Number of visits; a core does of the order of 10^8 to 10^9 per second.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(K E + M).
    """
    _check_square(graph)
    pairs = check_edge_index(pairs, graph.num_rows, "pairs")
    num_hops = check_int(num_hops, "num_hops", minimum=1, maximum=MAX_HOPS)
    distinct = check_choice(count, "count", ("walk", "set")) == "set"
    walks, entries = _walks(graph, num_hops), graph.num_edges
    at_most = walks.clamp(max=float(num_hops * entries))
    ends = float(at_most[pairs[1].unique()].sum())
    if distinct:
        return ends + float(at_most[pairs[0]].sum())
    zero = torch.zeros_like(walks)
    together = zero.index_add(0, pairs[1], walks[pairs[0]])
    last = zero.index_add(0, pairs[1], graph.rowptr.diff().double()[pairs[0]])
    return ends + float(torch.minimum(together, (num_hops - 1) * entries + last).sum())


def _check_square(graph: SparseRows) -> None:
    check_rows(graph, "graph")
    if graph.num_rows != graph.num_cols:
        raise ValueError(f"graph must be square, got {graph}")
    if graph.row_scale is not None:
        raise ValueError("graph.row_scale must be None: put the scales into the weights")
    graph.check_values()


def _walks(graph: SparseRows, num_hops: int) -> Tensor:
    """Walks of 1 to K steps from every node, float64."""
    row = graph.row()
    step = torch.ones(graph.num_rows, dtype=torch.float64, device=graph.device)
    total = torch.zeros_like(step)
    for _ in range(num_hops):
        step = torch.zeros_like(step).index_add(0, row, step[graph.col.long()])
        total = total + step
    return total


def _larger_second(pairs: Tensor, degree: Tensor) -> Tensor:
    """Swap the nodes of pairs so that the one that is enumerated once for many pairs is the hub.

    Only for overlaps that are symmetric in their two nodes.
    """
    swap = degree[pairs[0]] > degree[pairs[1]]
    return torch.where(swap, pairs.flip(0), pairs)


def _by_second(pairs: Tensor) -> tuple[Tensor | None, Tensor]:
    """The pairs sorted by their second node, and the permutation if there is one."""
    other = pairs[1]
    if other.numel() < 2 or bool((other[1:] >= other[:-1]).all()):
        return None, pairs
    order = torch.argsort(other, stable=True)
    return order, pairs[:, order]
