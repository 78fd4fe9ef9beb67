"""The least time each operator can take on a device: bytes moved, operations done, and the slower.

For every operator with a CUDA kernel the work is read off its arguments (values are never looked
at, so meta tensors do): bytes that any algorithm must move once, rows gathered at random,
multiply-adds counted as two operations, and exponentials. What is counted is the operator, not our
kernel: a second pass over the data, padding and scratch are the kernel's own fault.

A gathered row costs whole sectors of 32 bytes. A table that fits the cache is read once; of a
larger one the cache holds a share, and any policy hits with that share when entries name rows
independently and uniformly. Graphs with hubs or locality can beat this part of a floor.

Integer work (Philox, searches in rows) is not counted: floors of ``random_projection``,
``random_walk``, ``walk_overlap`` and ``distinct_ends`` know memory alone and are loose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks._floors.attention import segment_attention, segment_attention_backward
from benchmarks._floors.cluster import (
    cluster_gather,
    cluster_outer,
    cluster_outer_backward,
    cluster_sum,
)
from benchmarks._floors.edge import (
    edge_cosine_sum,
    edge_cosine_sum_backward,
    edge_cosine_weight_grad,
)
from benchmarks._floors.interval import (
    budget_minimum,
    budget_minimum_backward,
    edge_bound,
    edge_bound_backward,
    interval_propagate,
    interval_propagate_backward,
)
from benchmarks._floors.meta import meta_logsumexp, meta_logsumexp_backward
from benchmarks._floors.overlap import distinct_ends, walk_overlap
from benchmarks._floors.pairwise import (
    pairwise_logsumexp,
    pairwise_logsumexp_backward,
    self_logsumexp,
)
from benchmarks._floors.propagation import (
    propagate,
    propagate_dot,
    propagate_merge,
    propagate_squares,
)
from benchmarks._floors.random import random_projection, random_walk
from benchmarks._floors.work import (
    OPERATIONS_PER_EXPONENTIAL,
    Device,
    Gather,
    Work,
    floor_seconds,
    traffic,
)

__all__ = [
    "FORMULAS",
    "OPERATIONS_PER_EXPONENTIAL",
    "Device",
    "Gather",
    "Work",
    "floor_seconds",
    "traffic",
    "work_of",
]

FORMULAS: dict[str, Callable[..., Work]] = {
    formula.__name__: formula
    for formula in (
        edge_cosine_sum,
        edge_cosine_sum_backward,
        edge_cosine_weight_grad,
        cluster_sum,
        cluster_gather,
        cluster_outer,
        cluster_outer_backward,
        pairwise_logsumexp,
        pairwise_logsumexp_backward,
        self_logsumexp,
        meta_logsumexp,
        meta_logsumexp_backward,
        propagate,
        propagate_dot,
        propagate_merge,
        propagate_squares,
        random_projection,
        random_walk,
        interval_propagate,
        interval_propagate_backward,
        edge_bound,
        edge_bound_backward,
        budget_minimum,
        budget_minimum_backward,
        walk_overlap,
        distinct_ends,
        segment_attention,
        segment_attention_backward,
    )
}


def work_of(op: str, args: tuple[Any, ...]) -> Work:
    """Work of one call of an operator.

    Raises:
        KeyError: If the operator has no formula.
    """
    return FORMULAS[op](*args)
