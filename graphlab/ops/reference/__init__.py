r"""Pure-torch definition of every operator: the specification, and the path without kernels.

The functions work in any floating dtype and on any device. Forward functions are differentiable
by torch's autograd, which is how the tests check the explicit ``_backward`` functions (and,
through them, the compiled kernels) in float64. Work is cut into chunks, so memory stays linear.

Shapes: N, M rows; D features; E edges; K clusters. Graphs come as CSR (``rowptr`` int64 of
``N + 1``, ``col`` int32 of ``E``); ``col`` holds the other node of each anchor's row.
"""

from graphlab.ops.reference.cluster import (
    cluster_gather,
    cluster_outer,
    cluster_outer_backward,
    cluster_sum,
)
from graphlab.ops.reference.edge import (
    csr_rows,
    edge_cosine_sum,
    edge_cosine_sum_backward,
    edge_cosine_weight_grad,
)
from graphlab.ops.reference.meta import meta_logsumexp, meta_logsumexp_backward
from graphlab.ops.reference.pairwise import (
    EXCLUDE,
    KEEP,
    ZERO,
    pairwise_logsumexp,
    pairwise_logsumexp_backward,
    self_logsumexp,
)
from graphlab.ops.reference.rows import row_norms, unit_rows, unit_rows_backward

__all__ = [
    "EXCLUDE",
    "KEEP",
    "ZERO",
    "cluster_gather",
    "cluster_outer",
    "cluster_outer_backward",
    "cluster_sum",
    "csr_rows",
    "edge_cosine_sum",
    "edge_cosine_sum_backward",
    "edge_cosine_weight_grad",
    "meta_logsumexp",
    "meta_logsumexp_backward",
    "pairwise_logsumexp",
    "pairwise_logsumexp_backward",
    "row_norms",
    "self_logsumexp",
    "unit_rows",
    "unit_rows_backward",
]
