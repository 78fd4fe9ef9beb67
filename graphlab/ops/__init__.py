"""Differentiable operators on graphs: pure torch everywhere, compiled kernels where installed."""

from typing import TYPE_CHECKING

import graphlab.ops.cliques  # noqa: F401 (defines operators)
from graphlab._checks import trusted_values
from graphlab._deprecation import moved_names
from graphlab._namespace import listing
from graphlab.ops.attention import segment_attention
from graphlab.ops.cluster import cluster_outer, cluster_pair_logsum, cluster_sum
from graphlab.ops.csr import SparseRows
from graphlab.ops.csr_graph import CSRGraph
from graphlab.ops.edge import edge_cosine_sum
from graphlab.ops.hops import hop_distances
from graphlab.ops.interval import budget_minimum, edge_bound, interval_propagate
from graphlab.ops.library import LibraryStatus, status
from graphlab.ops.meta import meta_logsumexp
from graphlab.ops.nearest import pairwise_topk
from graphlab.ops.overlap import distinct_ends, walk_overlap, walk_overlap_visits
from graphlab.ops.pairwise import pairwise_logsumexp, self_logsumexp
from graphlab.ops.projection import random_projection
from graphlab.ops.propagation import (
    propagate,
    propagate_dot,
    propagate_merge,
    propagate_squares,
)
from graphlab.ops.ranking import pairwise_rank
from graphlab.ops.relational import relational_propagate
from graphlab.ops.relational_rows import RelationalRows
from graphlab.ops.rows import unit_rows
from graphlab.ops.softplus import pairwise_softplus
from graphlab.ops.walk import random_walk, walk_subgraphs

__all__ = [
    "CSRGraph",
    "LibraryStatus",
    "RelationalRows",
    "SparseRows",
    "budget_minimum",
    "cluster_outer",
    "cluster_pair_logsum",
    "cluster_sum",
    "distinct_ends",
    "edge_bound",
    "edge_cosine_sum",
    "hop_distances",
    "interval_propagate",
    "meta_logsumexp",
    "pairwise_logsumexp",
    "pairwise_rank",
    "pairwise_softplus",
    "pairwise_topk",
    "propagate",
    "propagate_dot",
    "propagate_merge",
    "propagate_squares",
    "random_projection",
    "random_walk",
    "relational_propagate",
    "segment_attention",
    "self_logsumexp",
    "status",
    "trusted_values",
    "unit_rows",
    "walk_overlap",
    "walk_overlap_visits",
    "walk_subgraphs",
]

__dir__ = listing(__all__)

if not TYPE_CHECKING:  # a checker is to find a name that does not exist
    __getattr__ = moved_names(__name__, {"RowPattern": "graphlab.ops:SparseRows"})
