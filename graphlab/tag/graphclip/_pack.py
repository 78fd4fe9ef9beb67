"""From walks and node sets to packed subgraphs, many rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlab.tag.graphclip.store import SubgraphStore

Ints = NDArray[np.int64]


def truncate_walks(walks: NDArray[np.int32], max_nodes: int) -> None:
    """Cut every walk in place before it would visit more than ``max_nodes`` distinct nodes."""
    count, width = walks.shape
    place = np.where(walks < 0, walks[:, :1], walks).astype(np.int64)
    # Equal nodes side by side, the earliest first: the others are no new visit.
    order = np.argsort(place, axis=1, kind="stable")
    ordered = np.take_along_axis(place, order, 1)
    fresh = np.ones((count, width), bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.empty_like(fresh)
    np.put_along_axis(first, order, fresh, 1)
    # The count of visited nodes never falls: nothing follows the first node too many.
    walks[np.cumsum(first, 1) > max_nodes] = -1


def pack_walks(walks: NDArray[np.int32]) -> SubgraphStore:
    """Subgraphs of the traversed edges, both directions, each once, sorted.

    Args:
        walks: ``(P, L + 1)`` as :func:`graphlab.ops.random_walk` returns them.

    Returns:
        SubgraphStore: Nodes ascending; a walk without a step is its start with a self-loop.
    """
    count, width = walks.shape
    place = np.where(walks < 0, walks[:, :1], walks)
    # One sort of (node, position) pairs gives the distinct nodes and every position's rank. Short
    # keys sort faster, and shifts are faster than divisions.
    bits = width.bit_length()
    key = place.astype(_shortest((int(walks.max()) + 1) << bits)) << bits
    key |= np.arange(width, dtype=key.dtype)
    key.sort(axis=1)
    ordered, position = key >> bits, (key & ((1 << bits) - 1)).astype(np.int64)
    fresh = np.ones((count, width), bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = np.cumsum(fresh, axis=1, dtype=np.int32) - 1
    local = np.empty_like(rank)
    np.put_along_axis(local, position, rank, 1)
    edge_ptr, edge = _edges_of_walks(local, walks[:, 1:] >= 0)
    node_ptr = _pointers(rank[:, -1].astype(np.int64) + 1)
    return SubgraphStore(
        node_ptr, ordered[fresh].astype(np.int32), edge_ptr, edge, local[:, 0].copy()
    )


def _edges_of_walks(local: NDArray[np.int32], moved: NDArray[np.bool_]) -> tuple[Ints, NDArray]:  # type: ignore[type-arg]
    width = local.shape[1]
    bits = width.bit_length()
    local = local.astype(_shortest(1 << 2 * bits))
    # A step that was a return is hidden behind a step that was taken; a walk without any becomes
    # the self-loop of its start.
    some = np.argmax(moved, axis=1)[:, None]
    ends = (local[:, :-1], local[:, 1:])
    source, target = (np.where(moved, e, np.take_along_axis(e, some, 1)) for e in ends)
    alone = ~moved.any(axis=1)
    source[alone] = target[alone] = local[alone, :1]
    key = np.concatenate([source << bits | target, target << bits | source], axis=1)
    key.sort(axis=1)
    fresh = np.ones(key.shape, bool)
    fresh[:, 1:] = key[:, 1:] != key[:, :-1]
    kept = key[fresh]
    dtype = np.int16 if width <= 2**15 else np.int32
    edge = np.stack([kept >> bits, kept & ((1 << bits) - 1)]).astype(dtype)
    return _pointers(fresh.sum(axis=1)), edge


def pack_induced(
    rowptr: Ints, col: NDArray[np.int32], owner: Ints, node: Ints, centers: Ints
) -> SubgraphStore:
    """Subgraphs of all edges among given node sets.

    Args:
        rowptr: Row pointers of the graph, symmetric.
        col: Neighbours, ascending within a row.
        owner: Subgraph of every member, ascending.
        node: Global id of every member, ascending within a subgraph.
        centers: Root of every subgraph, one of its members.

    Returns:
        SubgraphStore: A subgraph without edges has the self-loop of its root.
    """
    size = rowptr.size - 1
    member = owner * size + node
    degree = rowptr[node + 1] - rowptr[node]
    start = _pointers(degree)
    source = np.repeat(np.arange(node.size), degree)
    entry = np.arange(int(start[-1])) + (rowptr[node] - start[:-1])[source]
    wanted = owner[source] * size + col[entry]
    place = np.minimum(np.searchsorted(member, wanted), max(member.size - 1, 0))
    inside = member[place] == wanted
    source, target = source[inside], place[inside]
    node_ptr = _pointers(np.bincount(owner, minlength=centers.size))
    root = np.searchsorted(member, np.arange(centers.size) * size + centers)
    source, target = _loop_where_empty(source, target, owner, root)
    edge_owner = owner[source]
    edge = np.stack([source, target]) - node_ptr[edge_owner]
    return SubgraphStore(
        node_ptr,
        node.astype(np.int32),
        _pointers(np.bincount(edge_owner, minlength=centers.size)),
        edge.astype(np.int32),
        (root - node_ptr[:-1]).astype(np.int32),
    )


def _loop_where_empty(source: Ints, target: Ints, owner: Ints, root: Ints) -> tuple[Ints, Ints]:
    """Add the self-loop of the root to every subgraph that has no edge, in order."""
    empty = np.bincount(owner[source], minlength=root.size) == 0
    if not empty.any():
        return source, target
    loops = root[empty]
    source, target = np.concatenate([source, loops]), np.concatenate([target, loops])
    order = np.argsort(source, kind="stable")
    return source[order], target[order]


def _shortest(bound: int) -> type[np.signedinteger[Any]]:
    """The shortest integers of 16, 32 or 64 bits that hold all numbers below ``bound``."""
    return np.int16 if bound <= 1 << 15 else np.int32 if bound <= 1 << 31 else np.int64


def _pointers(count: Ints) -> Ints:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(count, dtype=np.int64)])
