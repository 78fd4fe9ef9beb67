"""Hypergraphs: projection, what it loses, and reconstruction from it; readers and converters."""

from graphlab._namespace import listing
from graphlab.datasets import (
    SHyReDataset,
    read_hif,
    read_hyperedge_list,
    read_simplices,
    write_hif,
)
from graphlab.hyper.baselines import CliqueCover, MaxCliqueBaseline
from graphlab.hyper.bayesian_mdl import BayesianMDL
from graphlab.hyper.candidates import CandidateSet
from graphlab.hyper.cliques import CliqueSet, maximal_cliques
from graphlab.hyper.convert import (
    from_hypergraphx,
    from_networkx_bipartite,
    from_xgi,
    to_hypergraphx,
    to_networkx_bipartite,
    to_xgi,
)
from graphlab.hyper.count_features import COUNT_NAMES, count_features
from graphlab.hyper.marioh import Marioh
from graphlab.hyper.motif_features import MOTIF_NAMES, motif_features
from graphlab.hyper.preimages import count_preimages
from graphlab.hyper.projection import project
from graphlab.hyper.reconstructor import HypergraphReconstructor
from graphlab.hyper.rho import RhoTable, rho
from graphlab.hyper.sampler import CliqueSampler
from graphlab.hyper.scores import jaccard, multi_jaccard, precision_recall_f1
from graphlab.hyper.theory import (
    is_conformal,
    nested_hyperedges,
    projection_loss,
    uncovered_triangles,
)

__all__ = [
    "COUNT_NAMES",
    "MOTIF_NAMES",
    "BayesianMDL",
    "CandidateSet",
    "CliqueCover",
    "CliqueSampler",
    "CliqueSet",
    "HypergraphReconstructor",
    "Marioh",
    "MaxCliqueBaseline",
    "RhoTable",
    "SHyReDataset",
    "count_features",
    "count_preimages",
    "from_hypergraphx",
    "from_networkx_bipartite",
    "from_xgi",
    "is_conformal",
    "jaccard",
    "maximal_cliques",
    "motif_features",
    "multi_jaccard",
    "nested_hyperedges",
    "precision_recall_f1",
    "project",
    "projection_loss",
    "read_hif",
    "read_hyperedge_list",
    "read_simplices",
    "rho",
    "to_hypergraphx",
    "to_networkx_bipartite",
    "to_xgi",
    "uncovered_triangles",
    "write_hif",
]

__dir__ = listing(__all__)
