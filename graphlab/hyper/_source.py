"""The hypergraph that a reconstruction learns from, with the graph and the cliques it implies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._incidence import Incidence
from graphlab.hyper._sets import Ints, NodeSets, SetFamily, find, node_sets
from graphlab.hyper.cliques import CliqueSet, maximal_cliques
from graphlab.hyper.projection import projection
from graphlab.hyper.sampler import CliqueSampler


@dataclass(frozen=True, eq=False)
class Source:
    """Distinct hyperedges, their projection, and its maximal cliques."""

    edges: NodeSets
    graph: Graph
    cliques: CliqueSet

    @classmethod
    def of(cls, hypergraph: Incidence, max_cliques: int | None = None) -> Source:
        """Project a hypergraph and list the maximal cliques."""
        graph = read_graph(projection(hypergraph)[0], hypergraph.num_nodes)
        return cls(hypergraph.distinct(), graph, maximal_cliques(graph, max_cliques=max_cliques))

    def fit_sampler(self, beta: int, charge_maximal: bool, seed: int) -> CliqueSampler:
        """A sampler that has learned where hyperedges are."""
        sampler = CliqueSampler(beta, charge_maximal=charge_maximal, seed=seed)
        index = torch.from_numpy(np.stack([self.edges.idx, self.edges.owner()]))
        return sampler.fit(index, self.graph.num_nodes, self.cliques)

    def labels(self, candidates: SetFamily) -> Ints:
        """1 for candidates that are hyperedges, else 0."""
        return (find(node_sets(candidates), self.edges) >= 0).astype(np.int64)
