"""Which sets of nodes lie in which cliques, by an inverted index."""

from __future__ import annotations

import numpy as np

from graphlab.hyper._sets import Ints, NodeSets, pointers

# Pairs of a set and a clique that are looked at together.
_CHUNK = 1 << 22


def containment(sets: NodeSets, cliques: NodeSets, num_nodes: int) -> tuple[Ints, Ints]:
    """All pairs of a set and a clique that holds it, by an inverted index; sets are not empty."""
    order = np.argsort(cliques.idx, kind="stable")
    at_node = cliques.owner()[order]
    borders = pointers(np.bincount(cliques.idx, minlength=num_nodes))
    members = np.sort(cliques.owner() * num_nodes + cliques.idx)
    # The rarest node of every set comes first.
    count = np.diff(borders)[sets.idx]
    owner = sets.owner()
    sets = NodeSets(sets.ptr, sets.idx[np.lexsort((sets.idx, count, owner))])
    first = sets.idx[sets.ptr[:-1]]
    total = np.cumsum(np.diff(borders)[first])
    parts: list[tuple[Ints, Ints]] = []
    start = 0
    while start < len(sets):
        limit = _CHUNK + (total[start - 1] if start else 0)
        stop = max(start + 1, int(np.searchsorted(total, limit)))
        part = np.arange(start, stop)
        length = np.diff(borders)[first[part]]
        which = np.repeat(part, length)
        entry = np.arange(which.size) + np.repeat(
            borders[first[part]] - pointers(length)[:-1], length
        )
        parts.append(_holding(sets, which, at_node[entry], members, num_nodes))
        start = stop
    empty = np.zeros(0, dtype=np.int64)
    return (
        np.concatenate([pair[0] for pair in parts]) if parts else empty,
        np.concatenate([pair[1] for pair in parts]) if parts else empty,
    )


def _holding(
    sets: NodeSets, which: Ints, clique: Ints, members: Ints, num_nodes: int
) -> tuple[Ints, Ints]:
    """Keep the pairs whose clique also holds the second, third, ... node of the set."""
    done: list[tuple[Ints, Ints]] = []
    column = 1
    while which.size:
        ended = sets.sizes[which] <= column
        done.append((which[ended], clique[ended]))
        which, clique = which[~ended], clique[~ended]
        key = clique * num_nodes + sets.idx[sets.ptr[:-1][which] + column]
        nearest = np.minimum(np.searchsorted(members, key), max(members.size - 1, 0))
        hit = members[nearest] == key if members.size else np.zeros(key.size, dtype=bool)
        which, clique = which[hit], clique[hit]
        column += 1
    if not done:
        return which, clique
    return np.concatenate([a for a, _ in done]), np.concatenate([b for _, b in done])
