"""Speed of topological concentration beside the published method and scipy.

python -m benchmarks.concentration                  all parts; writes results/concentration.json
python -m benchmarks.concentration --only small     Cora and PubMed structure
python -m benchmarks.concentration --only large     power-law graph with 1M edges, one hop, sketch
python -m benchmarks.concentration --only two_hops  the same graph at two hops (minutes)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks._harness.graphs import rmat
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import measure
from benchmarks.baselines import concentration as plain
from graphlab.embed import approx_topological_concentration, topological_concentration
from graphlab.ops import CSRGraph, walk_overlap_visits

SEED = 0
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "tc"
Parts = dict[str, Tensor | None]


def both_ways(edges: Any) -> Tensor:
    """Edges given once each, in both directions."""
    index = torch.from_numpy(np.asarray(edges)).long()
    return torch.cat([index, index.flip(0)], dim=1)


def cora() -> tuple[Tensor, int, Parts]:
    """Cora's structure with its 70/10/20 split of the edges."""
    with np.load(GOLDEN / "tc_cora_K1.npz") as file:
        train, valid, test = (both_ways(file[f"edge_{p}"]) for p in ("train", "valid", "test"))
        return train, int(file["num_nodes"]), {"train": None, "valid": valid, "test": test}


def pubmed(source: Path) -> tuple[Tensor, int, Parts]:
    """PubMed's structure, split 70/10/20 at random."""
    with np.load(source / "pubmed_structure" / "pubmed_structure.npz") as file:
        edges, num_nodes = file["edge_index"], int(file["num_nodes"])
    order = np.random.default_rng(SEED).permutation(edges.shape[1])
    cuts = np.split(edges[:, order], [int(0.7 * len(order)), int(0.8 * len(order))], axis=1)
    train, valid, test = (both_ways(part) for part in cuts)
    return train, num_nodes, {"train": None, "valid": valid, "test": test}


def small(source: Path, repeats: int) -> list[Row]:
    """All three splits of Cora and PubMed at one and two hops."""
    rows: list[Row] = []
    for name, (train, num_nodes, parts) in {"Cora": cora(), "PubMed": pubmed(source)}.items():
        for num_hops in (1, 2):
            runs = rivals(train, num_nodes, parts, num_hops)
            error = check(runs)
            case = f"{name}, {num_hops} hops, train + valid + test"
            timed = compared(case, runs, repeats=repeats, warmup=1)
            rows += [{**row, "max_difference": error} for row in timed]
    return rows


def rivals(
    train: Tensor, num_nodes: int, parts: Parts, num_hops: int
) -> dict[str, Callable[[], Any]]:
    """The three ways to compute the same numbers."""
    beta = num_nodes / train.size(1)
    edges = train.numpy()
    aims = {name: None if t is None else t.numpy() for name, t in parts.items()}

    def sets() -> Any:
        return {n: plain.by_sets(edges, t, num_nodes, num_hops, beta) for n, t in aims.items()}

    def products() -> Any:
        matrix = plain.adjacency(edges, num_nodes)
        return {
            n: plain.by_products(
                matrix, None if t is None else plain.adjacency(t, num_nodes), num_hops, beta
            )
            for n, t in aims.items()
        }

    def ours() -> Any:
        return topological_concentration(train, num_nodes, targets=parts, num_hops=num_hops)

    return {"sets, as published": sets, "scipy products": products, "graphlab": ours}


def check(runs: dict[str, Callable[[], Any]]) -> float:
    """Largest difference between any two; they must agree before they are timed."""
    results = [run() for run in runs.values()]
    worst = max(
        float(np.abs(np.asarray(results[0][name]) - np.asarray(other[name])).max())
        for other in results[1:]
        for name in results[0]
    )
    if not worst < 1e-9:
        raise RuntimeError(f"the methods disagree by {worst}")
    return worst


def large(source: Path, repeats: int, scale: int = 17) -> list[Row]:
    """R-MAT with about a million edges: exact at one hop, and the sketch."""
    edges = rmat(scale, 8, SEED)
    num_nodes = 1 << scale
    graph = CSRGraph.from_edge_index(edges, num_nodes)
    shape = {"num_nodes": num_nodes, "num_edges": edges.size(1) // 2}
    visits = walk_overlap_visits(graph, graph.edge_index())
    case = f"R-MAT {num_nodes} nodes, {shape['num_edges']} edges"
    exact = measure(lambda: topological_concentration(edges, num_nodes), repeats=repeats)
    rows: list[Row] = [
        {"case": f"{case}, 1 hop", "name": "graphlab", **shape, "visits": visits, **exact.as_row()}
    ]
    for dim in (64, 256):
        run = measure(
            lambda dim=dim: approx_topological_concentration(edges, num_nodes, dim=dim),  # type: ignore[misc]
            repeats=max(1, repeats // 3),
        )
        rows.append({"case": f"{case}, sketch d={dim}, 2 hops", "name": "graphlab", **run.as_row()})
    return rows


def two_hops(source: Path, repeats: int, scale: int = 17) -> list[Row]:
    """The same graph at two hops, once, with the cost model."""
    edges = rmat(scale, 8, SEED)
    num_nodes = 1 << scale
    graph = CSRGraph.from_edge_index(edges, num_nodes)
    visits = walk_overlap_visits(graph, graph.edge_index(), num_hops=2)
    start, begin = time.perf_counter(), time.process_time()
    topological_concentration(edges, num_nodes, num_hops=2)
    seconds, cpu = time.perf_counter() - start, time.process_time() - begin
    return [
        {
            "case": f"R-MAT {num_nodes} nodes, {edges.size(1) // 2} edges, 2 hops",
            "name": "graphlab",
            "seconds": seconds,
            "cpu_seconds": cpu,
            "visits_at_most": visits,
            "visits_per_cpu_second": visits / cpu,
        }
    ]


PARTS = {"small": small, "large": large, "two_hops": two_hops}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, repeats=7, source="data/linkpred").parse_args()
    run_parts("concentration", PARTS, options, options.source, options.repeats, seeds=[SEED])


if __name__ == "__main__":
    main()
