"""Inputs for every operator, and the comparison with the definition in float64.

``python -m tests.ops._cases`` compares every case once in a process of its own, for instance under
another instruction set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import torch
from torch import Tensor

from graphlab.ops import CSRGraph, RelationalRows, SparseRows, reference, unit_rows
from graphlab.ops.library import active_kernel

OPS: Any = torch.ops.graphlab
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


@dataclass(frozen=True)
class Case:
    """One call of an operator.

    Attributes:
        op: Name of the operator.
        label: What is special about the call.
        build: Makes the arguments in float64 on the CPU.
        small: Whether the call suits checks that repeat it many times.
        slack: Factor on the tolerance.
    """

    op: str
    label: str
    build: Callable[[], tuple[Any, ...]]
    small: bool = False
    slack: float = 1.0

    @property
    def id(self) -> str:
        """Name of the case in a test report."""
        return f"{self.op}-{self.label}"

    def args(
        self, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
    ) -> tuple[Any, ...]:
        """The arguments in another floating dtype, on another device."""
        return tuple(_convert(a, dtype, torch.device(device)) for a in self.build())


def _convert(value: Any, dtype: torch.dtype, device: torch.device) -> Any:
    if not isinstance(value, Tensor):
        return value
    # A copy: graphs are built once and shared.
    return value.detach().to(device, dtype if value.is_floating_point() else value.dtype, copy=True)


def randn(*size: int, seed: int = 0) -> Tensor:
    """Normal float64 values that are exact in float32 as well, the same in every run."""
    generator = torch.Generator().manual_seed(seed + 7919 * sum(size) + len(size))
    return torch.randn(*size, generator=generator).double()


def rand(*size: int, seed: int = 0) -> Tensor:
    """Uniform float64 values in [0.1, 1.1), exact in float32 as well."""
    generator = torch.Generator().manual_seed(seed + 104729 * sum(size) + len(size))
    return (torch.rand(*size, generator=generator) + 0.1).double()


def randint(high: int, *size: int, seed: int = 0) -> Tensor:
    """Uniform integers in [0, high)."""
    generator = torch.Generator().manual_seed(seed + 15485863 * sum(size) + len(size))
    return torch.randint(high, size, generator=generator)


@lru_cache
def graph(kind: str, nodes: int, edges: int) -> CSRGraph:
    """A random graph with self-loops and, for ``kind="hub"``, nodes joined with all others."""
    index = randint(max(1, nodes), 2, edges)
    if kind == "hub":
        every = torch.arange(nodes)
        index = torch.cat([index, torch.stack([every, 0 * every]), torch.stack([every, every])], 1)
    if kind == "plain":
        return CSRGraph.from_edge_index(index, nodes)
    if kind == "directed":
        return CSRGraph.from_edge_index(index, nodes, rand(index.size(1)))
    base = CSRGraph.from_edge_index(torch.cat([index, index.flip(0)], 1), nodes)
    row, col = base.edge_index()
    node = rand(nodes, seed=1).float().double()
    if kind in ("symmetric", "hub"):
        return CSRGraph.from_edge_index(base.edge_index(), nodes, node[row] * node[col])
    weight = 1 / node[row]
    return CSRGraph.from_edge_index(base.edge_index(), nodes, weight, scale=node)


def tensors_of(g: CSRGraph) -> tuple[Tensor | None, ...]:
    """A graph as the operators take it."""
    return g.rowptr, g.col, g.weight, g.weight_t, g.scale


# --- builders ------------------------------------------------------------------------------------


def _rows(nodes: int, dim: int) -> Tensor:
    z = randn(nodes, dim)
    if nodes > 10:  # the cosine jumps at a zero row, which finite differences would not forgive
        z[nodes // 3] = 0
    return z


def _edge(kind: str, nodes: int, edges: int, dim: int, keep: bool) -> Callable[[], Any]:
    return lambda: (_rows(nodes, dim), *tensors_of(graph(kind, nodes, edges)), 0.7, keep)


def _edge_backward(kind: str, nodes: int, edges: int, dim: int, keep: bool) -> Callable[[], Any]:
    """The gradient of the sums, and what the forward pass may have kept."""

    def build() -> tuple[Any, ...]:
        inputs = _edge(kind, nodes, edges, dim, keep)()
        kept = reference.edge_cosine_sum(*inputs)[1]
        return randn(nodes, seed=5), kept, *inputs[:-1]

    return build


def _edge_weight(kind: str, nodes: int, edges: int, dim: int, keep: bool) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        grad, kept, z, rowptr, col, *_, tau = _edge_backward(kind, nodes, edges, dim, keep)()
        return grad, kept, z, rowptr, col, tau

    return build


def _labels(nodes: int, clusters: int) -> Tensor:
    """The last cluster stays empty, the first one is large."""
    cluster = randint(max(1, clusters - 1), nodes)
    cluster[: nodes // 2] = 0
    return cluster


def _sum(nodes: int, dim: int, clusters: int) -> Callable[[], Any]:
    return lambda: (randn(nodes, dim), _labels(nodes, clusters), clusters)


def _gather(nodes: int, dim: int, clusters: int) -> Callable[[], Any]:
    return lambda: (randn(clusters, dim), _labels(nodes, clusters))


def _outer_backward(nodes: int, dim: int, clusters: int) -> Callable[[], Any]:
    return lambda: (
        randn(clusters, dim, dim),
        randn(nodes, dim),
        _labels(nodes, clusters),
    )


def _weights(count: int, kind: str, seed: int) -> Tensor | None:
    """None, or moderate weights with zeros among them."""
    if kind == "none":
        return None
    weight = rand(count, seed=seed)
    weight[: count // 4] = 0
    return weight


def _pair(
    n: int,
    m: int,
    dim: int,
    scale: float = 0.8,
    diagonal: int = 0,
    weights: str = "none",
    columns: bool = True,
) -> Callable[[], Any]:
    return lambda: (
        unit_rows(randn(n, dim)),
        unit_rows(randn(m, dim, seed=1)),
        _weights(n, weights, 2),
        _weights(m, weights, 3),
        scale,
        diagonal,
        columns,
    )


def _pair_backward(
    n: int, m: int, dim: int, sides: str = "rc", **options: Any
) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        x, y, x_weight, y_weight, scale, diagonal, _ = _pair(n, m, dim, **options)()
        row, col = reference.pairwise_logsumexp(x, y, x_weight, y_weight, scale, diagonal, True)
        rows = (randn(n, seed=7), row.float().double(), y_weight) if "r" in sides else (None,) * 3
        cols = (randn(m, seed=8), col.float().double(), x_weight) if "c" in sides else (None,) * 3
        return (x, y, *rows, *cols, scale, diagonal)

    return build


def _self(n: int, dim: int, **options: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        x, _, weight, _, scale, diagonal, _ = _pair(n, n, dim, **options)()
        return x, weight, scale, diagonal

    return build


def _self_backward(n: int, dim: int, **options: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        x, weight, scale, diagonal = _self(n, dim, **options)()
        lse = reference.self_logsumexp(x, weight, scale, diagonal).float().double()
        side = (randn(n, seed=7), lse, weight)
        return (x, x, *side, *side, scale, diagonal)

    return build


def _softplus(n: int, m: int, dim: int, size: float = 1.0) -> Callable[[], Any]:
    return lambda: (size * randn(n, dim), randn(m, dim, seed=1))


def _softplus_backward(n: int, m: int, dim: int, sides: str, **options: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        x, y = _softplus(n, m, dim, **options)()
        return randn(n, seed=7), x, y, "x" in sides, "y" in sides

    return build


def _filter(n: int, m: int) -> tuple[Tensor, Tensor]:
    """Up to a third of the columns, some of them twice; all of them in one row."""
    rows = [randint(max(m, 1), k % (m // 3 + 1), seed=k).sort().values for k in range(n)]
    if n > 3:
        rows[n // 2] = torch.arange(m)
    ptr = torch.tensor([0, *(row.numel() for row in rows)]).cumsum(0)
    return ptr, torch.cat([*rows, torch.zeros(0, dtype=torch.int64)])


def _scores(n: int, m: int, dim: int, levels: int) -> tuple[Tensor, Tensor]:
    """Normal values, or whole numbers whose products tie."""
    if levels == 0:
        return randn(n, dim), randn(m, dim, seed=1)
    values = (randint(2 * levels + 1, size, dim, seed=size) - levels for size in (n, m))
    x, y = (value.double() for value in values)
    return x, y


def _rank(
    n: int, m: int, dim: int, levels: int, filtered: bool, several: bool = False
) -> Callable[[], Any]:
    filters = _filter(n, m) if filtered else (None, None)
    truth_ptr, total = None, n
    if several:  # none, one, or some truths a row, and many in the middle
        count = randint(4, n, seed=7)
        count[n // 2 : n // 2 + 1] = 70
        truth_ptr = torch.cat([count.new_zeros(1), count.cumsum(0)])
        total = int(truth_ptr[-1])
    truth = randint(max(m, 1), total, seed=4)
    return lambda: (*_scores(n, m, dim, levels), truth, truth_ptr, *filters)


def _topk(n: int, m: int, dim: int, levels: int, filtered: bool, k: int) -> Callable[[], Any]:
    filters = _filter(n, m) if filtered else (None, None)
    return lambda: (*_scores(n, m, dim, levels), k, reference.EXCLUDE * (n == m), *filters)


def _meta(n: int, clusters: int, dim: int, cov: bool = True, tau: float = 1.2) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        count = 5 * rand(clusters)
        count[clusters // 2 : clusters // 2 + 1] = 0 if clusters > 1 else 2
        root = 0.3 * randn(clusters, dim, dim)
        moments = (root @ root.transpose(1, 2) + 0.1 * root).float().double()
        return (
            unit_rows(randn(n, dim)),
            count,
            0.3 * randn(clusters, dim),
            moments if cov else None,
            tau,
        )

    return build


def _meta_backward(n: int, clusters: int, dim: int, **options: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        args = _meta(n, clusters, dim, **options)()
        lse = reference.meta_logsumexp(*args).float().double()
        return (randn(n, seed=9), lse, *args)

    return build


def _sparse(kind: str, nodes: int, edges: int, dim: int, *more: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        g = graph(kind, nodes, edges)
        return (randn(nodes, dim), g.rowptr, g.col, g.weight, rand(nodes, seed=2), *more)

    return build


def _sparse_dot(*size: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        h, *rest = _sparse(*size)()
        return (h, randn(*h.shape, seed=3), *rest)

    return build


def _wide_matrix(rows: int, columns: int, edges: int, dim: int) -> Callable[[], Any]:
    """A matrix that is not square, without weights and scales."""

    def build() -> tuple[Any, ...]:
        row = randint(rows, edges).sort().values
        rowptr = torch.searchsorted(row, torch.arange(rows + 1))
        return randn(columns, dim), rowptr, randint(columns, edges, seed=1).int(), None, None

    return build


def _projection(rows: int, start: int, stop: int, sparsity: float) -> Callable[[], Any]:
    node = 3 * torch.arange(rows).flip(0) + 2**33
    return lambda: (rand(rows), node, -7, 5, start, stop, sparsity, 0.25)


def _overlap(
    nodes: int, edges: int, hops: int, *, weighted: bool = False, distinct: bool = False
) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        g = graph("plain", nodes, edges)
        weight = rand(g.num_edges) if weighted else None
        # Pairs need not be edges: some nodes are alone, one is paired with all.
        other = torch.cat([randint(max(1, nodes), edges, seed=3), torch.zeros(nodes).long()])
        other = other.sort().values
        anchor = torch.cat([randint(max(1, nodes), edges, seed=4), torch.arange(nodes)]).int()
        borders = torch.searchsorted(other, torch.arange(nodes + 1))
        return g.rowptr, g.col, weight, borders, anchor, hops, 0.4, distinct

    return build


def _distinct(nodes: int, edges: int, hops: int) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        g = graph("plain", nodes, edges)
        return g.rowptr, g.col, hops

    return build


def _pattern(kind: str, nodes: int, edges: int) -> tuple[SparseRows, Tensor]:
    """A directed pattern with one more column than rows, and kinds of entries."""
    g = graph(kind, nodes, edges)
    row, col = g.edge_index()
    entry_kind = torch.where(row == col, 2, randint(4, row.numel()).clamp(max=1))
    return SparseRows.from_rows(row, col, nodes, nodes + 1), entry_kind.to(torch.int8)


def _interval(kind: str, nodes: int, edges: int, dim: int) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        a, _ = _pattern(kind, nodes, edges)
        low, order = rand(a.num_edges), a.transposed.entry.long()
        high = low + rand(a.num_edges, seed=1)
        center, radius = randn(nodes + 1, dim), rand(nodes + 1, dim)
        ends = center - radius, center + radius
        return *ends, a.rowptr, a.col, low, high, *a.transposed[:2], low[order], high[order]

    return build


def _interval_backward(kind: str, nodes: int, edges: int, dim: int) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        low, high, _, _, _, _, *transpose = _interval(kind, nodes, edges, dim)()
        grads = randn(nodes, dim, seed=6), randn(nodes, dim, seed=7)
        return *grads, low, high, *transpose

    return build


def _bound(kind: str, nodes: int, edges: int, dim: int, wide: bool) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        a, _ = _pattern(kind, nodes, edges)
        radius = rand(nodes + 1, dim) if wide else None
        pattern = a.rowptr, a.col, *a.transposed
        return randn(nodes, dim), randn(nodes + 1, dim, seed=1), radius, *pattern

    return build


def _bound_backward(*size: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        args = _bound(*size)()
        return randn(args[4].numel(), seed=8), *args

    return build


def _budget(
    kind: str, nodes: int, edges: int, dim: int, power: float, large: bool = False
) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        a, entry_kind = _pattern(kind, nodes, edges)
        degree = a.rowptr.diff()
        budget = degree if large else torch.minimum(degree // 2, torch.tensor(9))
        # Powers of two: which entries are missing does not hang on a rounding.
        negative = 2.0 ** (randint(3, nodes + 1) - 1).double()
        factors = negative / 2, negative, degree.double()
        transpose = a.transposed
        value = randn(nodes + 1, dim)
        return value, a.rowptr, a.col, entry_kind, *factors, budget, power, *transpose

    return build


def _budget_backward(*size: Any) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        value, rowptr, col, kind, *factors, budget, power, a, b, c = _budget(*size)()
        args = (value, rowptr, col, kind, *factors, budget, power, a, b, c)
        _, choice = reference.budget_minimum(*args)
        grad = randn(choice.size(1), value.size(1), seed=9)
        return grad, value, choice, rowptr, kind, *factors, power, a, b, c

    return build


def _simple(nodes: int, edges: int) -> tuple[Tensor, Tensor]:
    """CSR rows of an undirected graph without self-loops."""
    index = randint(max(1, nodes), 2, edges)
    index = index[:, index[0] != index[1]]
    g = CSRGraph.from_edge_index(torch.cat([index, index.flip(0)], 1), nodes)
    return g.rowptr, g.col


def _cliques(nodes: int, edges: int) -> Callable[[], Any]:
    return lambda: (*_simple(nodes, edges), -1, 0.0)


def _clique_overlap(nodes: int, edges: int) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        rowptr, col = _simple(nodes, edges)
        ptr, idx, _ = reference.maximal_cliques(rowptr, col, -1, 0.0)
        return ptr, idx, rowptr, col

    return build


def _walk(nodes: int, edges: int, starts: int, length: int, restart: float) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        g = graph("plain", nodes, edges)
        return g.rowptr, g.col, randint(max(1, nodes), starts), -7, 3, length, restart

    return build


#: Label, rows, columns, edges, and whether these come in both directions and strictly ascending.
_EDGES: tuple[tuple[str, int, int, int, bool, bool], ...] = (
    ("small", 7, 5, 12, False, False),
    ("repeated", 20, 20, 3_000, False, False),
    ("symmetric", 300, 300, 900, True, False),
    ("ascending", 300, 200, 900, False, True),
    ("ascending symmetric", 300, 300, 900, True, True),
    ("many", 5_000, 4_000, 200_000, False, False),
    ("no edge", 4, 3, 0, False, False),
    ("no row", 0, 3, 0, False, False),
)


def _edge_list(
    rows: int, cols: int, edges: int, symmetric: bool, ascending: bool, numbers: bool
) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        index = torch.stack([randint(max(rows, 1), edges), randint(max(cols, 1), edges, seed=1)])
        if symmetric:
            index = torch.cat([index, index.flip(0)], dim=1)
        if ascending:
            key = (index[0] * cols + index[1]).unique()
            index = torch.stack([key // cols, key % cols])
        return index, rows, cols, numbers

    return build


def typed(nodes: int, edges: int, types: int) -> RelationalRows:
    """Typed edges, some twice; node 0 is the target and the source of many, type 0 frequent."""
    index, kind = randint(max(1, nodes), 2, edges), randint(max(1, types), edges, seed=1)
    index[0, : edges // 4], index[1, edges // 4 : edges // 2] = 0, 0
    kind[edges // 3 :: 2] = 0
    return RelationalRows.from_edge_index(index, kind, nodes, types)


def _relational(size: tuple[int, ...], message: int, reduce: int, even: bool) -> Callable[[], Any]:
    """Values are small integers where extremes are taken: many tie, also with the boundary."""

    def build() -> tuple[Any, ...]:
        nodes, edges, types, batch, dim = size
        rows = typed(nodes, edges, types)
        shapes = ((nodes, batch, dim), (types, dim), (nodes, batch, dim))
        if reduce in (reference.MAX, reference.MIN):
            values = [randint(3, *shape, seed=k).double() - 1 for k, shape in enumerate(shapes)]
        else:
            values = [randn(*shape, seed=k) for k, shape in enumerate(shapes)]
        graph = rows.rows.rowptr, rows.rows.col, rows.type
        return *values, *graph, *rows.by_source, *rows.by_type, message, reduce, even

    return build


def _distinct_values(build: Callable[[], Any]) -> Callable[[], Any]:
    """The same without ties, which finite differences would not forgive."""

    def distinct() -> tuple[Any, ...]:
        x, table, boundary, *rest = build()
        values = (randn(*value.shape, seed=k) for k, value in enumerate((x, table, boundary)))
        return *values, *rest

    return distinct


def _relational_parts(build: Callable[[], Any], name: str) -> Callable[[], Any]:
    """Arguments of the derivatives; what an extreme is compared with is exact in float32."""

    def parts() -> tuple[Any, ...]:
        args = build()
        x, table, boundary, rowptr, source, kind, *orders, message, reduce, even = args
        out = reference.relational_propagate(*args)
        grad = randn(*out.shape, seed=7)
        if name == "relational_shares":
            return grad, out, x, table, boundary, rowptr, source, kind, message, even
        by = orders[:3] if name == "relational_source_grad" else orders[3:]
        return grad, out, x, table, *by, message, reduce

    return parts


def _first_ends(build: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: (build()[0][0], build()[1])


def _walk_subgraphs(walk: Callable[[], Any], max_nodes: int) -> Callable[[], Any]:
    return lambda: (reference.random_walk(*walk()), max_nodes)


def _attention(sizes: tuple[int, ...], heads: int, width: int) -> Callable[[], Any]:
    ptr = torch.tensor((0, *sizes)).cumsum(0)
    return lambda: (randn(sum(sizes), 3 * heads * width), ptr, heads)


def _attention_backward(sizes: tuple[int, ...], heads: int, width: int) -> Callable[[], Any]:
    def build() -> tuple[Any, ...]:
        qkv, ptr, _ = _attention(sizes, heads, width)()
        results = reference.segment_attention(qkv, ptr, heads)
        out, lse = (result.float().double() for result in results)
        grads = randn(*out.shape, seed=7), randn(*lse.shape, seed=8)
        return *grads, qkv, ptr, out, lse, heads

    return build


# --- the table -----------------------------------------------------------------------------------

_GRAPHS = [
    ("small", "directed", 7, 20, 3),
    ("plain", "plain", 60, 500, 10),
    ("directed", "directed", 300, 6000, 10),
    ("symmetric", "symmetric", 200, 1500, 16),
    ("reversible", "reversible", 300, 6000, 33),
    ("hub", "hub", 5000, 9000, 5),
    ("wide", "reversible", 50, 700, 130),
    ("no edges", "plain", 5, 0, 4),
    ("one node", "plain", 1, 1, 4),
    ("no nodes", "plain", 0, 0, 4),
    ("no features", "plain", 6, 9, 0),
]
_SPARSE: list[tuple[str, str, int, int, int]] = [
    *_GRAPHS,  # type: ignore[list-item]
    ("long row", "hub", 20_000, 100, 20),
    ("wider", "directed", 60, 500, 300),
]
_BOUNDED: list[tuple[str, str, int, int, int]] = [
    ("small", "directed", 7, 20, 3),
    ("plain", "plain", 60, 500, 10),
    ("directed", "directed", 300, 6000, 33),
    ("hub", "hub", 5000, 9000, 5),
    ("wide", "reversible", 50, 700, 130),
    ("no edges", "plain", 5, 0, 4),
    ("no nodes", "plain", 0, 0, 4),
    ("no features", "plain", 6, 9, 0),
]
_PROJECTIONS: list[tuple[str, int, int, int, float]] = [
    ("small", 5, 2, 9, 3.0),
    ("ternary", 200, 0, 130, 3.0),
    ("dense signs", 50, 7, 70, 1.0),
    ("very sparse", 300, 0, 128, 1000.0),
    ("normal", 200, 5, 133, 0.0),
    ("no rows", 0, 0, 4, 2.0),
    ("no columns", 4, 3, 3, 0.0),
]
_CLUSTERS = [
    ("small", 8, 3, 4),
    ("few", 3000, 10, 7),
    ("many", 2500, 20, 2000),
    ("wide", 600, 70, 3),
    ("one row", 1, 4, 1),
    ("no rows", 0, 4, 3),
    ("no features", 9, 0, 2),
]
_PAIRS: list[tuple[str, int, int, int, dict[str, Any]]] = [
    ("small", 6, 5, 3, {"weights": "some", "diagonal": 2}),
    ("plain", 100, 130, 10, {}),
    ("weights", 400, 150, 10, {"weights": "some", "diagonal": 1}),
    ("wide", 30, 500, 130, {"diagonal": 2}),
    ("sharp", 150, 200, 17, {"scale": 50.0, "diagonal": 1}),
    ("sharp weights", 150, 200, 17, {"scale": 50.0, "weights": "some"}),
    ("negative scale", 50, 60, 8, {"scale": -3.0}),
    ("one pair", 1, 1, 4, {"diagonal": 2}),
    ("empty", 3, 0, 4, {}),
    ("no features", 5, 4, 0, {"diagonal": 1}),
]
_SOFTPLUS: list[tuple[str, int, int, int, dict[str, Any]]] = [
    ("small", 6, 5, 3, {}),
    ("plain", 100, 130, 10, {}),
    ("few rows", 30, 1500, 130, {}),
    ("many rows", 1500, 30, 33, {}),
    ("several units", 900, 1000, 9, {}),
    ("large", 150, 200, 17, {"size": 100.0}),
    ("tiny sums", 40, 1, 64, {"size": 0.5}),
    ("one pair", 1, 1, 4, {}),
    ("empty", 3, 0, 4, {}),
    ("no rows", 0, 3, 4, {}),
    ("no features", 5, 4, 0, {}),
]
#: Label, rows, columns, features, levels of whole numbers, whether there is a filter.
_RANKS: list[tuple[Any, ...]] = [
    ("small", 6, 5, 3, 1, True),
    ("small, several truths", 6, 5, 3, 1, True, True),
    ("several truths", 400, 500, 33, 0, True, True),
    ("several truths, ties", 500, 900, 5, 1, True, True),
    ("several truths, few rows", 3, 1500, 17, 2, False, True),
    ("several truths, no rows", 0, 3, 4, 0, True, True),
    ("plain", 100, 130, 10, 0, False),
    ("ties", 400, 300, 5, 1, True),
    ("few rows", 3, 1500, 66, 0, True),
    ("many rows", 1500, 40, 33, 2, True),
    ("several units", 500, 900, 17, 2, False),
    ("one pair", 1, 1, 4, 0, False),
    ("no rows", 0, 3, 4, 0, True),
    ("no features", 5, 4, 0, 0, False),
]
_TOPKS: list[tuple[str, int, int, int, int, bool, int]] = [
    ("small", 6, 5, 3, 1, True, 2),
    ("plain", 100, 130, 10, 0, False, 10),
    ("ties", 400, 300, 5, 1, True, 7),
    ("few rows", 3, 1500, 66, 0, True, 100),
    ("many rows", 1500, 40, 33, 2, True, 50),
    ("several units", 900, 900, 17, 2, False, 3),
    ("one pair", 1, 1, 4, 0, False, 1),
    ("empty", 3, 0, 4, 0, False, 2),
    ("no rows", 0, 3, 4, 0, True, 2),
    ("no features", 5, 4, 0, 0, False, 3),
]
_OVERLAPS: list[tuple[str, int, int, int, dict[str, Any]]] = [
    ("small", 8, 14, 2, {"weighted": True}),
    ("one hop", 150, 900, 1, {}),
    ("weights", 150, 900, 1, {"weighted": True}),
    ("two hops", 150, 500, 2, {}),
    ("three hops", 90, 200, 3, {"weighted": True}),
    ("set", 90, 250, 3, {"distinct": True}),
    ("no edges", 5, 0, 2, {}),
    ("no nodes", 0, 0, 1, {}),
]
_WALKS: list[tuple[str, int, int, int, int, float]] = [
    ("small", 7, 9, 5, 6, 0.5),
    ("long", 60, 90, 40, 33, 0.2),
    ("no restart", 300, 2000, 3000, 16, 0.0),
    ("no edges", 4, 0, 3, 5, 0.3),
    ("no starts", 5, 8, 0, 4, 0.5),
    ("many nodes", 900, 5000, 30, 400, 0.05),
]
_ATTENTION: list[tuple[str, tuple[int, ...], int, int]] = [
    ("small", (3, 0, 2), 2, 2),
    ("plain", (11, 30, 2, 0, 7, 64, 65, 1, 20), 8, 16),
    ("single rows", (1,) * 90, 2, 8),
    ("long", (4, 300, 9), 2, 10),
    ("wide", (20, 0, 33, 5), 1, 70),
    ("wider", (12, 40), 2, 130),
    ("one column", (5, 6), 3, 1),
    ("one head", (17, 9), 1, 32),
    ("no rows", (0, 0, 0), 2, 4),
    ("no segments", (), 2, 4),
]
_META: list[tuple[str, int, int, int, dict[str, Any]]] = [
    ("small", 6, 3, 3, {}),
    ("first order", 500, 7, 10, {"cov": False}),
    ("second order", 500, 7, 10, {}),
    ("wide", 90, 3, 40, {}),
    ("many", 70, 200, 6, {"tau": 3.0}),
    ("one row", 1, 1, 4, {}),
    ("no rows", 0, 3, 4, {}),
    ("no features", 5, 3, 0, {}),
    ("no clusters", 5, 0, 3, {}),
]


_TYPED: list[tuple[str, tuple[int, ...]]] = [
    ("small", (5, 14, 3, 2, 3)),
    ("plain", (60, 500, 9, 3, 16)),
    ("narrow", (80, 900, 40, 1, 1)),
    ("odd", (50, 400, 7, 2, 37)),
    ("wide", (40, 300, 300, 2, 130)),
    ("wider", (30, 200, 5, 1, 261)),
    ("long row", (300, 40_000, 3, 1, 5)),
    ("no edges", (5, 0, 2, 2, 4)),
    ("no nodes", (0, 0, 2, 2, 4)),
    ("no batch", (6, 9, 2, 0, 4)),
    ("no features", (6, 9, 2, 2, 0)),
]
_REDUCTIONS = ("sum", "mean", "max", "min", "square")
_SIMPLE = [
    ("small", 7, 12),
    ("dense", 40, 500),
    ("sparse", 300, 600),
    ("no edges", 5, 0),
    ("one node", 1, 0),
    ("no nodes", 0, 0),
]


def _sharp(options: dict[str, Any]) -> float:
    # Normalisers near 50 are known to half a unit in the last place: 2e-6 of the exponential.
    return 10.0 if options.get("scale", 0) > 30 else 2.0


def _relational_cases(number: int, label: str, size: tuple[int, ...]) -> list[Case]:
    """Every rule on the small graph, two of them on each of the others."""
    table, small = [], label == "small"
    rules = list(product(enumerate(("distmult", "transe")), enumerate(_REDUCTIONS)))
    for (message, word), (reduce, name) in rules if small else rules[number % 5 :: 5]:
        # Edges given twice tie: only even shares are a derivative.
        build = _relational(size, message, reduce, small or bool(message))
        extreme, full = name in ("max", "min"), f"{label} {word} {name}"
        distinct = _distinct_values(build) if small and extreme else build
        table.append(Case("relational_propagate", full, distinct, small, slack=2.0))
        for op in ("relational_source_grad", "relational_table_grad", "relational_shares"):
            if extreme or op != "relational_shares":
                table.append(Case(op, full, _relational_parts(build, op), small, slack=2.0))
    return table


def _table() -> list[Case]:
    table = []
    for (label, *size), keep in product(_GRAPHS, (False, True)):
        small, name = label == "small", f"{label}, kept" if keep else label
        table.append(Case("edge_cosine_sum", name, _edge(*size, keep), small))
        table.append(Case("edge_cosine_sum_backward", name, _edge_backward(*size, keep), small))
        table.append(Case("edge_cosine_weight_grad", name, _edge_weight(*size, keep), small))
    for label, *sparse in _SPARSE:
        small = label == "small"
        orders = ([0.0, 0.5, 0.0, -1.5], label != "plain", None)
        table.append(Case("propagate", label, _sparse(*sparse), small))
        table.append(Case("propagate_dot", label, _sparse_dot(*sparse), small, slack=3.0))
        # Norms near zero carry the rounding of what cancelled to give them.
        table.append(Case("propagate_merge", label, _sparse(*sparse, *orders), small, slack=3.0))
        squares = _sparse(*sparse, [2.0, 0.0, 1.0])
        table.append(Case("propagate_squares", label, squares, small, slack=3.0))
    table.append(Case("propagate", "not square", _wide_matrix(50, 80, 400, 17)))
    every = _sparse("directed", 300, 6000, 40, [1.0, 1.0, 2.0, 3.0, 4.0], True, None)
    table.append(Case("propagate_merge", "all orders", every, slack=3.0))
    for label, kind, n, e, d in _BOUNDED:
        small, size = label == "small", (kind, n, e, d)
        table.append(Case("interval_propagate", label, _interval(*size), small))
        table.append(Case("interval_propagate_backward", label, _interval_backward(*size), small))
        for wide in (True, False):
            name = label if wide else f"{label} exact"
            table.append(Case("edge_bound", name, _bound(*size, wide), small and wide))
            build = _bound_backward(*size, wide)
            table.append(Case("edge_bound_backward", name, build, small and wide))
        for power in (0.5, 1.0, 0.0):
            for large in (False, True):
                name = f"{label} {power} {'all' if large else 'some'}"
                options = (*size, power, large)
                table.append(Case("budget_minimum", name, _budget(*options), small))
                build = _budget_backward(*options)
                table.append(Case("budget_minimum_backward", name, build, small))
    for label, *numbers in _PROJECTIONS:
        table.append(Case("random_projection", label, _projection(*numbers), label == "small"))
    for label, n, d, k in _CLUSTERS:
        small = label == "small"
        table.append(Case("cluster_sum", label, _sum(n, d, k), small))
        table.append(Case("cluster_gather", label, _gather(n, d, k), small))
        if label != "many":
            table.append(Case("cluster_outer", label, _sum(n, d, k), small))
            table.append(Case("cluster_outer_backward", label, _outer_backward(n, d, k), small))
    for label, n, m, d, options in _PAIRS:
        small, slack = label == "small", _sharp(options)
        table.append(Case("pairwise_logsumexp", label, _pair(n, m, d, **options), small))
        for sides in ("rc", "r", "c"):
            build = _pair_backward(n, m, d, sides, **options)
            name = f"{label} {sides}"
            table.append(Case("pairwise_logsumexp_backward", name, build, small, slack))
            table.append(Case("pairwise_logsumexp_gradients", name, build, small, slack))
        table.append(Case("self_logsumexp", label, _self(n, d, **options), small))
        build = _self_backward(n, d, **options)
        table.append(Case("pairwise_logsumexp_backward", f"{label} self", build, small, slack))
    rows_only = _pair(300, 70, 9, columns=False)
    table.append(Case("pairwise_logsumexp", "rows only", rows_only))
    for n, m in ((130, 900), (900, 130)):
        name = f"{n} by {m}"
        table.append(Case("pairwise_logsumexp", f"{name} rows", _pair(n, m, 66, columns=False)))
        for sides in ("rc", "r"):
            build = _pair_backward(n, m, 66, sides, weights="some")
            operators = ("pairwise_logsumexp_backward", "pairwise_logsumexp_gradients")
            for op in operators:
                table.append(Case(op, f"{name} {sides}", build, slack=2.0))
    table.append(Case("self_logsumexp", "several units", _self(900, 6, diagonal=2)))
    build = _self_backward(900, 6, diagonal=1, weights="some")
    table.append(Case("pairwise_logsumexp_backward", "several units", build, slack=2.0))
    for label, n, m, d, options in _SOFTPLUS:
        small = label == "small"
        table.append(Case("pairwise_softplus", label, _softplus(n, m, d, **options), small))
        for sides in ("xy", "x", "y"):
            build = _softplus_backward(n, m, d, sides, **options)
            name = f"{label} {sides}"
            table.append(Case("pairwise_softplus_backward", name, build, small, slack=2.0))
    for label, *rank in _RANKS:
        table.append(Case("pairwise_rank", label, _rank(*rank), label.startswith("small")))
    for label, *topk in _TOPKS:
        table.append(Case("pairwise_topk", label, _topk(*topk), label == "small"))
    for label, n, k, d, options in _META:
        small = label == "small"
        table.append(Case("meta_logsumexp", label, _meta(n, k, d, **options), small))
        build = _meta_backward(n, k, d, **options)
        table.append(Case("meta_logsumexp_backward", label, build, small, slack=3.0))
    for label, *walk in _WALKS:
        table.append(Case("random_walk", label, _walk(*walk), label == "small"))
        for limit in (-1, 3):
            build = _walk_subgraphs(_walk(*walk), limit)
            name = f"{label}-{limit}"
            table.append(Case("walk_subgraphs", name, build, label == "small"))
    for label, *attention in _ATTENTION:
        small = label == "small"
        table.append(Case("segment_attention", label, _attention(*attention), small))
        build = _attention_backward(*attention)
        table.append(Case("segment_attention_backward", label, build, small, slack=2.0))
    for label, n, e, hops, options in _OVERLAPS:
        small = label == "small"
        table.append(Case("walk_overlap", label, _overlap(n, e, hops, **options), small))
        table.append(Case("distinct_ends", label, _distinct(n, e, hops), small))
    for label, *edges in _EDGES:
        for numbers in (True, False):
            build = _edge_list(*edges, numbers)
            name = label if numbers else f"{label}, pairs alone"
            table.append(Case("csr_from_edges", name, build, label == "small"))
        table.append(Case("sort_by_index", label, _first_ends(build), label == "small"))
    for number, (label, typed_size) in enumerate(_TYPED):
        table += _relational_cases(number, label, typed_size)
    for label, n, e in _SIMPLE:
        small = label == "small"
        table.append(Case("maximal_cliques", label, _cliques(n, e), small))
        table.append(Case("clique_overlap", label, _clique_overlap(n, e), small))
    return table


#: Operators whose result has a size that only the values tell.
UNKNOWN_SIZE = {"csr_from_edges", "maximal_cliques", "walk_subgraphs"}

#: Operators, or single outputs, that have a type of their own, whatever the inputs have.
FIXED_DTYPE: dict[str | tuple[str, int], torch.dtype] = {
    "walk_overlap": torch.float64,
    "distinct_ends": torch.int64,
    "random_walk": torch.int32,
}
FIXED_DTYPE |= {
    "sort_by_index": torch.int64,
    "maximal_cliques": torch.int64,
    "clique_overlap": torch.int64,
}
FIXED_DTYPE |= {"pairwise_rank": torch.int64, ("pairwise_topk", 1): torch.int64}
_ROWS = (torch.int64, torch.int32, torch.int64, torch.int64, torch.int64, torch.int64)
FIXED_DTYPE |= {("csr_from_edges", index): dtype for index, dtype in enumerate(_ROWS)}
_WORDS = (torch.int64, torch.int32, torch.int64, torch.int16, torch.int32)
FIXED_DTYPE |= {("walk_subgraphs", index): dtype for index, dtype in enumerate(_WORDS)}

CASES = _table()
SMALL = [case for case in CASES if case.small]


# --- comparison ----------------------------------------------------------------------------------


def tensors(result: Any) -> tuple[Tensor, ...]:
    """The outputs of an operator as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def relative_error(got: Tensor, want: Tensor) -> float:
    """Norm of the difference over the norm of ``want``; infinite where infinities differ."""
    got, want = got.detach().double().cpu(), want.detach().double().cpu()
    finite = want.isfinite()
    if got.shape != want.shape or not torch.equal(got[~finite], want[~finite]):
        return float("inf")
    if not bool(finite.any()):
        return 0.0
    difference = (got - want)[finite].norm()
    return float(difference / want[finite].norm().clamp(min=1e-30))


def tolerance(op: str, dtype: torch.dtype, device: torch.device | str) -> float:
    """Bound of the relative error; pure torch adds long float32 rows up one by one."""
    pure = active_kernel(op, torch.device(device).type) == "pure"
    return TOLERANCE[dtype] * (10.0 if pure else 1.0)


def check_against_reference(
    case: Case, dtype: torch.dtype, device: torch.device | str = "cpu"
) -> None:
    """Compare an operator with its definition, evaluated in float64 on the same inputs."""
    args = case.args(dtype, device)
    got = tensors(getattr(OPS, case.op)(*args))
    double = tuple(_convert(a, torch.float64, torch.device("cpu")) for a in args)
    want = tensors(getattr(reference, case.op)(*double))
    for index, (g, w) in enumerate(zip(got, want, strict=True)):
        expected = torch.float64 if case.op == "propagate_squares" else dtype
        expected = FIXED_DTYPE.get((case.op, index), FIXED_DTYPE.get(case.op, expected))
        if g.dtype != expected:
            raise AssertionError(f"{case.id}: output {index} has dtype {g.dtype}, not {expected}")
        error, limit = relative_error(g, w), case.slack * tolerance(case.op, dtype, device)
        if not error <= limit:
            raise AssertionError(f"{case.id}: output {index} is off by {error:.2e} > {limit:.0e}")


if __name__ == "__main__":
    for each in CASES:
        check_against_reference(each, torch.float32)
        check_against_reference(each, torch.float64)
