"""Reconstruction by minimum description length, with graph-tool."""

from __future__ import annotations

from graphlab._checks import check_int
from graphlab.hyper._graph import Graph
from graphlab.hyper._sets import SetFamily, from_lists, sorted_unique
from graphlab.hyper._untrained import Untrained

__all__ = ["BayesianMDL"]


class BayesianMDL(Untrained):
    """The cliques that describe the graph most briefly, by graph-tool's ``CliqueState``.

    Cliques with a positive count after the last sweep, in lexicographic order. Needs graph-tool,
    which comes with system packages (Debian: ``python3-graph-tool``) or conda.

    Args:
        num_sweeps (int): Sweeps of the Markov chain.
        seed (int): Seed of graph-tool's generator, which is global to the process.

    Raises:
        ImportError: By ``predict``, if graph-tool is missing.

    Reference: Young, Petri, Peixoto, "Hypergraph reconstruction from network data",
        Communications Physics 2021. arXiv:2008.04948
    """

    def __init__(self, num_sweeps: int = 200, seed: int = 0) -> None:
        self.num_sweeps = num_sweeps
        self.seed = seed

    def _reconstruct(self, graph: Graph) -> SetFamily:
        num_sweeps = check_int(self.num_sweeps, "num_sweeps", minimum=1)
        seed = check_int(self.seed, "seed", minimum=0)
        try:
            import graph_tool
            from graph_tool.inference import CliqueState
        except ImportError as error:
            raise ImportError(
                "BayesianMDL needs graph-tool, a system or conda package (python3-graph-tool)"
            ) from error
        graph_tool.seed_rng(seed)
        native = graph_tool.Graph(directed=False)
        native.add_vertex(graph.num_nodes)
        native.add_edge_list(graph.entries[:, graph.upper].T)
        state = CliqueState(native)
        state.mcmc_sweep(niter=num_sweeps)
        # Vertices of the state are factors and cliques; x counts how often a clique is in use.
        cliques = [
            sorted(int(node) for node in state.c[v])
            for v in state.f.vertices()
            if not state.is_fac[v] and state.x[v] > 0
        ]
        sets, _ = sorted_unique(from_lists(cliques))
        return sets.to_family()
