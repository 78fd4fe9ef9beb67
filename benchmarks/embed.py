"""Speed and memory of FastRP beside the authors' method, torch and other packages.

python -m benchmarks.embed                 all parts but the largest; writes a file to results
python -m benchmarks.embed --only large    10^7 nodes, 10^8 entries, by column panels into a file
python -m benchmarks.embed --scale 12      small, to try it out
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from benchmarks._harness.graphs import rmat
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import measure
from benchmarks.baselines import embed as baselines
from graphlab.datasets import MultilabelDataset
from graphlab.embed import FastRP

SEED = 0
DIM = 128
WEIGHTS = (1.0, 1.0, 1.0, 1.0)
BETA = -0.64


@dataclass(frozen=True)
class Options:
    """Sizes that the command line may lower.

    Attributes:
        scale (int): Logarithm to base two of the nodes.
        repeats (int): Timed rounds.
        source (Path): Folder of the real data.
    """

    scale: int
    repeats: int
    source: Path


def matrix_of(edge_index: Tensor, num_nodes: int) -> sp.csr_matrix:
    """Adjacency matrix of float64 ones."""
    row, col = edge_index.numpy()
    return sp.csr_matrix((np.ones(row.size), (row, col)), shape=(num_nodes, num_nodes))


def fitted(edge_index: Any, num_nodes: int | None, **options: Any) -> FastRP:
    """An estimator that has read the graph; the reading is not timed."""
    chosen = {"dim": DIM, "weights": WEIGHTS, "beta": BETA, "seed": SEED, **options}
    return FastRP(**chosen).fit(edge_index, num_nodes)


def peers(options: Options) -> list[Row]:
    """R-MAT graph, four powers of 128 columns: every package on the graph it has read."""
    nodes = 1 << options.scale
    edge_index = rmat(options.scale, 10, SEED)
    matrix = matrix_of(edge_index, nodes)
    runs: dict[str, Callable[[], Any]] = {
        "authors' method, float64 scipy": lambda: baselines.authors_fastrp(
            matrix, DIM, WEIGHTS, BETA
        ),
        "torch sparse, float32": baselines.torch_fastrp(matrix, DIM, WEIGHTS, BETA),
        "graphlab": fitted(edge_index, nodes).transform,
        "graphlab, Achlioptas": fitted(edge_index, nodes, projection="achlioptas").transform,
        "graphlab, Gaussian": fitted(edge_index, nodes, projection="gaussian").transform,
        "graphlab, default weights": fitted(
            edge_index, nodes, weights=(0.0, 0.0, 1.0, 6.67)
        ).transform,
        "graphlab, bfloat16": fitted(edge_index, nodes, dtype=torch.bfloat16).transform,
        "graphlab, standardised": fitted(edge_index, nodes, standardize=True).transform,
        **baselines.optional_peers(matrix, DIM, len(WEIGHTS)),
    }
    case = f"R-MAT 2^{options.scale}, {edge_index.size(1)} entries, d = {DIM}, 4 powers"
    return compared(case, runs, repeats=options.repeats, memory=True)


def bandwidth(options: Options) -> list[Row]:
    """Four powers on four times the nodes, beside the time of their gathers at copy speed."""
    scale = options.scale + 2
    nodes, edge_index = 1 << scale, rmat(scale, 10, SEED)
    source = torch.ones(nodes, DIM)
    target = torch.empty_like(source)
    copy = measure(lambda: target.copy_(source), repeats=options.repeats).median
    # A copy reads and writes; a gather without any reuse reads a row per entry.
    speed = 2 * source.numel() * source.element_size() / copy
    gathered = len(WEIGHTS) * edge_index.size(1) * DIM * source.element_size()
    bound = gathered / speed
    timing = measure(fitted(edge_index, nodes).transform, repeats=options.repeats)
    return [
        {
            "case": f"R-MAT 2^{scale}, {edge_index.size(1)} entries, d = {DIM}, 4 powers",
            "name": "graphlab",
            **timing.as_row(),
            "copy_gb_per_s": speed / 1e9,
            "zero_reuse_bound_s": bound,
            "times_the_bound": timing.median / bound,
        }
    ]


def blogcatalog(options: Options) -> list[Row]:
    """BlogCatalog with the authors' settings."""
    with tempfile.TemporaryDirectory() as root:
        data = MultilabelDataset(root, "blogcatalog", source=options.source)[0]
    matrix = matrix_of(data.edge_index, data.num_nodes)
    weights = (0.0, 0.0, 1.0, 6.67)
    rows = []
    for dim in (128, 512):
        estimator = fitted(data, None, dim=dim, weights=weights, standardize=True)
        runs: dict[str, Callable[[], Any]] = {
            "authors' method, float64 scipy": partial(
                baselines.authors_fastrp, matrix, dim, weights, BETA
            ),
            "graphlab": estimator.transform,
        }
        rows += compared(f"BlogCatalog, d = {dim}", runs, repeats=options.repeats)
    return rows


def panels(options: Options) -> list[Row]:
    """Time and memory of column panels, beside all columns at once."""
    nodes, edge_index = 1 << options.scale, rmat(options.scale, 10, SEED)
    estimator = fitted(edge_index, nodes)
    rows = []
    for panel in (None, 64, 32, 16):

        def run(panel: int | None = panel) -> Tensor:
            return estimator.transform(panel=panel)

        row = {"case": f"panels, R-MAT 2^{options.scale}", "name": f"panel={panel}"}
        row |= measure(run, repeats=options.repeats).as_row()  # type: ignore[arg-type]
        rows.append({**row, "peak_extra_bytes": peak_memory(run).cpu_bytes})
    return rows


def large(options: Options) -> list[Row]:
    """10^7 nodes, 10^8 entries drawn at random, 32 columns at a time into a file."""
    nodes, entries = (10**7, 10**8) if options.scale >= 18 else (10**4, 10**5)
    generator = torch.Generator().manual_seed(SEED)
    half = torch.randint(nodes, (2, entries // 2), generator=generator)
    estimator = fitted(torch.cat([half, half.flip(0)], 1), nodes, weights=(0.0, 0.0, 1.0, 6.67))
    del half
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "embedding.npy"

        def run() -> None:
            estimator.transform(panel=32, out=path)

        memory = peak_memory(run).cpu_bytes
        timing = measure(run, repeats=1, warmup=0)
    case = f"{nodes} nodes, {entries} entries, d = {DIM}, panels of 32 into a file"
    return [{"case": case, "name": "graphlab", **timing.as_row(), "peak_extra_bytes": memory}]


PARTS: dict[str, Callable[[Options], list[Row]]] = {
    "peers": peers,
    "bandwidth": bandwidth,
    "blogcatalog": blogcatalog,
    "panels": panels,
    "large": large,
}


def main() -> None:
    """Run the chosen parts and write their rows."""
    usual = [part for part in PARTS if part != "large"]
    parser = part_parser(__doc__, PARTS, repeats=5, source="data/multilabel")
    parser.set_defaults(only=usual)
    parser.add_argument("--scale", type=int, default=18, help="log2 of the nodes")
    chosen = parser.parse_args()
    options = Options(chosen.scale, chosen.repeats, chosen.source)
    suffix = f"_{chosen.threads}threads"
    run_parts("embed", PARTS, chosen, options, seeds=[SEED], default=usual, suffix=suffix)


if __name__ == "__main__":
    main()
