"""Fifty-four numbers per candidate, from the ways maximal cliques meet at its nodes and edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab.hyper._graph import Graph
from graphlab.hyper._pairs import edges_of, four_statistics, groups
from graphlab.hyper._sets import Floats, Ints, NodeSets, SetFamily, to_tensor
from graphlab.hyper.candidates import CandidateSet, read_candidates
from graphlab.ops.library import call

__all__ = ["MOTIF_NAMES", "motif_features"]

_COUNTS = (
    "cliques at node",
    "pairs at node, apart",
    "pairs at node, joined",
    "cliques at both",
    "cliques at one",
    "one each, apart",
    "same one, apart",
    "one each, joined",
    "one and both, apart",
    "same one, joined",
    "both and both, apart",
    "one and both, joined",
    "both and both, joined",
)
#: Names of the columns.
MOTIF_NAMES = (
    "size",
    "degree",
    *(f"{name}, {what}" for name in _COUNTS for what in ("min", "max", "mean", "std")),
)


def motif_features(
    candidates: CandidateSet, cliques: SetFamily, edge_index: Any, num_nodes: int | None = None
) -> Tensor:
    r"""Features of candidates from motifs of maximal cliques.

    Columns: size, mean degree, then minimum, maximum, mean and population deviation of 13 counts.
    Over the nodes v of the candidate: 1 maximal cliques at v; pairs of them that 2 meet at v only,
    3 elsewhere too. Over the pairs (u, v): maximal cliques that 4 hold both, 5 only one; and pairs
    of cliques among these, by how often they hold u and v and by whether they meet elsewhere: one
    each (6 no, 8 yes), the same single one (7, 10), one of them both (9, 12), both both (11, 13).
    Counts 4 to 13 are 0 for candidates of one node.

    The counts of a pair depend on the edge alone, so they are computed once per edge, from the
    sizes of the intersections of cliques.

    Args:
        candidates (CandidateSet): C candidates, cliques of the graph.
        cliques (CliqueSet): Maximal cliques of the graph.
        edge_index (Tensor or graph): As for :func:`graphlab.hyper.maximal_cliques`.
        num_nodes (int, optional): Number of nodes N; as for :func:`graphlab.hyper.maximal_cliques`.

    Returns:
        Tensor: ``(C, 54)`` float64, not standardised.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or a candidate is no clique.

    Complexity: the sizes of all pairs of cliques that meet, and the pairs of nodes of candidates.
    Determinism: the counts are exact integers.
    """
    graph, family, sets = read_candidates(candidates, cliques, edge_index, num_nodes)
    at_node, at_edge = motif_counts(graph, family)
    degree = graph.degree.astype(np.float64)
    out = np.zeros((len(sets), 54))
    out[:, 0] = sets.sizes
    for size, numbers, nodes in groups(sets):
        out[numbers, 1] = degree[nodes].mean(axis=1)
        out[numbers, 2:14] = four_statistics(at_node[nodes]).reshape(len(numbers), -1)
        if size > 1:
            pairs = at_edge[edges_of(graph, nodes)]
            out[numbers, 14:] = four_statistics(pairs).reshape(len(numbers), -1)
    return to_tensor(out)


def motif_counts(graph: Graph, cliques: NodeSets) -> tuple[Floats, Floats]:
    """Counts 1 to 3 of every node ``(N, 3)``, and 4 to 13 of every edge ``(m, 10)``."""
    node, edge = call(
        "clique_overlap",
        torch.from_numpy(cliques.ptr),
        torch.from_numpy(cliques.idx),
        graph.csr.rowptr,
        graph.csr.col,
    )
    number = np.bincount(cliques.idx, minlength=graph.num_nodes)
    joined = node.numpy() // 2
    at_node = np.stack([number, number * (number - 1) // 2 - joined, joined], axis=1)
    return at_node.astype(np.float64), _edge_counts(graph, number, joined, edge.numpy())


def _edge_counts(graph: Graph, number: Ints, joined: Ints, edge: Ints) -> Floats:
    u, v = graph.entries[:, graph.upper]
    keys = graph.entries[0] * graph.num_nodes + graph.entries[1]
    back = np.searchsorted(keys, v * graph.num_nodes + u)
    both, near, meeting, triple = edge[:, graph.upper]
    only_u, only_v = number[u] - both, number[v] - both
    # Cliques that hold both meet at u (or v) already: all such pairs share two nodes.
    pairs = both * (both - 1)
    mixed_u, mixed_v = near - pairs, edge[1, back] - pairs
    each_joined = meeting - both * number[v] - only_u * both
    same_u = joined[u] - pairs // 2 - mixed_u
    same_v = joined[v] - pairs // 2 - mixed_v
    same = only_u * (only_u - 1) // 2 + only_v * (only_v - 1) // 2
    mixed, mixed_joined = both * (only_u + only_v), mixed_u + mixed_v
    columns = (
        both,
        only_u + only_v,
        only_u * only_v - each_joined,
        same - same_u - same_v,
        each_joined,
        mixed - mixed_joined,
        same_u + same_v,
        pairs // 2 - triple,
        mixed_joined,
        triple,
    )
    return np.stack(columns, axis=1).astype(np.float64)
