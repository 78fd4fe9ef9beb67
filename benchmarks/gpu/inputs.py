"""Arguments of every operator with a CUDA kernel, at the size of its family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import log2
from typing import Any

import torch
from torch import Tensor

from benchmarks._harness.graphs import rmat, uniform_graph
from graphlab.ops import CSRGraph, RelationalRows, SparseRows, reference, unit_rows
from graphlab.ops.library import call

__all__ = [
    "ARGUMENTS",
    "FAMILIES",
    "FULL",
    "SMALL",
    "WITH_HUBS",
    "Inputs",
    "Size",
    "family_of",
    "with_hubs",
]

SEED = 0
TAU = 0.5
HEADS = 8


@dataclass(frozen=True)
class Size:
    """Size of the inputs of a family.

    Attributes:
        nodes (int): Rows.
        dim (int): Columns, of attention per head.
        degree (int): Mean number of neighbours.
        clusters (int): Clusters, of attention segments, of typed edges types.
        graph (str): ``"uniform"``, or ``"rmat"`` with hubs; its nodes are a power of two.
    """

    nodes: int
    dim: int
    degree: int = 16
    clusters: int = 10
    graph: str = "uniform"


#: Families whose time hangs on the longest row.
WITH_HUBS = ("edge", "propagate", "relational", "interval", "walk")


def with_hubs(size: Size) -> Size:
    """About the same size, on a graph with hubs."""
    return replace(size, nodes=2 ** round(log2(size.nodes)), graph="rmat")


#: Tables of gathered rows are several times the 50 MB cache of an H100 or H200.
FULL = {
    "edge": Size(1_000_000, 64),
    "cluster": Size(4_000_000, 64),
    "pairs": Size(32_768, 128),
    "meta": Size(1_000_000, 16),
    "propagate": Size(1_000_000, 128),
    "relational": Size(250_000, 256, clusters=5_000),
    "interval": Size(1_000_000, 64),
    "walk": Size(200_000, 64),
    "attention": Size(131_072, 64, clusters=2_048),
}
#: For the comparison with float64, and to try the code without a GPU.
SMALL = {name: Size(257, 19, 6, 5) for name in FULL}

FAMILIES = {
    "edge": ("edge_cosine_sum", "edge_cosine_sum_backward", "edge_cosine_weight_grad"),
    "cluster": ("cluster_sum", "cluster_gather", "cluster_outer", "cluster_outer_backward"),
    "pairs": (
        "pairwise_logsumexp",
        "pairwise_logsumexp_backward",
        "pairwise_logsumexp_gradients",
        "self_logsumexp",
        "pairwise_softplus",
        "pairwise_softplus_backward",
        "pairwise_rank",
        "pairwise_topk",
    ),
    "meta": ("meta_logsumexp", "meta_logsumexp_backward"),
    "propagate": (
        "propagate",
        "propagate_dot",
        "propagate_merge",
        "propagate_squares",
        "random_projection",
    ),
    "relational": (
        "relational_propagate",
        "relational_shares",
        "relational_source_grad",
        "relational_table_grad",
    ),
    "interval": (
        "interval_propagate",
        "interval_propagate_backward",
        "edge_bound",
        "edge_bound_backward",
        "budget_minimum",
        "budget_minimum_backward",
    ),
    "walk": ("random_walk", "walk_overlap", "distinct_ends"),
    "attention": ("segment_attention", "segment_attention_backward"),
}


def family_of(op: str) -> str:
    """Family of an operator."""
    return next(family for family, ops in FAMILIES.items() if op in ops)


@lru_cache(maxsize=2)
def _edges(nodes: int, degree: int, kind: str) -> Tensor:
    if kind == "rmat":
        return rmat(nodes.bit_length() - 1, degree // 2, SEED)
    return uniform_graph(nodes, degree, SEED)


class Inputs:
    """Tensors of one size on one device; each is made when it is asked for.

    Everything is drawn on the CPU, so that all devices get the same numbers.

    Args:
        size (Size): How large.
        device (torch.device): Where.
        dtype (torch.dtype): Of the floating ones.
    """

    def __init__(self, size: Size, device: torch.device, dtype: torch.dtype) -> None:
        self.size, self.device, self.dtype = size, device, dtype
        self._generator = torch.Generator().manual_seed(SEED)

    def normal(self, *shape: int) -> Tensor:
        """Normal values."""
        drawn = torch.randn(*shape, generator=self._generator)
        return drawn.to(self.device, self.dtype)

    def positive(self, *shape: int) -> Tensor:
        """Uniform values in [0.1, 1.1)."""
        drawn = torch.rand(*shape, generator=self._generator) + 0.1
        return drawn.to(self.device, self.dtype)

    def integers(self, high: int, count: int) -> Tensor:
        """Uniform integers below ``high``."""
        return torch.randint(high, (count,), generator=self._generator).to(self.device)

    @cached_property
    def z(self) -> Tensor:
        """Rows, ``(N, D)``."""
        return self.normal(self.size.nodes, self.size.dim)

    @cached_property
    def other(self) -> Tensor:
        """More rows, ``(N, D)``."""
        return self.normal(self.size.nodes, self.size.dim)

    @cached_property
    def cluster(self) -> Tensor:
        """Cluster of every row."""
        return self.integers(self.size.clusters, self.size.nodes)

    @cached_property
    def edge_index(self) -> Tensor:
        """A random graph, both directions."""
        size = self.size
        return _edges(size.nodes, size.degree, size.graph).to(self.device)

    @cached_property
    def graph(self) -> CSRGraph:
        """Its random walk: weights one over the degree, reversible."""
        degree = torch.bincount(self.edge_index[0], minlength=self.size.nodes).clamp(min=1)
        weight = (1 / degree.to(self.dtype))[self.edge_index[0]]
        return CSRGraph.from_edge_index(
            self.edge_index, self.size.nodes, weight, scale=degree.to(self.dtype)
        )

    @cached_property
    def pattern(self) -> SparseRows:
        """Its positions, both ways."""
        row, col = self.edge_index
        return SparseRows.from_rows(row, col, self.size.nodes, self.size.nodes)

    @cached_property
    def ends(self) -> tuple[Tensor, Tensor]:
        """Lower and upper end of the entries of an interval matrix."""
        low = self.positive(self.pattern.num_edges)
        return low, low + self.positive(self.pattern.num_edges)

    @cached_property
    def typed(self) -> RelationalRows:
        """Its edges with types."""
        kinds = self.integers(self.size.clusters, self.edge_index.size(1))
        return RelationalRows.from_edge_index(
            self.edge_index, kinds, self.size.nodes, self.size.clusters
        )

    @property
    def rows(self) -> tuple[Tensor | None, ...]:
        """The graph as edge operators take it."""
        g = self.graph
        return g.rowptr, g.col, g.weight, g.weight_t, g.scale

    @property
    def matrix(self) -> tuple[Tensor | None, ...]:
        """The graph as sparse sums take it: no weights, rows divided by the degree."""
        degree = self.graph.rowptr.diff().clamp(min=1).to(self.dtype)
        return self.graph.rowptr, self.graph.col, None, degree.reciprocal()


# --- builders -------------------------------------------------------------------------------------


def _pairs(i: Inputs) -> tuple[Any, ...]:
    return unit_rows(i.z), unit_rows(i.other), None, None, 1 / TAU, 0, True


def _pairs_backward(i: Inputs) -> tuple[Any, ...]:
    x, y, *_, scale, diagonal, columns = _pairs(i)
    row, col = torch.ops.graphlab.pairwise_logsumexp(x, y, None, None, scale, diagonal, columns)
    rows = (i.normal(x.size(0)), row, None)
    return (x, y, *rows, i.normal(y.size(0)), col, None, scale, diagonal)


def _whole(i: Inputs) -> tuple[Tensor, Tensor]:
    """Whole numbers, whose products are exact: the float64 definition has the same order."""
    shape = (i.size.nodes, i.size.dim)
    count = i.size.nodes * i.size.dim
    x, y = ((i.integers(15, count) - 7).view(shape).to(i.dtype) for _ in range(2))
    return x, y


def _rank(i: Inputs) -> tuple[Any, ...]:
    nodes, named = i.size.nodes, i.size.degree
    ptr = named * torch.arange(nodes + 1, device=i.device)
    columns = i.integers(nodes, named * nodes).view(nodes, named).sort(1).values
    return *_whole(i), i.integers(nodes, nodes), None, ptr, columns.view(-1)


def _meta(i: Inputs) -> tuple[Any, ...]:
    dim, clusters = i.size.dim, i.size.clusters
    root = 0.3 * i.normal(clusters, dim, dim)
    mean, count = 0.3 * i.normal(clusters, dim), i.positive(clusters)
    return unit_rows(i.z), count, mean, root @ root.transpose(1, 2), 1 / TAU


def _meta_backward(i: Inputs) -> tuple[Any, ...]:
    args = _meta(i)
    return (i.normal(i.size.nodes), torch.ops.graphlab.meta_logsumexp(*args), *args)


def _interval(i: Inputs) -> tuple[Any, ...]:
    a, (low, high), order = i.pattern, i.ends, i.pattern.transposed.entry.long()
    spread = i.other.abs()
    ends = (i.z - spread, i.z + spread, a.rowptr, a.col, low, high)
    return (*ends, *a.transposed[:2], low[order], high[order])


def _interval_backward(i: Inputs) -> tuple[Any, ...]:
    low, high, _, _, _, _, *transpose = _interval(i)
    return (i.z, i.other, low, high, *transpose)


def _bound(i: Inputs) -> tuple[Any, ...]:
    a = i.pattern
    return i.z, i.other, i.other.abs(), a.rowptr, a.col, *a.transposed


def _bound_backward(i: Inputs) -> tuple[Any, ...]:
    return (i.normal(i.pattern.num_edges), *_bound(i))


def _budget(i: Inputs) -> tuple[Any, ...]:
    a, nodes = i.pattern, i.size.nodes
    degree = a.rowptr.diff()
    # Powers of two: which entries are missing does not hang on a rounding.
    negative = (2.0 ** (i.integers(3, nodes) - 1)).to(i.dtype)
    kind = i.integers(2, a.num_edges).to(torch.int8)
    factors = (negative / 2, negative, degree.to(i.dtype))
    transpose = a.transposed
    # Exact in float32, so that the float64 reference drops the same entries.
    value = i.z.float().to(i.dtype)
    budget = degree // 4 if i.size.graph == "rmat" else degree.clamp(max=4)
    return (value, a.rowptr, a.col, kind, *factors, budget, 0.5, *transpose)


def _budget_backward(i: Inputs) -> tuple[Any, ...]:
    args = _budget(i)
    value, rowptr, _, kind, *factors, _, power, a, b, c = args
    choice = torch.ops.graphlab.budget_minimum(*args)[1]
    return (i.other, value, choice, rowptr, kind, *factors, power, a, b, c)


def _overlap(i: Inputs) -> tuple[Any, ...]:
    g = i.graph
    # The edges themselves, as topological concentration asks for them.
    return g.rowptr, g.col, None, g.rowptr, g.col, 1, 0.5, False


def _attention(i: Inputs) -> tuple[Any, ...]:
    nodes, segments = i.size.nodes, i.size.clusters
    mean = nodes // segments
    # Segments of 1 to 2 mean - 1 rows, the last one a little longer.
    ptr = mean * torch.arange(segments + 1, device=i.device) + i.integers(mean, segments + 1)
    ptr[0], ptr[-1] = 0, nodes
    return i.normal(nodes, 3 * HEADS * i.size.dim), ptr, HEADS


def _attention_backward(i: Inputs) -> tuple[Any, ...]:
    args = _attention(i)
    out, lse = torch.ops.graphlab.segment_attention(*args)
    qkv, ptr, heads = args
    # As attention is used: nothing depends on the log-sums.
    return i.normal(*out.shape), torch.zeros_like(lse), qkv, ptr, out, lse, heads


def _outer_backward(i: Inputs) -> tuple[Any, ...]:
    return i.normal(i.size.clusters, i.size.dim, i.size.dim), i.z, i.cluster


#: Products of rows, summed up.
_RULES = (reference.DISTMULT, reference.SUM)


def _relational(i: Inputs) -> tuple[Any, ...]:
    typed = i.typed
    values = i.z[:, None], i.normal(i.size.clusters, i.size.dim), i.other[:, None]
    graph = typed.rows.rowptr, typed.rows.col, typed.type
    return *values, *graph, *typed.by_source, *typed.by_type, *_RULES, True


def _relational_shares(i: Inputs) -> tuple[Any, ...]:
    # Small whole numbers: what an extreme is compared with is then exact in every type.
    x, table, boundary, rowptr, source, kind, *orders = (
        part.round() if isinstance(part, Tensor) and part.is_floating_point() else part
        for part in _relational(i)
    )
    args = (x, table, boundary, rowptr, source, kind, *orders[:6], reference.DISTMULT)
    out = call("relational_propagate", *args, reference.MAX, True)
    grad = i.normal(*out.shape)
    return grad, out, x, table, boundary, rowptr, source, kind, reference.DISTMULT, True


def _relational_grads(i: Inputs) -> tuple[Tensor, ...]:
    """Share, result, sources and table: a sum does not read the result."""
    share = i.other[:, None]
    return share, share, i.z[:, None], i.normal(i.size.clusters, i.size.dim)


def _edge_grad(i: Inputs) -> tuple[Tensor, Tensor]:
    """Gradient of the sums, and nothing kept of the forward pass."""
    return i.normal(i.size.nodes), i.z.new_empty(0)


ARGUMENTS: dict[str, Callable[[Inputs], tuple[Any, ...]]] = {
    "edge_cosine_sum": lambda i: (i.z, *i.rows, TAU, False),
    "edge_cosine_sum_backward": lambda i: (*_edge_grad(i), i.z, *i.rows, TAU),
    "edge_cosine_weight_grad": lambda i: (*_edge_grad(i), i.z, *i.rows[:2], TAU),
    "cluster_sum": lambda i: (i.z, i.cluster, i.size.clusters),
    "cluster_gather": lambda i: (i.normal(i.size.clusters, i.size.dim), i.cluster),
    "cluster_outer": lambda i: (i.z, i.cluster, i.size.clusters),
    "cluster_outer_backward": _outer_backward,
    "pairwise_logsumexp": _pairs,
    "pairwise_logsumexp_backward": _pairs_backward,
    "pairwise_logsumexp_gradients": _pairs_backward,
    "pairwise_softplus": lambda i: (unit_rows(i.z), i.other),
    "pairwise_softplus_backward": lambda i: (
        i.normal(i.size.nodes),
        unit_rows(i.z),
        i.other,
        True,
        True,
    ),
    "pairwise_rank": _rank,
    "pairwise_topk": lambda i: (*_whole(i), 10, 0, None, None),
    "self_logsumexp": lambda i: (unit_rows(i.z), None, 1 / TAU, reference.EXCLUDE),
    "meta_logsumexp": _meta,
    "meta_logsumexp_backward": _meta_backward,
    "propagate": lambda i: (i.z, *i.matrix),
    "propagate_dot": lambda i: (i.z, i.other, *i.matrix),
    "propagate_merge": lambda i: (i.z, *i.matrix, [0.0, 0.0, 1.0, 6.67], True, None),
    "propagate_squares": lambda i: (i.z, *i.matrix, [0.0, 0.0, 1.0, 6.67]),
    "random_projection": lambda i: (i.positive(i.size.nodes), None, 7, 0, 0, i.size.dim, 3.0, 0.1),
    "relational_propagate": _relational,
    "relational_shares": _relational_shares,
    "relational_source_grad": lambda i: (*_relational_grads(i), *i.typed.by_source, *_RULES),
    "relational_table_grad": lambda i: (*_relational_grads(i), *i.typed.by_type, *_RULES),
    "interval_propagate": _interval,
    "interval_propagate_backward": _interval_backward,
    "edge_bound": _bound,
    "edge_bound_backward": _bound_backward,
    "budget_minimum": _budget,
    "budget_minimum_backward": _budget_backward,
    "random_walk": lambda i: (*i.rows[:2], i.integers(i.size.nodes, i.size.nodes), 7, 0, 16, 0.1),
    "walk_overlap": _overlap,
    "distinct_ends": lambda i: (*i.rows[:2], 2),
    "segment_attention": _attention,
    "segment_attention_backward": _attention_backward,
}
