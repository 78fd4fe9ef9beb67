"""Compares one family of CUDA kernels, run on the CPU by the shim, with the definition.

Run as ``python tests/ops/cuda/_cases.py FAMILY LIBRARY`` in a process of its own: the library
replaces the CPU implementations of the operators for as long as the process lives.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from graphlab.ops import RelationalRows, SparseRows, reference
from graphlab.ops.csr_graph import CSRGraph
from tests.ops._cases import TOLERANCE as DEVICE

OPS: Any = torch.ops.graphlab
#: Those of the tests on a device.
TOLERANCE = {**DEVICE, torch.int64: 0.0}
DTYPES = (torch.float32, torch.float64)
WIDTHS = (1, 3, 10, 33, 130)

ran = 0


def randn(*size: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 7919 * sum(size))
    return torch.randn(*size, generator=generator, dtype=torch.float64).to(dtype)


def randint(high: int, *size: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 104729 * sum(size))
    return torch.randint(high, size, generator=generator)


def double(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def tensors(result: Any) -> tuple[Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)


def compare(name: str, *args: Any, dtype: torch.dtype, where: str, slack: float = 1.0) -> None:
    """Kernel against the definition in float64, relative to the largest value; and twice alike."""
    global ran
    ran += 1
    got = tensors(getattr(OPS, name)(*args))
    again = tensors(getattr(OPS, name)(*args))
    want = tensors(getattr(reference, name)(*map(double, args)))
    for i, (g, a, w) in enumerate(zip(got, again, want, strict=True)):
        label = f"{name}[{i}] {where} {dtype}"
        if g.shape != w.shape or g.dtype != dtype:
            raise AssertionError(f"{label}: {g.shape} {g.dtype}, expected {w.shape}")
        if not torch.equal(g.nan_to_num(nan=1e30), a.nan_to_num(nan=1e30)):
            raise AssertionError(f"{label}: two runs differ")
        finite = w[w.isfinite()]
        size = max(1e-300, float(finite.abs().max())) if finite.numel() else 1.0
        torch.testing.assert_close(
            g.double() / size,
            w.double() / size,
            rtol=0.0,
            atol=TOLERANCE[dtype] * slack,
            equal_nan=True,
            msg=lambda text, label=label: f"{label}: {text}",
        )


# --- edges ---------------------------------------------------------------------------------------


def random_graph(nodes: int, edges: int, hubs: int = 0, *, weighted: bool = True) -> CSRGraph:
    """Random entries with self loops; the first ``hubs`` nodes are joined with every node."""
    pairs = [randint(max(nodes, 1), 2, edges)] if nodes else [torch.zeros(2, 0, dtype=torch.int64)]
    for hub in range(hubs):
        others = torch.arange(nodes)
        pairs.append(torch.stack([torch.full_like(others, hub * 2), others]))
    index = torch.cat(pairs, dim=1)
    weight = randn(index.size(1), seed=1).abs() if weighted else None
    return CSRGraph.from_edge_index(index, nodes, weight)


def graphs() -> Iterator[tuple[str, CSRGraph]]:
    yield "empty", random_graph(0, 0)
    yield "one node", random_graph(1, 1)
    yield "no edges", random_graph(5, 0)
    yield "31 nodes, unweighted", random_graph(31, 150, weighted=False)
    yield "33 nodes", random_graph(33, 90)
    symmetric = random_graph(1000, 3000)
    index, walk = symmetric.edge_index(), symmetric.weight
    if walk is None or symmetric.weight_t is None:
        raise AssertionError("a weighted graph has weights")
    both = 0.5 * (walk + symmetric.weight_t)
    yield "1000 nodes, symmetric", CSRGraph.from_edge_index(index, 1000, both)
    degree = torch.zeros(1000, dtype=torch.float64).index_add(0, index[0], both).clamp(min=1e-9)
    walk = both / degree[index[0]]
    yield "walk", CSRGraph.from_edge_index(index, 1000, walk, scale=degree)
    # Rows longer than several windows of 1024 entries, also next to each other.
    yield "hubs", random_graph(2500, 4000, hubs=3)
    yield "adjacent hubs", random_graph(1100, 1200, hubs=2)


def edge_cases() -> None:
    for where, graph in graphs():
        for dtype in DTYPES:
            for width in (0, *WIDTHS) if graph.num_nodes <= 33 else (10, 33):
                edge_case(where, graph, width, dtype)
    for width in (64, 128, 200, 700):
        edge_case("wide", random_graph(40, 200), width, torch.float32)
    edge_case("wide hub", random_graph(8400, 0, hubs=1), 516, torch.float64)
    edge_extremes()


def edge_case(where: str, graph: CSRGraph, width: int, dtype: torch.dtype) -> None:
    z = randn(graph.num_nodes, width, dtype=dtype)
    if graph.num_nodes > 2:
        z[2] = 0.0
    grad = randn(graph.num_nodes, dtype=dtype, seed=2)
    weights = [None if w is None else w.to(dtype) for w in (graph.weight, graph.weight_t)]
    scale = None if graph.scale is None else graph.scale.to(dtype)
    structure = (graph.rowptr, graph.col)
    where = f"{where}, D={width}"
    kept = z.new_empty(0)
    compare("edge_cosine_sum", z, *structure, *weights, scale, 1.5, False, dtype=dtype, where=where)
    compare(
        "edge_cosine_sum_backward", grad, kept, z, *structure, *weights, scale, 1.5,
        dtype=dtype, where=where, slack=4.0,
    )  # fmt: skip
    compare("edge_cosine_weight_grad", grad, kept, z, *structure, 1.5, dtype=dtype, where=where)


def edge_extremes() -> None:
    """Huge and tiny rows; an index out of range touches its own row only."""
    graph = random_graph(33, 200, weighted=False)
    z = randn(33, 10, dtype=torch.float32)
    z[:10] *= 1e37
    z[10:20] *= 1e-37
    structure = (graph.rowptr, graph.col, None, None, None)
    compare("edge_cosine_sum", z, *structure, 2.0, False, dtype=torch.float32, where="extreme")
    kept = z.new_empty(0)
    good = OPS.edge_cosine_sum(z, *structure, 2.0, False)[0]
    push = OPS.edge_cosine_sum_backward(good, kept, z, *structure, 2.0)
    for bad in (-1, 33, 2**31 - 1):
        col = graph.col.clone()
        col[graph.rowptr[7]] = bad
        rows = (graph.rowptr, col)
        out = OPS.edge_cosine_sum(z, *rows, None, None, None, 2.0, False)[0]
        back = OPS.edge_cosine_sum_backward(good, kept, z, *rows, None, None, None, 2.0)
        edge = OPS.edge_cosine_weight_grad(good, kept, z, *rows, 2.0)
        others = torch.arange(33) != 7
        if not (out[7].isnan() and back[7].isnan().all() and edge[graph.rowptr[7]].isnan()):
            raise AssertionError("a column out of range must poison its row")
        if not (torch.equal(out[others], good[others]) and torch.equal(back[others], push[others])):
            raise AssertionError("a column out of range must not touch other rows")


# --- clusters ------------------------------------------------------------------------------------

#: Rows, columns, clusters. K = 300 takes the sorted path; K = 5 of 3000 rows gives long clusters.
CLUSTERS = [
    (0, 3, 5), (1, 1, 1), (5, 0, 2), (31, 10, 5), (33, 33, 300), (1000, 3, 1), (1000, 10, 300),
    (1000, 130, 5), (3000, 10, 5), (700, 300, 7), (2500, 16, 128), (40, 65, 129),
]  # fmt: skip


def cluster_cases() -> None:
    for rows, width, clusters in CLUSTERS:
        for dtype in DTYPES:
            for skewed in (False, True):
                cluster_case(rows, width, clusters, dtype, skewed=skewed)
    cluster_poison()


def cluster_case(rows: int, width: int, clusters: int, dtype: torch.dtype, *, skewed: bool) -> None:
    x = randn(rows, width, dtype=dtype)
    cluster = randint(clusters, rows)
    if skewed:
        # Most rows in the last cluster, some clusters empty: windows with two long neighbours.
        cluster = torch.where(randint(10, rows) > 0, clusters - 1, cluster // 2)
    where = f"{rows} x {width}, K={clusters}, skewed={skewed}"
    centers = randn(clusters, width, dtype=dtype, seed=1)
    compare("cluster_sum", x, cluster, clusters, dtype=dtype, where=where)
    compare("cluster_gather", centers, cluster, dtype=dtype, where=where)
    if clusters * width**2 > 10**6:
        return
    grad = randn(clusters, width, width, dtype=dtype, seed=2)
    compare("cluster_outer", x, cluster, clusters, dtype=dtype, where=where)
    compare("cluster_outer_backward", grad, x, cluster, dtype=dtype, where=where)


def cluster_poison() -> None:
    """A cluster out of range poisons one row of the result and touches nothing else."""
    x = randn(70, 5, dtype=torch.float32)
    for clusters in (7, 200):
        for bad in (-1, clusters, 2**40):
            cluster = randint(clusters, 70)
            cluster[9] = bad
            row = 0 if bad < 0 else clusters - 1
            keep = torch.arange(clusters) != row
            rest = torch.arange(70) != 9
            gathered = OPS.cluster_gather(randn(clusters, 5), cluster)
            grad = randn(clusters, 5, 5, dtype=torch.float32)
            back = OPS.cluster_outer_backward(grad, x, cluster)
            for result in (gathered, back):
                if not (result[9].isnan().all() and result[rest].isfinite().all()):
                    raise AssertionError("a cluster out of range must poison its row")
            total = OPS.cluster_sum(x, cluster, clusters)
            outer = OPS.cluster_outer(x, cluster, clusters)
            for result in (total, outer):
                if not (result[row].isnan().all() and result[keep].isfinite().all()):
                    raise AssertionError("a cluster out of range must poison the nearest cluster")


# --- pairs ---------------------------------------------------------------------------------------

#: Rows of x, rows of y, columns; the last ones are split over blocks and flushed, respectively.
PAIRS = [
    (0, 5, 3), (5, 0, 3), (1, 1, 1), (31, 33, 10), (33, 31, 3), (64, 64, 16), (65, 130, 33),
    (130, 65, 130), (7, 9, 0), (3, 9, 300), (2, 1000, 10), (1000, 300, 33), (5, 30, 17),
]  # fmt: skip


def pair_cases() -> None:
    for rows, columns, width in PAIRS:
        for dtype in DTYPES:
            for diagonal in (0, 1, 2):
                pair_case(rows, columns, width, dtype, diagonal, weighted=diagonal != 0)
    pair_flush()
    pair_limits()


def pair_case(
    rows: int, columns: int, width: int, dtype: torch.dtype, diagonal: int, *, weighted: bool
) -> None:
    x, y = randn(rows, width, dtype=dtype), randn(columns, width, dtype=dtype, seed=1)
    weights: list[Tensor | None] = [None, None]
    if weighted:
        weights = [randn(n, dtype=dtype, seed=2).abs() for n in (rows, columns)]
        for weight in weights:
            if weight is not None and weight.numel() > 4:
                weight[3] = 0.0
    where = f"{rows} x {columns}, D={width}, diagonal={diagonal}"
    options = (0.7 / max(1, width) ** 0.5, diagonal)
    compare("pairwise_logsumexp", x, y, *weights, *options, True, dtype=dtype, where=where)
    row_lse, col_lse = (
        lse.to(dtype)
        for lse in reference.pairwise_logsumexp(
            *(double(t) for t in (x, y, *weights)), *options, True
        )
    )
    row = (randn(rows, dtype=dtype, seed=3), row_lse, weights[1])
    col = (randn(columns, dtype=dtype, seed=4), col_lse, weights[0])
    none = (None, None, None)
    for sides in ((row, col), (row, none), (none, col)):
        compare(
            "pairwise_logsumexp_backward", x, y, *sides[0], *sides[1], *options,
            dtype=dtype, where=where, slack=4.0,
        )  # fmt: skip
    compare(
        "pairwise_logsumexp_gradients", x, y, *row, *col, *options,
        dtype=dtype, where=where, slack=4.0,
    )  # fmt: skip
    compare("self_logsumexp", x, weights[0], *options, dtype=dtype, where=where)


def pair_flush() -> None:
    """So many rows that the columns are not split: accumulators go to the output twice."""
    x, y = randn(528 * 64, 1, dtype=torch.float32), randn(2100, 1, dtype=torch.float32)
    row = (torch.ones(x.size(0)), torch.full((x.size(0),), math.log(2100.0)), None)
    got = OPS.pairwise_logsumexp_backward(x, y, *row, None, None, None, 1.0, 0)
    some = torch.arange(0, x.size(0), 97)
    row = (torch.ones(some.numel()), row[1][some], None)
    want = reference.pairwise_logsumexp_backward(x[some], y, *row, None, None, None, 1.0, 0)
    torch.testing.assert_close(got[some], want, rtol=1e-4, atol=1e-5)


def pair_limits() -> None:
    """Empty sums are -inf with gradient zero; infinite and undefined logits behave as in torch."""
    x = randn(70, 5, dtype=torch.float32)
    zero = torch.zeros(70)
    compare("self_logsumexp", x, zero, 1.0, 0, dtype=torch.float32, where="no weight")
    compare("self_logsumexp", x[:1], None, 1.0, 1, dtype=torch.float32, where="one excluded row")
    lse = OPS.self_logsumexp(x[:1].contiguous(), None, 1.0, 1)
    side = (torch.ones(1), lse, None)
    back = OPS.pairwise_logsumexp_backward(x[:1], x[:1], *side, *side, 1.0, 1)
    if not (lse.isneginf().all() and (back == 0).all()):
        raise AssertionError("an empty sum is -inf with gradient zero")
    x[66] = torch.inf
    x[67] = torch.nan
    got = OPS.self_logsumexp(x.abs(), None, 1.0, 0)
    want = reference.self_logsumexp(x.abs(), None, 1.0, 0)
    torch.testing.assert_close(got, want, equal_nan=True)
    got = OPS.self_logsumexp(x[:67].abs(), None, 1.0, 0)
    torch.testing.assert_close(got, torch.full((67,), torch.inf))
    big = randn(70, 5, dtype=torch.float32) * 30
    compare("self_logsumexp", big, None, 50.0, 0, dtype=torch.float32, where="large logits")
    strided = randn(5, 70, dtype=torch.float32).t()
    compare("self_logsumexp", strided, None, 1.0, 2, dtype=torch.float32, where="transposed")


def softplus_cases() -> None:
    for rows, columns, width in PAIRS:
        for dtype in DTYPES:
            softplus_case(rows, columns, width, dtype)
    big = 30 * randn(70, 5, dtype=torch.float32)
    compare("pairwise_softplus", big, big, dtype=torch.float32, where="large products")
    x = randn(70, 5, dtype=torch.float32).abs()
    x[66], x[67] = torch.inf, torch.nan
    got, want = OPS.pairwise_softplus(x, x[:65]), reference.pairwise_softplus(x, x[:65])
    torch.testing.assert_close(got, want, equal_nan=True)


def softplus_case(rows: int, columns: int, width: int, dtype: torch.dtype) -> None:
    x = randn(rows, width, dtype=dtype) / max(1, width) ** 0.5
    y, grad = randn(columns, width, dtype=dtype, seed=1), randn(rows, dtype=dtype, seed=3)
    where = f"{rows} x {columns}, D={width}"
    compare("pairwise_softplus", x, y, dtype=dtype, where=where)
    for sides in ((True, True), (True, False), (False, True)):
        compare(
            "pairwise_softplus_backward", grad, x, y, *sides, dtype=dtype, where=where, slack=4.0
        )


def ranking_cases() -> None:
    """Whole numbers: products are exact, so that ties and orders are those of the definition."""
    for rows, columns, width in PAIRS:
        for dtype in DTYPES:
            for filtered in (False, True):
                ranking_case(rows, columns, width, dtype, filtered=filtered)
    ranking_twins()
    ranking_poison()


def ranking_case(
    rows: int, columns: int, width: int, dtype: torch.dtype, *, filtered: bool
) -> None:
    x, y = ((randint(5, n, width, seed=n) - 2).to(dtype) for n in (rows, columns))
    filters: tuple[Tensor | None, Tensor | None] = (None, None)
    if filtered and columns:
        named = [randint(columns, 3 * k % 70, seed=k).sort().values for k in range(rows)]
        named[rows // 2 : rows // 2 + 1] = [torch.arange(columns)] * min(rows, 1)
        ptr = torch.tensor([0, *(row.numel() for row in named)]).cumsum(0)
        filters = ptr, torch.cat([*named, torch.zeros(0, dtype=torch.int64)])
    where = f"{rows} x {columns}, D={width}, filtered={filtered}"
    if columns or not rows:
        truth = randint(max(columns, 1), rows)
        same("pairwise_rank", x, y, truth, None, *filters, where=where)
        truth_ptr = torch.cat([torch.zeros(1, dtype=torch.int64), randint(5, rows).cumsum(0)])
        truth = randint(max(columns, 1), int(truth_ptr[-1]))
        where = f"{where}, several truths"
        same("pairwise_rank", x, y, truth, truth_ptr, *filters, where=where)
    for k in (1, 7, 200):
        for diagonal in (0, 1):
            same("pairwise_topk", x, y, k, diagonal, *filters, where=f"{where}, k={k}")


def same(name: str, *args: Any, where: str) -> None:
    """Kernel and definition give the same numbers, twice."""
    global ran
    ran += 1
    for _ in range(2):
        got, want = (tensors(getattr(lib, name)(*args)) for lib in (OPS, reference))
        for i, (g, w) in enumerate(zip(got, want, strict=True)):
            if g.dtype != w.dtype or not torch.equal(g, w):
                raise AssertionError(f"{name}[{i}] {where}: {g} is not {w}")


def ranking_twins() -> None:
    """Copies of the truth tie in whatever place of a tile they lie, and nothing else does."""
    for width in (3, 33, 130):
        x, y = (randn(n, width, dtype=torch.float32, seed=n) for n in (70, 600))
        truth = randint(600, 70)
        alone = OPS.pairwise_rank(x, y, truth, None, None, None)
        both = OPS.pairwise_rank(x, torch.cat([y, y.flip(0)]), truth, None, None, None)
        shared = torch.arange(0, 71, 7)  # seven truths a row
        several = OPS.pairwise_rank(x[::7], y, truth, shared, None, None)
        one = OPS.pairwise_rank(x[::7].repeat_interleave(7, 0), y, truth, None, None, None)
        if not torch.equal(several[0], one[0]) or not torch.equal(several[1], one[1]):
            raise AssertionError(f"truths of one row must have the ranks of equal rows, D={width}")
        if not torch.equal(both[0], 2 * alone[0]) or not torch.equal(both[1], 2 * alone[1] + 1):
            raise AssertionError(f"copies of the truth must tie, D={width}")


def ranking_poison() -> None:
    """A truth out of range has rank -1, a filter out of range names nothing, pointers stop."""
    x, y = (randn(n, 5, dtype=torch.float32, seed=n) for n in (70, 90))
    truth = randint(90, 70)
    good = OPS.pairwise_rank(x, y, truth, None, None, None)
    bad = truth.clone()
    bad[3], bad[5] = -1, 2**40
    got = OPS.pairwise_rank(x, y, bad, None, None, None)
    rest = (torch.arange(70) != 3) & (torch.arange(70) != 5)
    for part, want in zip(got, good, strict=True):
        if part[3] != -1 or part[5] != -1 or not torch.equal(part[rest], want[rest]):
            raise AssertionError("a truth out of range must poison its own rank alone")
    ptr, named = torch.arange(71), torch.tensor([-5, 2**40] * 35)
    for part, want in zip(OPS.pairwise_rank(x, y, truth, None, ptr, named), good, strict=True):
        if not torch.equal(part, want):
            raise AssertionError("columns out of range are not there")
    wild = torch.randint(-(2**40), 2**40, (71,), generator=torch.Generator().manual_seed(0))
    OPS.pairwise_rank(x, y, truth, wild, None, None)  # reads and writes where it may


# --- meta-nodes ----------------------------------------------------------------------------------

#: Rows, columns, clusters. The test compiles chunks of 2048 logits: most take several.
METAS = [
    (0, 3, 5), (5, 3, 0), (4, 0, 2), (1, 1, 1), (31, 10, 5), (33, 33, 3), (70, 130, 2),
    (1000, 10, 5), (300, 17, 20), (70, 3, 300),
]  # fmt: skip


def meta_cases() -> None:
    for rows, width, clusters in METAS:
        for dtype in DTYPES:
            for moments in (1, 2) if clusters else (1,):
                meta_case(rows, width, clusters, dtype, moments)


def meta_case(rows: int, width: int, clusters: int, dtype: torch.dtype, moments: int) -> None:
    u = reference.unit_rows(randn(rows, width, dtype=dtype))
    mean = 0.5 * reference.unit_rows(randn(clusters, width, dtype=dtype, seed=1))
    count = randint(20, clusters, seed=1).to(dtype)  # some are empty
    if clusters == 1:
        count[:] = 3.0
    # Not symmetric on purpose: the gradient must not assume it.
    cov = 0.1 * randn(clusters, width, width, dtype=dtype, seed=2) if moments == 2 else None
    where = f"{rows} x {width}, K={clusters}, moments={moments}"
    compare("meta_logsumexp", u, count, mean, cov, 1.5, dtype=dtype, where=where)
    inputs = [double(t) for t in (u, count, mean, cov)]
    lse = reference.meta_logsumexp(*inputs, 1.5).to(dtype) if clusters else randn(rows, dtype=dtype)
    grad = randn(rows, dtype=dtype, seed=3)
    compare(
        "meta_logsumexp_backward", grad, lse, u, count, mean, cov, 1.5,
        dtype=dtype, where=where, slack=4.0,
    )  # fmt: skip
    compare("meta_logsumexp", u, 0 * count, mean, cov, 1.5, dtype=dtype, where="all empty")
    none = torch.full_like(lse, -torch.inf)
    results = OPS.meta_logsumexp_backward(grad, none, u, 0 * count, mean, cov, 1.5)
    if not all(bool((result == 0).all()) for result in results):
        raise AssertionError("an empty sum passes no gradient")


# --- walks ---------------------------------------------------------------------------------------


def overlap_cases() -> None:
    for where, graph in graphs():
        hops = (1, 2, 3) if graph.num_nodes <= 33 else (1,)
        for num_hops in hops:
            overlap_case(where, graph, num_hops)
    overlap_case("larger", random_graph(150, 300, weighted=False), 2)
    overlap_poison()


def overlap_case(where: str, graph: CSRGraph, num_hops: int) -> None:
    nodes = graph.num_nodes
    other = randint(max(1, nodes), nodes, seed=3).sort().values
    anchor = randint(max(1, nodes), nodes, seed=4).int()
    borders = torch.searchsorted(other, torch.arange(nodes + 1))
    where = f"{where}, {num_hops} hops"
    for weight, distinct in ((None, False), (None, True), (graph.weight, False)):
        for dtype in DTYPES if weight is not None else (torch.float64,):
            values = None if weight is None else weight.to(dtype)
            compare(
                "walk_overlap", graph.rowptr, graph.col, values, borders, anchor, num_hops, 0.4,
                distinct, dtype=torch.float64, where=where,
            )  # fmt: skip
    compare("distinct_ends", graph.rowptr, graph.col, num_hops, dtype=torch.int64, where=where)


def overlap_poison() -> None:
    """A node out of range poisons its own pairs at most."""
    graph = random_graph(33, 200, weighted=False)
    borders, anchor = torch.arange(34), torch.arange(33).flip(0).int()
    for num_hops in (1, 2):
        good = OPS.walk_overlap(
            graph.rowptr, graph.col, None, borders, anchor, num_hops, 0.5, False
        )
        for bad in (-1, 33, 2**31 - 1):
            names = anchor.clone()
            names[9] = bad
            out = OPS.walk_overlap(
                graph.rowptr, graph.col, None, borders, names, num_hops, 0.5, False
            )
            rest = torch.arange(33) != 9
            if not (out[9].isnan() and torch.equal(out[rest], good[rest])):
                raise AssertionError("a node out of range must poison its own pair")


# --- sparse sums and projections -----------------------------------------------------------------


def propagate_cases() -> None:
    for where, graph in graphs():
        if graph.num_nodes <= 33:
            for dtype in DTYPES:
                for width in (0, 3, 33, 140):
                    propagate_case(where, graph, width, dtype)
        elif where == "hubs":
            propagate_case(where, graph, 10, torch.float32)
    graph = random_graph(4500, 100, hubs=2)  # two rows of more than 4096 entries
    h, scale = randn(4500, 3), randn(4500, seed=2)
    matrix = graph.rowptr, graph.col, graph.weight, scale
    compare("propagate", h, *matrix, dtype=torch.float64, where="long rows")
    propagate_bfloat16()
    propagate_panels()
    propagate_poison()


def propagate_case(where: str, graph: CSRGraph, width: int, dtype: torch.dtype) -> None:
    nodes = graph.num_nodes
    h, other = randn(nodes, width, dtype=dtype), randn(nodes, width, dtype=dtype, seed=1)
    weight = None if graph.weight is None else graph.weight.to(dtype)
    scale = randn(nodes, dtype=dtype, seed=2)
    where = f"{where} D={width}"
    for factors in (None, scale):
        matrix = graph.rowptr, graph.col, weight, factors
        compare("propagate", h, *matrix, dtype=dtype, where=where)
        compare("propagate_dot", h, other, *matrix, dtype=dtype, where=where, slack=4.0)
    orders = [0.5, 0.0, -1.5, 1.0]
    for normalize in (False, True):
        compare(
            "propagate_merge", h, *matrix, orders, normalize, None,
            dtype=dtype, where=where, slack=8.0,
        )  # fmt: skip
    if dtype == torch.float64:
        compare("propagate_squares", h, *matrix, orders, dtype=dtype, where=where)


def propagate_bfloat16() -> None:
    graph = random_graph(200, 3000, weighted=False)
    h = randn(200, 40).bfloat16()
    sums = OPS.propagate(h.float(), graph.rowptr, graph.col, None, None)
    if not torch.equal(OPS.propagate(h, graph.rowptr, graph.col, None, None), sums.bfloat16()):
        raise AssertionError("bfloat16 sums must be float32 sums, rounded")
    state = OPS.propagate(sums.bfloat16().float(), graph.rowptr, graph.col, None, None)
    orders = [0.0, 0.0, 1.0]
    merged = OPS.propagate_merge(h, graph.rowptr, graph.col, None, None, orders, False, None)
    if not torch.equal(merged, state):
        raise AssertionError("bfloat16 states must be rounded once per power")


def propagate_panels() -> None:
    graph = random_graph(300, 5000)
    matrix = graph.rowptr, graph.col, graph.weight, None
    h, orders = randn(300, 40), [1.0, 2.0]
    whole = OPS.propagate_merge(h, *matrix, orders, True, None)
    squares = reference.add_blocks(OPS.propagate_squares(h, *matrix, orders))
    for lo in (0, 16, 32):
        part = h[:, lo : lo + 16].contiguous()
        if not torch.equal(
            OPS.propagate_merge(part, *matrix, orders, True, squares), whole[:, lo : lo + 16]
        ):
            raise AssertionError("a panel must have the bits of the whole")


def propagate_poison() -> None:
    """A column out of range poisons its own row at most."""
    graph = random_graph(33, 200, weighted=False)
    h = randn(33, 6)
    good = OPS.propagate(h, graph.rowptr, graph.col, None, None)
    row = int(reference.csr_rows(graph.rowptr, graph.num_edges)[50])
    for bad in (-1, 33, 2**31 - 1):
        col = graph.col.clone()
        col[50] = bad
        out = OPS.propagate(h, graph.rowptr, col, None, None)
        rest = torch.arange(33) != row
        if not (out[row].isnan().all() and torch.equal(out[rest], good[rest])):
            raise AssertionError("a column out of range must poison its own row")


def relational_cases() -> None:
    sizes = ((33, 200, 5, 2, 3), (20, 90, 40, 1, 33), (9, 60, 2, 3, 70), (7, 0, 3, 2, 4))
    for nodes, edges, types, batch, dim in ((0, 0, 2, 1, 3), *sizes):
        for dtype in DTYPES:
            relational_case(typed_rows(nodes, edges, types), batch, dim, dtype)
    # Rows, sources and types of more than 512 entries.
    relational_case(typed_rows(40, 2600, 3), 2, 3, torch.float32)
    relational_poison()


def typed_rows(nodes: int, edges: int, types: int) -> RelationalRows:
    index, kind = randint(max(nodes, 1), 2, edges), randint(types, edges, seed=1)
    index[0, : edges // 3], index[1, edges // 3 : edges // 2], kind[::2] = 0, 0, 0
    return RelationalRows.from_edge_index(index, kind, nodes, types)


def relational_case(rows: RelationalRows, batch: int, dim: int, dtype: torch.dtype) -> None:
    """Every message and reduction; small integers where extremes are taken, so that many tie."""
    nodes, graph = rows.num_rows, (rows.rows.rowptr, rows.rows.col, rows.type)
    shapes = ((nodes, batch, dim), (rows.num_types, dim), (nodes, batch, dim))
    where = f"N={nodes} E={rows.num_edges} B={batch} D={dim}"
    for reduce in range(5):
        extreme = reduce in (reference.MAX, reference.MIN)
        values = [randn(*shape, dtype=dtype, seed=k) for k, shape in enumerate(shapes)]
        values = [value.round() if extreme else value for value in values]
        grad = randn(*shapes[2], dtype=dtype, seed=5)
        for message in (reference.DISTMULT, reference.TRANSE):
            args = (*values, *graph, *rows.by_source, *rows.by_type, message, reduce, True)
            options: dict[str, Any] = {"dtype": dtype, "where": f"{where} {message} {reduce}"}
            compare("relational_propagate", *args, **options)
            out = reference.relational_propagate(*args)
            for even in (True, False) if extreme else ():
                extremes = (grad, out, *values, *graph, message, even)
                compare("relational_shares", *extremes, **options)
            parts = (grad, out, *values[:2])
            compare("relational_source_grad", *parts, *rows.by_source, message, reduce, **options)
            compare("relational_table_grad", *parts, *rows.by_type, message, reduce, **options)


def relational_poison() -> None:
    """A source or type out of range poisons its own row at most."""
    rows = typed_rows(33, 200, 5)
    x, table, boundary = randn(33, 2, 3), randn(5, 3), randn(33, 2, 3, seed=1)
    row = int(rows.rows.row()[50])
    for reduce in range(5):
        rules = (*(None,) * 6, reference.DISTMULT, reduce, True)
        good = OPS.relational_propagate(
            x, table, boundary, rows.rows.rowptr, rows.rows.col, rows.type, *rules
        )
        for position in (0, 1):
            for bad in (-1, 33, 2**31 - 1):
                entries = [rows.rows.col.clone(), rows.type.clone()]
                entries[position][50] = bad
                out = OPS.relational_propagate(
                    x, table, boundary, rows.rows.rowptr, *entries, *rules
                )
                rest = torch.arange(33) != row
                if not (out[row].isnan().all() and torch.equal(out[rest], good[rest])):
                    raise AssertionError("an index out of range must poison its own row")


def projection_cases() -> None:
    """The bits are a promise, so they are compared as bits."""
    global ran
    node = torch.tensor([0, 7, 2**32 - 1, 2**32, 2**62, 2**63 - 1])
    for dtype in DTYPES:
        factor = torch.tensor([1.0, 0.3, -2.0, 1e-9, 0.0, 5.0], dtype=dtype)
        for sparsity in (3.0, 1.0, 777.7, 0.0):
            for start, stop in ((0, 64), (3, 4), (5, 130), (2, 2), (2**34 - 5, 2**34)):
                for names in (None, node):
                    args = (factor, names, -11, 2**32 - 1, start, stop, sparsity, 0.37)
                    ran += 1
                    got, want = OPS.random_projection(*args), reference.random_projection(*args)
                    if not torch.equal(got, want):
                        raise AssertionError(f"random_projection differs for {args}")


def interval_cases() -> None:
    """Random patterns that are not square, entries of every kind, rows without entries."""
    for width in (*WIDTHS, 64, 128, 200):
        for dtype in DTYPES:
            for rows, columns, entries in PATTERNS if width in WIDTHS else PATTERNS[:1]:
                interval_case(pattern(rows, columns, entries), width, dtype)
    # Rows and columns of several windows of 256 entries, next to each other.
    for width in (5, 64):
        interval_case(long_pattern(), width, torch.float32)
    interval_poison()


PATTERNS = ((40, 55, 300), (7, 3, 30), (300, 200, 5), (3, 4, 0))


def pattern(rows: int, columns: int, entries: int) -> SparseRows:
    row = randint(rows, entries).sort().values
    return SparseRows.from_rows(row, randint(columns, entries, seed=1), rows, columns)


def long_pattern(wide: int = 1500) -> SparseRows:
    """Two long rows and two long columns among short ones."""
    every, few = torch.arange(wide), randint(wide, 2, 400)
    row = torch.cat([few[0], 0 * every + 2, 0 * every + 3, every, every])
    col = torch.cat([few[1], every, every.flip(0), 0 * every, 0 * every + 1])
    order = row.argsort(stable=True)
    return SparseRows.from_rows(row[order], col[order], wide, wide)


def interval_case(a: SparseRows, width: int, dtype: torch.dtype) -> None:
    rows, columns, entries = a.num_rows, a.num_cols, a.num_edges
    where, order = f"{rows}x{columns} {entries} entries {width}", a.transposed.entry.long()
    transpose = a.transposed
    low = randn(entries, dtype=dtype).abs()
    high = low + randn(entries, dtype=dtype, seed=1).abs()
    # Rows that begin in the middle of a vector are read one value at a time.
    ends = [randn(columns, width, dtype=dtype, seed=2), shifted(randn(columns, width, dtype=dtype))]
    tail = *a.transposed[:2], low[order], high[order]
    compare(
        "interval_propagate", *ends, a.rowptr, a.col, low, high, *tail, dtype=dtype, where=where
    )
    grads = [randn(rows, width, dtype=dtype, seed=k) for k in (4, 5)]
    compare("interval_propagate_backward", *grads, *ends, *tail, dtype=dtype, where=where)
    for radius in (None, ends[0].abs()):
        args = grads[0], ends[0], radius, a.rowptr, a.col, *transpose
        compare("edge_bound", *args, dtype=dtype, where=where)
        grad = randn(entries, dtype=dtype, seed=6)
        compare("edge_bound_backward", grad, *args, dtype=dtype, where=where)


def shifted(x: Tensor) -> Tensor:
    """The same values, contiguous, at an address that only one value's size divides."""
    room = x.new_empty(x.numel() + 1)
    return room[1:].view_as(x).copy_(x)


def interval_poison() -> None:
    """A column out of range poisons its own row or entry; without columns, every entry is one."""
    a = pattern(33, 33, 200)
    h, value = randn(33, 6), randn(a.num_edges).abs()
    row = int(reference.csr_rows(a.rowptr, a.num_edges)[50])
    rest = torch.arange(33) != row
    good = OPS.interval_propagate(h, h, a.rowptr, a.col, value, value, *tail_of(a, value))
    for bad in (-1, 33, 2**31 - 1):
        col = a.col.clone()
        col[50] = bad
        out = OPS.interval_propagate(h, h, a.rowptr, col, value, value, *tail_of(a, value))
        for g, o in zip(good, out, strict=True):
            if not (o[row].isnan().all() and torch.equal(o[rest], g[rest])):
                raise AssertionError("a column out of range must poison its own row")
        bound = OPS.edge_bound(h, h, None, a.rowptr, col, *a.transposed)
        if not (bound[50].isnan() and bound.isnan().sum() == 1):
            raise AssertionError("a column out of range must poison its own entry")
    nothing = h.new_empty(0, 6)
    out = OPS.interval_propagate(
        nothing, nothing, a.rowptr, a.col, value, value, *tail_of(a, value)
    )
    if not torch.equal(out[0].isnan().all(1), a.rowptr.diff() > 0):
        raise AssertionError("rows with entries must be NaN where there are no columns")


def tail_of(a: SparseRows, value: Tensor) -> tuple[Tensor, ...]:
    order = a.transposed.entry.long()
    return (*a.transposed[:2], value[order], value[order])


def budget_cases() -> None:
    """Rows for a thread (few entries, small budgets) and for a block (several rounds of 1024)."""
    for dtype in DTYPES:
        for width in (1, 3, 33, 64):
            budget_case(pattern(40, 55, 300), width, 4, dtype)
        for sizes in PATTERNS[1:]:
            budget_case(pattern(*sizes), 3, 4, dtype)
        budget_case(pattern(30, 40, 300), 3, 12, dtype)
        budget_case(pattern(30, 40, 300), 3, 30, dtype, ties=True)
    long = long_pattern(2600)
    for most in (0, 7, 900):
        budget_case(long, 1, most, torch.float32)
    budget_case(long, 1, 2400, torch.float64)
    budget_case(long, 1, 2400, torch.float32, ties=True)
    budget_poison()


def budget_case(
    a: SparseRows, width: int, most: int, dtype: torch.dtype, *, ties: bool = False
) -> None:
    rows, columns, entries = a.num_rows, a.num_cols, a.num_edges
    where = f"{rows}x{columns} {entries} entries {width}, budget {most}, ties {ties}"
    kind = randint(3, entries, seed=7).to(torch.int8)
    # Powers of two: which entries are missing does not hang on a rounding.
    negative = (2.0 ** (randint(3, columns) - 1).double()).to(dtype)
    factors = negative / 2, negative, a.rowptr.diff().to(dtype)
    exact = randn(columns, width, dtype=torch.float32)
    # Small whole numbers, also both zeros: sums are exact, and most values are the same.
    exact = (exact.round() if ties else exact).to(dtype)
    budget = randint(most, rows) if most > 0 else torch.zeros(rows, dtype=torch.int64)
    budget[2] = max(0, most - 1)  # a long row where there is one
    for power in (0.5, 1.0, 0.0, 0.3) if width == 3 else (0.5,):
        args = exact, a.rowptr, a.col, kind, *factors, budget, power, *a.transposed
        compare("budget_minimum", *args, dtype=dtype, where=where)
        choice = reference.budget_minimum(*args)[1]
        grad = randn(rows, width, dtype=dtype, seed=4)
        back = grad, exact, choice, a.rowptr, kind, *factors, power, *a.transposed
        compare("budget_minimum_backward", *back, dtype=dtype, where=where)


def budget_poison() -> None:
    """A column out of range poisons its own row, whichever kernel takes it."""
    for a, most in ((pattern(33, 33, 200), 3), (pattern(33, 33, 200), 50)):
        value, ones = randn(33, 4), torch.ones(33, dtype=torch.float64)
        kind, budget = torch.ones(a.num_edges, dtype=torch.int8), torch.full((33,), most)
        row = int(reference.csr_rows(a.rowptr, a.num_edges)[50])
        rest = torch.arange(33) != row
        tail = kind, ones, ones, 9 * ones, budget, 0.5, *a.transposed
        good = OPS.budget_minimum(value, a.rowptr, a.col, *tail)
        for bad in (-1, 33):
            col = a.col.clone()
            col[50] = bad
            out = OPS.budget_minimum(value, a.rowptr, col, *tail)
            same = all(
                torch.equal(o[..., rest, :], g[..., rest, :])
                for o, g in zip(out, good, strict=True)
            )
            if not (out[0][row].isnan().all() and same):
                raise AssertionError("a column out of range must poison its own row")


def walk_cases() -> None:
    """The nodes are a promise, so they are compared exactly."""
    global ran
    for nodes, edges, length, restart in ((31, 90, 7, 0.5), (300, 2000, 64, 0.0), (5, 0, 4, 0.1)):
        graph = random_graph(nodes, edges, weighted=False)
        for start in (torch.arange(nodes), randint(nodes, 1000), randint(nodes, 0)):
            args = (graph.rowptr, graph.col, start, -11, 2**32 - 1, length, restart)
            ran += 1
            if not torch.equal(OPS.random_walk(*args), reference.random_walk(*args)):
                raise AssertionError(f"random_walk differs for {nodes} nodes, {length} steps")
    graph = random_graph(33, 200, weighted=False)
    for bad in (-1, 33, 2**31 - 1):
        col = torch.full_like(graph.col, bad)
        out = OPS.random_walk(graph.rowptr, col, torch.arange(33), 0, 0, 9, 0.1)
        if not bool((out[:, 1:] == -1).all()):
            raise AssertionError("a neighbour out of range must not be followed")


# --- attention -----------------------------------------------------------------------------------

SEGMENTS = (
    (),
    (0, 0),
    (1,),
    (2, 0, 3, 1, 0),
    (1,) * 70,
    (64, 1, 63, 65),
    (11, 7, 0, 30, 2, 9, 14, 3, 80, 5),
    (0, 300, 5),
)


def attention_cases() -> None:
    for sizes in SEGMENTS:
        for width in (1, 3, 16, 33, 70):
            for dtype in DTYPES:
                attention_case(sizes, width, 1 + width % 3, dtype)
    attention_case((5, 70, 0, 20), 130, 2, torch.float32)  # two launches' worth of columns
    attention_case((5, 70, 0, 20), 260, 1, torch.float64)
    attention_extremes()
    attention_keeps_nan_in_its_segment()
    attention_poison()


def pointers(sizes: tuple[int, ...]) -> Tensor:
    return torch.tensor((0, *sizes)).cumsum(0)


def attention_case(sizes: tuple[int, ...], width: int, heads: int, dtype: torch.dtype) -> None:
    rows, ptr = sum(sizes), pointers(sizes)
    where = f"{len(sizes)} segments of up to {max(sizes, default=0)}, {heads} x {width}"
    qkv = randn(rows, 3 * heads * width, dtype=dtype)
    compare("segment_attention", qkv, ptr, heads, dtype=dtype, where=where)
    out, lse = (t.to(dtype) for t in reference.segment_attention(qkv.double(), ptr, heads))
    grads = randn(rows, heads * width, dtype=dtype, seed=1), randn(rows, heads, dtype=dtype, seed=2)
    args = (*grads, qkv, ptr, out, lse, heads)
    compare("segment_attention_backward", *args, dtype=dtype, where=where, slack=2.0)


def attention_extremes() -> None:
    """Logits of +-1e4, of which one decides; infinite ones give what the definition gives."""
    ptr, heads = pointers((3, 90, 1)), 2
    for dtype in DTYPES:
        qkv = randn(94, 3 * heads * 5, dtype=dtype)
        qkv[:, : 2 * heads * 5] *= 50
        compare("segment_attention", qkv, ptr, heads, dtype=dtype, where="sharp", slack=100.0)
        qkv[40, 0] = math.inf
        compare("segment_attention", qkv, ptr, heads, dtype=dtype, where="inf", slack=100.0)


def attention_keeps_nan_in_its_segment() -> None:
    """Neighbours in a tile keep their bits, whatever stands in queries, keys, values, gradients."""
    sizes, heads, width = (5, 70, 2, 9, 40), 2, 20
    ptr, rows = pointers(sizes), sum(sizes)
    good = randn(rows, 3 * heads * width, dtype=torch.float32)
    grads = randn(rows, heads * width).float(), randn(rows, heads, seed=2).float()
    bad_row, others = 76, torch.ones(rows, dtype=torch.bool)
    others[75:77] = False  # its segment
    for value in (math.nan, math.inf):
        for side in (0, 1, 2, 3):
            qkv, grad = good.clone(), grads[0].clone()
            (grad if side == 3 else qkv)[bad_row, side % 3 * heads * width + 1] = value
            results = []
            for table, given in ((good, grads[0]), (qkv, grad)):
                out, lse = OPS.segment_attention(table, ptr, heads)
                args = (given, grads[1], table, ptr, out, lse, heads)
                results.append((out, lse, OPS.segment_attention_backward(*args)))
            for clean, spoilt in zip(*results, strict=True):
                if not torch.equal(clean[others], spoilt[others]):
                    raise AssertionError(f"a {value} of side {side} left its segment")
            if bool(results[1][2][~others].isfinite().all()):
                raise AssertionError(f"a {value} of side {side} was lost")


def attention_poison() -> None:
    """Pointers out of range are cut; a row that no segment holds is NaN, the others are right."""
    qkv, heads = randn(100, 3 * 2 * 4), 2
    for ptr, held in (
        ([3, 50, 90], slice(3, 90)),
        ([-7, 50, 10**15], slice(0, 100)),
        ([0], slice(0, 0)),
        ([200, 300], slice(0, 0)),
    ):
        out, lse = OPS.segment_attention(qkv, torch.tensor(ptr), heads)
        args = (out, lse, qkv, torch.tensor(ptr), out, lse, heads)
        results = out, lse, OPS.segment_attention_backward(*args)
        rows = torch.zeros(100, dtype=torch.bool)
        rows[held] = True
        for result in results:
            if not (result[~rows].isnan().all() and result[rows].isfinite().all()):
                raise AssertionError(f"rows outside of {ptr} must be NaN, the others must not")
        if held != slice(0, 0):
            cut = torch.tensor(ptr).clamp(0, 100) - held.start
            want = reference.segment_attention(qkv[held], cut, heads)
            torch.testing.assert_close(out[held], want[0])


CASES: dict[str, Callable[[], None]] = {
    "edge": edge_cases,
    "cluster": cluster_cases,
    "pairwise": pair_cases,
    "softplus": softplus_cases,
    "ranking": ranking_cases,
    "meta": meta_cases,
    "projection": projection_cases,
    "propagate": propagate_cases,
    "relational": relational_cases,
    "overlap": overlap_cases,
    "interval": interval_cases,
    "budget": budget_cases,
    "walk": walk_cases,
    "attention": attention_cases,
}


def main() -> None:
    """Load the library and run the cases of a family."""
    family, library = sys.argv[1:]
    torch.ops.load_library(library)
    torch.set_num_threads(1)
    # What a kernel does not write is NaN, or the largest whole number.
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    if not torch.empty(3).isnan().all():
        raise AssertionError("fresh memory is not poisoned")
    CASES[family]()
    if ran == 0 or not math.isfinite(ran):
        raise AssertionError("no case ran")
    print(f"{family}: {ran} comparisons agree")


if __name__ == "__main__":
    main()
