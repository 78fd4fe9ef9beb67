"""From node sets to packed subgraphs, many at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from graphlab.tag.graphclip.store import SubgraphStore

Ints = NDArray[np.int64]

#: Neighbours looked at together.
MOST = 2**18


def pack_induced(
    rowptr: Ints, col: NDArray[np.int32], owner: Ints, node: Ints, centers: Ints
) -> SubgraphStore:
    """Subgraphs of all edges among given node sets.

    Args:
        rowptr (Ints): Row pointers of the graph, symmetric.
        col (ndarray[np.int32]): Neighbours, ascending within a row.
        owner (Ints): Subgraph of every member, ascending.
        node (Ints): Global id of every member, ascending within a subgraph.
        centers (Ints): Root of every subgraph, one of its members.

    Returns:
        SubgraphStore: A subgraph without edges has the self-loop of its root.
    """
    size = rowptr.size - 1
    # (subgraph, node) as one number: ascending, so that membership is a binary search.
    member = owner * size + node
    degree = rowptr[node + 1] - rowptr[node]
    ends = []
    for lo, hi in runs(degree):
        start = _pointers(degree[lo:hi])
        source = np.repeat(np.arange(lo, hi), degree[lo:hi])
        entry = np.arange(int(start[-1])) + (rowptr[node[lo:hi]] - start[:-1])[source - lo]
        wanted = owner[source] * size + col[entry]
        position = np.minimum(np.searchsorted(member, wanted), max(member.size - 1, 0))
        inside = member[position] == wanted
        ends.append((source[inside], position[inside]))
    source, target = (np.concatenate(parts) for parts in zip(*ends, strict=True))
    node_ptr = _pointers(np.bincount(owner, minlength=centers.size))
    root = np.searchsorted(member, np.arange(centers.size) * size + centers)
    source, target = _loop_where_empty(source, target, owner, root)
    edge_owner = owner[source]
    # Positions in the packed nodes, moved to local ids.
    edge = np.stack([source, target]) - node_ptr[edge_owner]
    return SubgraphStore(
        node_ptr,
        node.astype(np.int32),
        _pointers(np.bincount(edge_owner, minlength=centers.size)),
        edge.astype(np.int32),
        (root - node_ptr[:-1]).astype(np.int32),
    )


def runs(weight: Ints, limit: int = MOST) -> Iterator[tuple[int, int]]:
    """Cut entries into runs of at most ``limit`` in sum, or of one entry.

    A hub is a neighbour of many subgraphs, and each lists all its edges: what is looked at before
    most of it is dropped must not be in memory at once.
    """
    total = np.cumsum(weight)
    start = 0
    while start < weight.size:
        used = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, used + limit, side="right")))
        yield start, stop
        start = stop


def _loop_where_empty(source: Ints, target: Ints, owner: Ints, root: Ints) -> tuple[Ints, Ints]:
    """Add the self-loop of the root to every subgraph that has no edge, in order."""
    empty = np.bincount(owner[source], minlength=root.size) == 0
    if not empty.any():
        return source, target
    loops = root[empty]
    source, target = np.concatenate([source, loops]), np.concatenate([target, loops])
    order = np.argsort(source, kind="stable")
    return source[order], target[order]


def _pointers(count: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])
