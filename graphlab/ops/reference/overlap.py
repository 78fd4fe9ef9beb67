"""Definition of the operators on walk ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from graphlab.ops.csr import csr_rows
from graphlab.ops.reference.rows import CHUNK_ELEMENTS


class _Graph(NamedTuple):
    rowptr: Tensor
    col: Tensor  # int64
    weight: Tensor | None  # float64


def walk_overlap(
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    pair_rowptr: Tensor,
    pair_col: Tensor,
    num_hops: int,
    beta: float,
    distinct: bool,
) -> Tensor:
    r"""``sum_v P_i[v] Q_j[v]`` for every pair: row j of the pairs holds the anchors i; float64.

    ``P = sum_k beta^(k-1) W^k`` counts walks, ``Q = sum_k beta^(k-1) 1[A^k > 0]`` their distinct
    ends; with ``distinct``, P is Q as well.
    """
    graph = _Graph(rowptr, col.long(), None if weight is None else weight.double())
    other, anchor = csr_rows(pair_rowptr, pair_col.numel()), pair_col.long()
    out = torch.zeros(pair_col.numel(), dtype=torch.float64, device=col.device)
    cost = _cost(graph, num_hops)
    total = torch.cumsum(cost[anchor] + cost[other], 0)
    for start, stop in _cuts(total):
        part = slice(start, stop)
        out[part] = _pairs(graph, anchor[part], other[part], num_hops, beta, distinct)
    return out


def distinct_ends(rowptr: Tensor, col: Tensor, num_hops: int) -> Tensor:
    """Number of nodes where walks of exactly 1 to K steps from every node end; (N, K) int64."""
    graph = _Graph(rowptr, col.long(), None)
    num_nodes = rowptr.numel() - 1
    out = torch.zeros(num_nodes, num_hops, dtype=torch.int64, device=col.device)
    total = torch.cumsum(_cost(graph, num_hops), 0)
    for start, stop in _cuts(total):
        keys = torch.arange(stop - start, device=col.device) * (num_nodes + 1) + start
        for hop in range(num_hops):
            at, entry = _expand(rowptr, keys % num_nodes)
            keys = torch.unique(keys[at] - keys[at] % num_nodes + graph.col[entry])
            row = torch.div(keys, num_nodes, rounding_mode="floor")
            out[start:stop, hop] = torch.bincount(row, minlength=stop - start)
    return out


def _cuts(total: Tensor) -> Iterator[tuple[int, int]]:
    """Ranges whose cost, of which ``total`` is the running sum, stays within a chunk."""
    start = 0
    while start < total.numel():
        limit = CHUNK_ELEMENTS + (float(total[start - 1]) if start else 0.0)
        stop = max(start + 1, int(torch.searchsorted(total, limit)))
        yield start, stop
        start = stop


def _cost(graph: _Graph, num_hops: int) -> Tensor:
    """Upper bound on the stored ends of a node: walks, but per hop at most the whole graph."""
    row = csr_rows(graph.rowptr, graph.col.numel())
    ones = torch.ones(graph.rowptr.numel() - 1, dtype=torch.float64, device=row.device)
    walks, total = ones, torch.ones_like(ones)
    for _ in range(num_hops):
        walks = torch.zeros_like(ones).index_add(0, row, walks[graph.col])
        total = total + walks.clamp(max=max(1, graph.col.numel()))
    return total


def _pairs(
    graph: _Graph, anchor: Tensor, other: Tensor, num_hops: int, beta: float, distinct: bool
) -> Tensor:
    num_nodes = graph.rowptr.numel() - 1
    left, anchor = torch.unique(anchor, return_inverse=True)
    right, other = torch.unique(other, return_inverse=True)
    keys, values = _ends(graph, left, num_hops, beta, distinct)
    ends, counts = _ends(graph._replace(weight=None), right, num_hops, beta, True)
    # Every end of j is looked up among the ends of i.
    borders = torch.searchsorted(
        ends, torch.arange(right.numel() + 1, device=ends.device) * num_nodes
    )
    pair, at = _expand(borders, other)
    wanted = anchor[pair] * num_nodes + ends[at] % num_nodes
    position = torch.searchsorted(keys, wanted).clamp(max=max(0, keys.numel() - 1))
    hit = keys[position] == wanted if keys.numel() else torch.zeros_like(wanted, dtype=torch.bool)
    product = values[position[hit]] * counts[at[hit]]
    return counts.new_zeros(anchor.numel()).index_add(0, pair[hit], product)


def _ends(
    graph: _Graph, nodes: Tensor, num_hops: int, beta: float, distinct: bool
) -> tuple[Tensor, Tensor]:
    """Rows of P (or Q) as sorted keys ``row * N + v`` and values."""
    num_nodes = graph.rowptr.numel() - 1
    keys = torch.arange(nodes.numel(), device=nodes.device) * num_nodes + nodes
    values = torch.ones(nodes.numel(), dtype=torch.float64, device=nodes.device)
    levels = []
    for hop in range(num_hops):
        at, entry = _expand(graph.rowptr, keys % num_nodes)
        step = keys[at] - keys[at] % num_nodes + graph.col[entry]
        passed = values[at] if graph.weight is None else values[at] * graph.weight[entry]
        keys, position = torch.unique(step, return_inverse=True)
        values = torch.zeros(keys.numel(), dtype=torch.float64, device=keys.device)
        values = torch.ones_like(values) if distinct else values.index_add(0, position, passed)
        levels.append((keys, beta**hop * values))
    keys, position = torch.unique(torch.cat([k for k, _ in levels]), return_inverse=True)
    values = torch.zeros(keys.numel(), dtype=torch.float64, device=keys.device)
    return keys, values.index_add(0, position, torch.cat([v for _, v in levels]))


def _expand(rowptr: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Position in ``rows`` and entry, for every entry of the given rows."""
    length = rowptr[rows + 1] - rowptr[rows]
    at = torch.repeat_interleave(torch.arange(rows.numel(), device=rows.device), length)
    first = torch.cumsum(length, 0) - length
    return at, torch.arange(at.numel(), device=rows.device) - first[at] + rowptr[rows][at]
