"""Typed messages and the preparation of sparse rows.

python -m benchmarks.sparse_rows

Times are CPU seconds of one thread, so that a busy neighbour does not count.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from benchmarks._harness.timing import compare, threads
from benchmarks.baselines.pamc import pamc_loss as eager_pamc_loss
from graphlab.contrastive import pamc_loss
from graphlab.ops import (
    CSRGraph,
    RelationalRows,
    SparseRows,
    reference,
    relational_propagate,
)
from graphlab.ops.csr import row_pointers
from graphlab.ops.edge_order import sort_edges

SEED = 0
#: The graph of phrases of 1,890 passages: nodes, edges, relations, edges of the largest relation.
NODES, EDGES, TYPES, LARGEST = 16_234, 48_350, 10_070, 14_280
SHAPES = ((4, 64), (1, 512), (4, 128))  # queries and features
PREPARED = 528_000
STEPS = 10

Runs = Mapping[str, Callable[[], object]]


def cpu_seconds(function: Callable[[], object]) -> float:
    """CPU seconds of this process that a call takes."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def rows_of(case: str, runs: Runs, repeats: int, **facts: object) -> list[Row]:
    """CPU seconds of one thread, ratios to the first run."""
    with threads(1):
        timings = compare(runs, repeats=repeats, warmup=1, clock=cpu_seconds).as_rows()
    return [{"case": case, "clock": "cpu", **facts, **row, "threads": 1} for row in timings]


# --- messages ------------------------------------------------------------------------------------


def typed_edges(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Edges in both directions between nodes of a power law, one relation far more frequent."""
    share = torch.arange(1, NODES + 1).double() ** -0.7
    ends = torch.multinomial(share, EDGES, True, generator=generator).view(2, -1)
    kind = torch.randint(TYPES, (EDGES,), generator=generator)
    kind[torch.randperm(EDGES, generator=generator)[:LARGEST]] = 0
    return torch.cat([ends, ends.flip(0)], dim=1), kind


def relational(options: Namespace) -> list[Row]:
    """DistMult messages and their sums: one pass against gather, product and scatter."""
    generator = torch.Generator().manual_seed(SEED)
    edge_index, kind = typed_edges(generator)
    rows = RelationalRows.from_edge_index(edge_index, kind, NODES, TYPES)
    source, target = edge_index
    found: list[Row] = []
    for batch, dim in SHAPES:
        shapes = ((NODES, batch, dim), (TYPES, dim), (NODES, batch, dim))
        values = [torch.randn(*s, generator=generator).requires_grad_() for s in shapes]
        weight = torch.randn(shapes[0], generator=generator)

        def scattered(x: Tensor, table: Tensor, boundary: Tensor) -> Tensor:
            return boundary.index_add(0, target, x[source] * table[kind].unsqueeze(1))

        def fused(x: Tensor, table: Tensor, boundary: Tensor) -> Tensor:
            return relational_propagate(x, table, rows, boundary)

        def forward(method: Callable[..., Tensor], values: list[Tensor] = values) -> Tensor:
            with torch.no_grad():
                return method(*values)

        def both(
            method: Callable[..., Tensor], values: list[Tensor] = values, weight: Tensor = weight
        ) -> object:
            return torch.autograd.grad(method(*values), values, weight)

        for label, run in (("forward", forward), ("forward + backward", both)):
            case = f"typed messages, {NODES} nodes, {EDGES} edges, B={batch} D={dim}, {label}"
            runs = {
                "gather and scatter": lambda run=run: run(scattered),
                "graphlab": lambda run=run: run(fused),
            }
            found += rows_of(case, runs, options.repeats)
    return found


# --- preparation ---------------------------------------------------------------------------------


def preparation(options: Namespace) -> list[Row]:
    """Compressed rows of edges in no order, and a loss that prepares them by itself."""
    generator = torch.Generator().manual_seed(SEED)
    nodes = 9298
    half = torch.randint(nodes, (2, PREPARED // 2), generator=generator)
    edges = torch.cat([half, half.flip(0)], dim=1)
    edges = edges[:, torch.randperm(PREPARED, generator=generator)]
    row, col = edges.numpy()
    ones = np.ones(PREPARED, dtype=np.float32)

    def scipy_rows() -> object:
        matrix = sp.coo_matrix((ones, (row, col)), shape=(nodes, nodes)).tocsr()
        matrix.sort_indices()
        return matrix, matrix.T.tocsr()

    def sorted_rows() -> object:
        order = torch.argsort(edges[0], stable=True)
        first, second = edges[0][order], edges[1][order].int()
        rowptr = row_pointers(first, nodes)
        back = torch.argsort(second, stable=True)
        return rowptr, first[back].int(), row_pointers(second[back].long(), nodes)

    title = f"{PREPARED} edges of {nodes} nodes"
    merged: Runs = {
        "torch: unique and sort": lambda: reference.csr_from_edges(edges, nodes, nodes, True),
        "scipy": scipy_rows,
        "graphlab": lambda: sort_edges(edges, nodes, nodes),
    }
    found = rows_of(
        f"{title}: sorted, merged, transposed, range, symmetry", merged, options.repeats
    )
    pairs: Runs = {
        "torch: unique": lambda: reference.csr_from_edges(edges, nodes, nodes, False),
        "graphlab": lambda: sort_edges(edges, nodes, nodes, numbers=False),
    }
    found += rows_of(f"{title}: a graph without weights, range, symmetry", pairs, options.repeats)
    plain: Runs = {
        "torch: two stable sorts": sorted_rows,
        "graphlab": lambda: SparseRows.from_edge_index(edges, nodes).transposed,
    }
    found += rows_of(f"{title}: by row and by column, none merged", plain, options.repeats)
    return found + _losses(edges, nodes, options)


def _losses(edges: Tensor, nodes: int, options: Namespace) -> list[Row]:
    generator = torch.Generator().manual_seed(SEED + 1)
    cluster = torch.randint(10, (nodes,), generator=generator)
    graph = CSRGraph.from_edge_index(edges, nodes)
    distinct, weight = graph.edge_index(), torch.ones(graph.num_edges)
    z = torch.randn(nodes, 10, generator=generator).requires_grad_()

    def loop(loss: Callable[[], Tensor]) -> Callable[[], object]:
        """Several steps in a row, as a training takes them: others' code leaves the caches."""
        return lambda: [torch.autograd.grad(loss(), z) for _ in range(STEPS)]

    runs: Runs = {
        "eager": loop(lambda: eager_pamc_loss(z, distinct, weight, cluster, 10, 1.0)),
        "graphlab, the same edges again": loop(lambda: pamc_loss(z, edges, cluster)),
        "graphlab, new edges each step": loop(lambda: pamc_loss(z, edges.clone(), cluster)),
        "graphlab, prepared": loop(lambda: pamc_loss(z, graph, cluster)),
    }
    case = f"{STEPS} steps of the pamc loss on {PREPARED} edges, forward + backward"
    return rows_of(case, runs, options.repeats)


PARTS = {"relational": relational, "preparation": preparation}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, repeats=9)
    options = parser.parse_args()
    run_parts("sparse_rows", PARTS, options, options, seeds=[SEED])


if __name__ == "__main__":
    main()
