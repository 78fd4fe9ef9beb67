"""Candidates for hyperedges: maximal cliques and subsets of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from graphlab._repr import short_repr
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import NodeSets, SetFamily, check_family

__all__ = ["CandidateSet"]


@short_repr
@dataclass(frozen=True, eq=False)
class CandidateSet(SetFamily):
    """Candidates for hyperedges: all maximal cliques, then smaller ones, each in order.

    Attributes:
        ptr (Tensor): Pointers to the beginnings of the sets, int64 ``(C + 1,)``.
        idx (Tensor): Nodes, int64, ascending within a set.
        num_maximal (int): The first so many sets are the maximal cliques.
        parents (Tensor): Number of times that the sampler drew the set, int64 ``(C,)``; a maximal
            clique is drawn when its own size was picked.
        num_nodes (int, optional): Number of nodes of the graph, if the cliques have it.
        node_id (list, optional): Names of its nodes, if the cliques have them.
    """

    num_maximal: int
    parents: Tensor


def read_candidates(
    candidates: object, cliques: object, edge_index: Any, num_nodes: int | None
) -> tuple[Graph, NodeSets, NodeSets]:
    """The graph, its maximal cliques and the candidates that features are computed of."""
    graph = read_graph(edge_index, num_nodes)
    family = check_family(cliques, "cliques", graph.num_nodes)
    return graph, family, check_candidates(candidates, graph.num_nodes)


def check_candidates(candidates: object, num_nodes: int) -> NodeSets:
    """Require a candidate set without empty sets."""
    if not isinstance(candidates, CandidateSet):
        raise TypeError(f"candidates must be a CandidateSet, got {type(candidates).__name__}")
    sets = check_family(candidates, "candidates", num_nodes)
    if len(sets) and sets.sizes.min() < 1:
        raise ValueError("candidates must not be empty sets")
    return sets
