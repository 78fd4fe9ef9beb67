"""The greedy cover of a graph by cliques, and its cliques as further candidates."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch

from graphlab.hyper._graph import Graph
from graphlab.hyper._sets import (
    Ints,
    NodeSets,
    concatenate,
    find,
    from_lists,
    node_sets,
    sorted_unique,
    to_tensor,
)
from graphlab.hyper.candidates import CandidateSet


def greedy_cover(graph: Graph) -> NodeSets:
    """Distinct cliques of the greedy cover, in lexicographic order."""
    others = graph.entries[1].tolist()
    borders = graph.rowptr.tolist()
    near = [set(others[a:b]) for a, b in pairwise(borders)]
    uncovered = [set(group) for group in near]
    cliques: list[list[int]] = []
    edges = graph.entries[:, graph.upper]
    # Stable: edges of equal sums stay in lexicographic order.
    order = np.argsort(graph.degree[edges].sum(axis=0), kind="stable")
    for u, v in edges[:, order].T.tolist():
        if v in uncovered[u]:
            clique = _grow(u, v, near, uncovered)
            for a in clique:
                uncovered[a].difference_update(clique)
            cliques.append(sorted(clique))
    return sorted_unique(from_lists(cliques))[0]


def _grow(u: int, v: int, near: list[set[int]], uncovered: list[set[int]]) -> list[int]:
    """Add the common neighbour that covers most until none covers anything."""
    clique = [u, v]
    gain = {p: (p in uncovered[u]) + (p in uncovered[v]) for p in near[u] & near[v]}
    while gain:
        best = max(gain, key=lambda p: (gain[p], -p))
        if gain[best] == 0:
            break
        clique.append(best)
        reachable, fresh = near[best], uncovered[best]
        gain = {p: g + (p in fresh) for p, g in gain.items() if p in reachable}
    return clique


def with_cover(candidates: CandidateSet, cover: NodeSets) -> CandidateSet:
    """Add the cliques of the cover that the sampler did not draw."""
    sets = node_sets(candidates)
    new = cover.take(np.flatnonzero(find(cover, sets) < 0))
    if len(new) == 0:
        return candidates
    cut = candidates.num_maximal
    nested, order = _merge(sets.take(np.arange(cut, len(sets))), new)
    whole = concatenate(sets.take(np.arange(cut)), nested)
    drawn = torch.cat(
        [candidates.parents[cut:], torch.zeros(len(new), dtype=torch.int64, device="cpu")]
    )
    parents = torch.cat([candidates.parents[:cut], drawn[torch.from_numpy(order)]])
    pointers, nodes = to_tensor(whole.ptr), to_tensor(whole.idx)
    return replace(candidates, ptr=pointers, idx=nodes, parents=parents)


def _merge(left: NodeSets, right: NodeSets) -> tuple[NodeSets, Ints]:
    both = concatenate(left, right)
    merged, _ = sorted_unique(both)
    order = np.empty(len(both), dtype=np.int64)
    order[find(both, merged)] = np.arange(len(both))
    return merged, order
