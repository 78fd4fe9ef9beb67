"""Sums of rows by group, means, attention by segment: graphlab.ops, torch, PyG, torch-scatter.

python -m benchmarks.scatter                 writes results/scatter.json
python -m benchmarks.scatter --scale 10      small, to try it out

torch-scatter is measured where it is installed. Forward passes, and forward with backward where the
method has one; the graph is in the order that each method wants before the clock starts. Sums are
wall times, means and attention CPU seconds.
"""

from __future__ import annotations

import importlib
import time
import warnings
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.utils import scatter
from torch_geometric.utils import softmax as softmax_by

from benchmarks._harness.graphs import rmat
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import compare
from graphlab.ops import CSRGraph, SparseRows, cluster_sum, propagate, segment_attention

SEED = 0
DIM = 128
CLUSTERS = 500
HEADS = 4
Sums = dict[str, Callable[[Tensor], Tensor]]


def cluster_methods(cluster: Tensor, clusters: int) -> Sums:
    """Sums ``(K, D)`` of the rows of every cluster."""

    def reduced(x: Tensor) -> Tensor:
        index = cluster[:, None].expand_as(x)
        return x.new_zeros(clusters, x.size(1)).scatter_reduce(0, index, x, "sum")

    sums: Sums = {
        "torch.scatter_reduce": reduced,
        "torch.index_add": lambda x: x.new_zeros(clusters, x.size(1)).index_add(0, cluster, x),
        "PyG scatter": lambda x: scatter(x, cluster, 0, clusters, "sum"),
        "graphlab": lambda x: cluster_sum(x, cluster, clusters),
    }
    package = torch_scatter()
    if package is not None:
        sums["torch-scatter"] = lambda x: package.scatter_sum(x, cluster, 0, dim_size=clusters)
    return sums


def neighbour_methods(graph: CSRGraph) -> Sums:
    """Sums ``(N, D)`` of the rows of every node's neighbours."""
    rowptr, col, nodes = graph.rowptr, graph.col, graph.num_nodes
    index, rows = col.long(), SparseRows(rowptr, col)
    owner = torch.arange(nodes).repeat_interleave(rowptr.diff())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        ones = torch.ones(col.numel())
        matrix = torch.sparse_csr_tensor(rowptr, index, ones, (nodes, nodes))
    sums: Sums = {
        "torch.sparse": lambda h: matrix @ h,
        "torch.index_add": lambda h: torch.zeros_like(h).index_add(0, owner, h[index]),
        "PyG scatter": lambda h: scatter(h[index], owner, 0, nodes, "sum"),
        "graphlab": lambda h: propagate(h, rows),
    }
    package = torch_scatter()
    if package is not None:
        sums["torch-scatter"] = lambda h: package.segment_csr(h[index], rowptr)
    return sums


def mean_methods(graph: CSRGraph) -> Sums:
    """Means ``(N, D)`` of the rows of every node's neighbours."""
    rowptr, col, nodes = graph.rowptr, graph.col, graph.num_nodes
    index, share = col.long(), 1 / rowptr.diff().clamp_min(1).float()
    rows = SparseRows(rowptr, col, row_scale=share)
    owner = torch.arange(nodes).repeat_interleave(rowptr.diff())
    means: Sums = {
        "PyG scatter": lambda h: scatter(h[index], owner, 0, nodes, "mean"),
        "graphlab": lambda h: propagate(h, rows),
    }
    package = torch_scatter()
    if package is not None:
        means["torch-scatter"] = lambda h: package.segment_csr(h[index], rowptr, reduce="mean")
    return means


def attention_methods(ptr: Tensor) -> Sums:
    """Attention ``(N, D)`` within segments, of queries, keys and values ``(N, 3 D)``."""
    length = ptr.diff()
    nodes, segment = int(ptr[-1]), torch.repeat_interleave(length)
    partners = length[segment]  # of every row: all rows of its segment
    query = torch.repeat_interleave(partners)
    place = torch.arange(query.numel()) - (partners.cumsum(0) - partners)[query]
    key = ptr[segment][query] + place

    def by_pairs(softmax: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def attend(qkv: Tensor) -> Tensor:
            q, k, v = qkv.view(nodes, 3, HEADS, -1).unbind(1)
            score = (q[query] * k[key]).sum(2) / q.size(2) ** 0.5
            message = softmax(score).unsqueeze(2) * v[key]
            out: Tensor = scatter(message, query, 0, nodes, "sum")
            return out.flatten(1)

        return attend

    methods: Sums = {
        "PyG softmax and scatter": by_pairs(lambda s: softmax_by(s, query, num_nodes=nodes)),
        "graphlab": lambda qkv: segment_attention(qkv, ptr, HEADS),
    }
    package = torch_scatter()
    if package is not None:
        by_group = partial(package.composite.scatter_softmax, index=query, dim=0)
        methods["torch-scatter"] = by_pairs(by_group)
    return methods


def torch_scatter() -> Any:
    """The package, or None where it is missing or was built for another torch."""
    try:
        return importlib.import_module("torch_scatter")
    except (ImportError, OSError):
        return None


def timed(case: str, methods: Sums, x: Tensor, repeats: int, clock: str = "wall") -> list[Row]:
    """Forward, then forward with backward, all methods in alternation."""
    weight = torch.randn(next(iter(methods.values()))(x).shape)

    def both(method: Callable[[Tensor], Tensor]) -> Tensor:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(method(leaf), leaf, weight)[0]

    forward = {name: lambda m=m: m(x) for name, m in methods.items()}
    whole = {name: lambda m=m: both(m) for name, m in methods.items()}
    rows: list[Row] = []
    for label, runs in (("forward", forward), ("forward + backward", whole)):
        title = f"{case}, {label}"
        if clock == "wall":
            rows += compared(title, runs, repeats=repeats)
            continue
        found = compare(runs, repeats=repeats, warmup=1, clock=cpu_seconds).as_rows()
        rows += [{"case": title, "clock": clock, **row} for row in found]
    return rows


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU seconds of this process that a call takes: a busy neighbour does not count."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def clusters(options: Namespace) -> list[Row]:
    """Rows of 2^scale nodes, in no order."""
    nodes = 1 << options.scale
    generator = torch.Generator().manual_seed(SEED)
    cluster = torch.randint(CLUSTERS, (nodes,), generator=generator)
    x = torch.randn(nodes, DIM, generator=generator)
    case = f"sums of {CLUSTERS} clusters, N=2^{options.scale}, D={DIM}"
    return timed(case, cluster_methods(cluster, CLUSTERS), x, options.repeats)


def neighbours(options: Namespace) -> list[Row]:
    """An R-MAT graph."""
    nodes = 1 << options.scale
    graph = CSRGraph.from_edge_index(rmat(options.scale, 8, SEED), nodes)
    x = torch.randn(nodes, DIM, generator=torch.Generator().manual_seed(SEED))
    case = f"sums of neighbours, R-MAT 2^{options.scale}, {graph.col.numel()} entries, D={DIM}"
    return timed(case, neighbour_methods(graph), x, options.repeats)


def means(options: Namespace) -> list[Row]:
    """The same R-MAT graph."""
    nodes = 1 << options.scale
    graph = CSRGraph.from_edge_index(rmat(options.scale, 8, SEED), nodes)
    x = torch.randn(nodes, DIM, generator=torch.Generator().manual_seed(SEED))
    case = f"means of neighbours, R-MAT 2^{options.scale}, {graph.col.numel()} entries, D={DIM}"
    return timed(case, mean_methods(graph), x, options.repeats, "cpu")


def attention(options: Namespace) -> list[Row]:
    """Segments of 10 to 60 rows, as the subgraphs of a text-attributed graph."""
    generator = torch.Generator().manual_seed(SEED)
    length = torch.randint(10, 61, (1 << max(options.scale - 9, 1),), generator=generator)
    ptr = torch.cat([length.new_zeros(1), length.cumsum(0)])
    qkv = torch.randn(int(ptr[-1]), 3 * DIM, generator=generator)
    case = f"attention within {length.numel()} segments of 10 to 60 rows, {HEADS} heads, D={DIM}"
    return timed(case, attention_methods(ptr), qkv, options.repeats, "cpu")


PARTS = {
    "clusters": clusters,
    "neighbours": neighbours,
    "means": means,
    "attention": attention,
}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, repeats=7)
    parser.add_argument("--scale", type=int, default=17, help="log2 of the nodes")
    options = parser.parse_args()
    run_parts("scatter", PARTS, options, options, seeds=[SEED])


if __name__ == "__main__":
    main()
