"""Speed and memory of POT's score and certificates beside the dense formulation.

python -m benchmarks.pot                    all parts, all cores; writes results/pot.json
python -m benchmarks.pot --only score       one part
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks._harness.graphs import uniform_graph
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row, compared
from benchmarks._harness.timing import measure
from benchmarks.baselines.pot import DenseGraph, dense_compactness
from graphlab.contrastive.pot import compactness_bound, pairing_target
from graphlab.contrastive.pot.budget import expected_drops
from graphlab.contrastive.pot.functional import BOUNDS, Bound
from graphlab.contrastive.pot.reference import CleanGraph, reference_score

SEED = 0
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "pot"
Layers = list[tuple[Tensor, Tensor]]


def network(features: int, dim: int, generator: torch.Generator) -> Layers:
    """Two layers, ``features`` to ``2 dim`` to ``dim``, with Glorot weights."""
    layers = []
    for rows, cols in ((2 * dim, features), (dim, 2 * dim)):
        scale = (6 / (rows + cols)) ** 0.5
        weight = scale * (2 * torch.rand(rows, cols, generator=generator) - 1)
        layers.append((weight.requires_grad_(), torch.zeros(rows).requires_grad_()))
    return layers


def step(score: Callable[[], Tensor], layers: Layers) -> Callable[[], None]:
    """Forward and backward of the loss on a score."""

    def run() -> None:
        for tensor in (t for layer in layers for t in layer):
            tensor.grad = None
        torch.nn.functional.softplus(-score()).mean().backward()  # type: ignore[no-untyped-call]

    return run


def cora(source: Path) -> Any:
    """Load Cora from its raw files; the processed form lives in a temporary folder."""
    import shutil

    from torch_geometric.datasets import Planetoid
    from torch_geometric.transforms import NormalizeFeatures

    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(source / "planetoid" / "Cora" / "raw", Path(root) / "Cora" / "raw")
        return Planetoid(root, "Cora", transform=NormalizeFeatures())[0]


# --- parts ----------------------------------------------------------------------------------------


def score(source: Path) -> list[Row]:
    """One view of POT on Cora, d = 128: published score and certificates."""
    data = cora(source)
    nodes, dim, rate = data.num_nodes, 128, 0.4
    generator = torch.Generator().manual_seed(SEED)
    layers = network(data.x.size(1), dim, generator)
    view = data.edge_index[:, torch.rand(data.edge_index.size(1), generator=generator) >= rate]
    anchor = torch.randn(nodes, dim, generator=generator)
    degree = torch.bincount(data.edge_index[1], minlength=nodes)
    budget = expected_drops(rate, data.edge_index[1], degree)
    dense = DenseGraph.build(data.edge_index, view, nodes, rate)
    sparse = CleanGraph.build(data.edge_index, nodes, budget)
    runs: dict[str, Callable[[], Tensor]] = {
        "dense": lambda: dense_compactness(data.x, dense, layers, anchor),
        "reference": lambda: reference_score(data.x, sparse, view, layers, anchor, 0.0),
    }
    for bound in BOUNDS:
        runs[bound] = certificate(data.x, data.edge_index, layers, anchor, budget, bound)
    steps = {name: step(run, layers) for name, run in runs.items()}
    rows = compared("Cora, d=128, one view", steps, repeats=7, memory=True)
    error = float((runs["dense"]() - runs["reference"]()).abs().max().detach())
    return [{**row, "largest_difference_reference_dense": error} for row in rows]


def certificate(
    x: Tensor, edge_index: Tensor, layers: Layers, anchor: Tensor, budget: Tensor, bound: Bound
) -> Callable[[], Tensor]:
    """Bind everything of a certificate."""

    def run() -> Tensor:
        target = pairing_target(anchor)
        return compactness_bound(x, edge_index, layers, target, budget, bound=bound, directed=True)

    return run


def large(source: Path) -> list[Row]:
    """Sound interval bound on a generated graph: 170,000 nodes, 1.2M edges, d = 128."""
    nodes, dim, features = 170_000, 128, 128
    edge_index = uniform_graph(nodes, 2 * 1.2e6 / nodes, SEED)
    generator = torch.Generator().manual_seed(SEED)
    layers = network(features, dim, generator)
    x, anchor = (torch.randn(nodes, features, generator=generator) for _ in range(2))
    degree = torch.bincount(edge_index[1], minlength=nodes)
    budget = expected_drops(0.4, edge_index[1], degree)
    run = certificate(x, edge_index, layers, anchor, budget, "interval")
    rows = []
    for name, call in (("forward", _no_grad(run)), ("forward + backward", step(run, layers))):
        memory = peak_memory(call).cpu_bytes
        timing = measure(call, repeats=1, warmup=0).as_row()
        case = f"interval, N={nodes}, E={edge_index.size(1)}"
        rows.append({"case": case, "name": name, **timing, "peak_extra_bytes": memory})
    return rows


def _no_grad(run: Callable[[], Tensor]) -> Callable[[], None]:
    def call() -> None:
        with torch.no_grad():
            run()

    return call


def tightness(source: Path) -> list[Row]:
    """Mean certificates on the enumerated graphs beside the stored bounds and the true minima."""
    rows = []
    for path in sorted(GOLDEN.glob("bruteforce_*.npz")):
        with np.load(path, allow_pickle=False) as file:
            case = {k: torch.from_numpy(np.asarray(file[k])) for k in file.files}
        target, origin = case["A"].nonzero().t()
        layers = [(case["W1"].t(), case["b1"]), (case["W2"].t(), case["b2"])]
        for kind in ("und", "dir"):
            for bound in BOUNDS:
                certified = compactness_bound(
                    case["x"],
                    torch.stack([origin, target]),
                    layers,
                    case["Wcl"],
                    case["budget"],
                    negative_slope=float(case["alpha"]),
                    bound=bound,
                    directed=kind == "dir",
                )
                rows.append(
                    {
                        "case": f"tightness {path.stem} {kind}",
                        "name": bound,
                        "mean": float(certified.mean()),
                        "stored_mean": float(case[f"ref_lb_{bound}_{kind}"].mean()),
                        "true_mean": float(case[f"f_min_{kind}"].mean()),
                    }
                )
    return rows


# --- frame ----------------------------------------------------------------------------------------


PARTS = {"score": score, "large": large, "tightness": tightness}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, source="data").parse_args()
    run_parts("pot", PARTS, options, options.source, seeds=[SEED])


if __name__ == "__main__":
    main()
