r"""Pure-torch definition of every operator: the specification, and the path without kernels.

The functions work in any floating dtype and on any device. Forward functions are differentiable
by torch's autograd, which is how the tests check the explicit ``_backward`` functions (and,
through them, the compiled kernels) in float64. Work is cut into chunks, so memory stays linear.

Shapes: N, M rows; D features; E edges; K clusters. Graphs come as CSR (``rowptr`` int64 of
``N + 1``, ``col`` int32 of ``E``); ``col`` holds the other node of each anchor's row.
"""

from graphlab._namespace import listing
from graphlab.ops.csr import csr_rows
from graphlab.ops.reference.attention import segment_attention, segment_attention_backward
from graphlab.ops.reference.cliques import clique_overlap, maximal_cliques
from graphlab.ops.reference.cluster import (
    cluster_gather,
    cluster_outer,
    cluster_outer_backward,
    cluster_sum,
)
from graphlab.ops.reference.csr import csr_from_edges
from graphlab.ops.reference.edge import (
    edge_cosine_sum,
    edge_cosine_sum_backward,
    edge_cosine_weight_grad,
)
from graphlab.ops.reference.interval import (
    DROPPABLE,
    KEPT,
    OWN,
    budget_minimum,
    budget_minimum_backward,
    edge_bound,
    edge_bound_backward,
    interval_propagate,
    interval_propagate_backward,
)
from graphlab.ops.reference.meta import meta_logsumexp, meta_logsumexp_backward
from graphlab.ops.reference.overlap import distinct_ends, walk_overlap
from graphlab.ops.reference.pairwise import (
    EXCLUDE,
    KEEP,
    ZERO,
    pairwise_logsumexp,
    pairwise_logsumexp_backward,
    pairwise_logsumexp_gradients,
    self_logsumexp,
)
from graphlab.ops.reference.projection import normal_quantile, random_projection, ternary_signs
from graphlab.ops.reference.propagation import (
    SQUARE_BLOCK,
    add_blocks,
    propagate,
    propagate_dot,
    propagate_merge,
    propagate_squares,
)
from graphlab.ops.reference.ranking import pairwise_rank, pairwise_topk
from graphlab.ops.reference.relational import (
    DISTMULT,
    MAX,
    MEAN,
    MIN,
    SQUARE_MEAN,
    SUM,
    TRANSE,
    relational_propagate,
    relational_shares,
    relational_source_grad,
    relational_table_grad,
)
from graphlab.ops.reference.rows import row_norms, unit_rows, unit_rows_backward
from graphlab.ops.reference.softplus import pairwise_softplus, pairwise_softplus_backward
from graphlab.ops.reference.walk import local_dtype, random_walk, walk_subgraphs
from graphlab.ops.sorting import sort_in_torch as sort_by_index

__all__ = [
    "DISTMULT",
    "DROPPABLE",
    "EXCLUDE",
    "KEEP",
    "KEPT",
    "MAX",
    "MEAN",
    "MIN",
    "OWN",
    "SQUARE_BLOCK",
    "SQUARE_MEAN",
    "SUM",
    "TRANSE",
    "ZERO",
    "add_blocks",
    "budget_minimum",
    "budget_minimum_backward",
    "clique_overlap",
    "cluster_gather",
    "cluster_outer",
    "cluster_outer_backward",
    "cluster_sum",
    "csr_from_edges",
    "csr_rows",
    "distinct_ends",
    "edge_bound",
    "edge_bound_backward",
    "edge_cosine_sum",
    "edge_cosine_sum_backward",
    "edge_cosine_weight_grad",
    "interval_propagate",
    "interval_propagate_backward",
    "local_dtype",
    "maximal_cliques",
    "meta_logsumexp",
    "meta_logsumexp_backward",
    "normal_quantile",
    "pairwise_logsumexp",
    "pairwise_logsumexp_backward",
    "pairwise_logsumexp_gradients",
    "pairwise_rank",
    "pairwise_softplus",
    "pairwise_softplus_backward",
    "pairwise_topk",
    "propagate",
    "propagate_dot",
    "propagate_merge",
    "propagate_squares",
    "random_projection",
    "random_walk",
    "relational_propagate",
    "relational_shares",
    "relational_source_grad",
    "relational_table_grad",
    "row_norms",
    "segment_attention",
    "segment_attention_backward",
    "self_logsumexp",
    "sort_by_index",
    "ternary_signs",
    "unit_rows",
    "unit_rows_backward",
    "walk_overlap",
    "walk_subgraphs",
]

__dir__ = listing(__all__)
