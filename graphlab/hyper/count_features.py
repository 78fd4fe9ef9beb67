"""Nine numbers per candidate, from counts over nodes, edges and maximal cliques."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from graphlab.hyper._graph import Graph
from graphlab.hyper._pairs import edges_of, groups
from graphlab.hyper._sets import Floats, NodeSets, SetFamily, to_tensor
from graphlab.hyper.candidates import CandidateSet, read_candidates

__all__ = ["COUNT_NAMES", "count_features"]

#: Names of the columns.
COUNT_NAMES = (
    "nested",
    "size",
    "every pair in two cliques",
    "cliques per pair",
    "degree",
    "neighbour degree",
    "cliques per node",
    "clustering",
    "parents",
)


def count_features(
    candidates: CandidateSet, cliques: SetFamily, edge_index: Any, num_nodes: int | None = None
) -> Tensor:
    """Features of candidates from counts.

    Columns: 0 whether the candidate is nested (not maximal); 1 its size; 2 whether every pair of
    its nodes is in two or more maximal cliques (0 for one node); 3 mean number of maximal cliques
    that hold a pair (0 for one node); means over its nodes of 4 the degree, 5 the mean degree of
    the neighbours, 6 the number of maximal cliques, 7 the clustering coefficient; 8 how often the
    sampler drew it.

    Args:
        candidates (CandidateSet): C candidates, cliques of the graph.
        cliques (CliqueSet): Maximal cliques of the graph.
        edge_index (Tensor or graph): As for :func:`graphlab.hyper.maximal_cliques`.
        num_nodes (int, optional): Number of nodes N; as for :func:`graphlab.hyper.maximal_cliques`.

    Returns:
        Tensor: ``(C, 9)`` float64, not standardised.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or a candidate is no clique.

    Complexity: linear in the pairs of nodes of all candidates and cliques.
    """
    graph, family, sets = read_candidates(candidates, cliques, edge_index, num_nodes)
    pair_cliques = cliques_per_edge(graph, family)
    columns = node_columns(graph, family)
    out = np.zeros((len(sets), 9))
    out[candidates.num_maximal :, 0] = 1
    out[:, 1] = sets.sizes
    out[:, 8] = candidates.parents.numpy()
    for size, numbers, nodes in groups(sets):
        out[numbers, 4:8] = columns[nodes].mean(axis=1)
        if size > 1:
            held = pair_cliques[edges_of(graph, nodes)]
            out[numbers, 2] = (held > 1).all(axis=1)
            out[numbers, 3] = held.mean(axis=1)
    return to_tensor(out)


def cliques_per_edge(graph: Graph, cliques: NodeSets) -> Floats:
    """Number of maximal cliques that hold each edge."""
    out = np.zeros(graph.keys.size)
    for size, _, nodes in groups(cliques):
        if size > 1:
            numbers = edges_of(graph, nodes, "cliques").ravel()
            out += np.bincount(numbers, minlength=out.size)
    return out


def node_columns(graph: Graph, cliques: NodeSets) -> Floats:
    """Degree, mean degree of neighbours, maximal cliques, clustering; ``(N, 4)``."""
    degree = graph.degree.astype(np.float64)
    row, col = graph.entries
    # Isolated nodes have no neighbours to average over and no pairs to close: 0.
    around = np.bincount(row, degree[col], graph.num_nodes) / np.maximum(degree, 1)
    held = np.bincount(cliques.idx, minlength=graph.num_nodes)
    possible = degree * (degree - 1)
    clustering = 2 * graph.triangles() / np.maximum(possible, 1)
    return np.stack([degree, around, held, clustering], axis=1)
