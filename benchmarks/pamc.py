"""Speed and memory of the PamC losses beside the same maths in eager PyTorch.

python -m benchmarks.pamc                 all parts, all cores; writes results/pamc.json
python -m benchmarks.pamc --only exact    one part
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
from benchmarks._harness.timing import loglog_slope, measure
from benchmarks._harness.training import training_step
from benchmarks.baselines import pamc as eager
from graphlab.contrastive import (
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_adjacency,
    influence_graph,
    initial_centers,
    sparse_features,
)
from graphlab.contrastive.losses.pamc.negatives import Negatives
from graphlab.datasets import SDCNDataset
from graphlab.ops import CSRGraph

SEED = 0
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "pamc"


def embeddings(num_nodes: int, dim: int, num_clusters: int) -> tuple[Tensor, Tensor]:
    """Draw clustered embeddings ``(N, D)`` and their clusters ``(N,)``."""
    generator = torch.Generator().manual_seed(SEED)
    cluster = torch.randint(num_clusters, (num_nodes,), generator=generator)
    centers = torch.randn(num_clusters, dim, generator=generator)
    return centers[cluster] + torch.randn(num_nodes, dim, generator=generator), cluster


def step(loss: Callable[[Tensor], Tensor], z: Tensor) -> Callable[[], None]:
    """Forward and backward of a loss."""

    def run() -> None:
        z.grad = None
        loss(z).backward()  # type: ignore[no-untyped-call]

    z.requires_grad_()
    return run


def whole(
    kind: Negatives, tau: float, graph: CSRGraph, cluster: Tensor, num_clusters: int
) -> Callable[[Tensor], Tensor]:
    """Bind everything of a loss but the embeddings."""
    loss = PamCLoss(tau, kind)
    return lambda z: loss(z, graph, cluster, None, num_clusters)


def repulsion(
    kind: Negatives, tau: float, cluster: Tensor, num_clusters: int
) -> Callable[[Tensor], Tensor]:
    """Bind everything of a negative term but the embeddings."""
    loss = PamCLoss(tau, kind)
    return lambda z: loss.negative(z, cluster, num_clusters)


def eager_exact(edge_index: Tensor, weight: Tensor, tau: float) -> Callable[[Tensor], Tensor]:
    """Bind everything of the eager N x N loss but the embeddings."""
    return lambda z: eager.exact_loss(z, edge_index, weight, tau)


def sdcn(name: str, source: Path, k: int | None = None) -> Any:
    """Load a real data set; its processed form lives in a temporary folder."""
    with tempfile.TemporaryDirectory() as root:
        return SDCNDataset(root, name, k, source=str(source))[0]


# --- parts ----------------------------------------------------------------------------------------


def positives(source: Path) -> list[Row]:
    """PamC on USPS of order 4: N = 9,298, E = 1.30M, D = 10, K = 10."""
    data = sdcn("usps", source, 3)
    z, cluster = embeddings(data.num_nodes, 10, 10)
    edge_index, weight = influence_adjacency(data.edge_index, data.num_nodes, 4)
    graph = influence_graph(data.edge_index, data.num_nodes, 4)
    general = CSRGraph.from_edge_index(edge_index, data.num_nodes, weight)
    runs = {
        "eager": step(lambda z: eager.pamc_loss(z, edge_index, weight, cluster, 10, 0.5), z),
        "graphlab": step(whole("meta", 0.5, graph, cluster, 10), z),
        "graphlab, general weights": step(whole("meta", 0.5, general, cluster, 10), z),
    }
    case = "pamc on USPS order 4, forward + backward"
    return compared(case, runs, repeats=15, memory=True)


def exact(source: Path) -> list[Row]:
    """Exact negatives against the eager N x N, and their memory at N = 50,000."""
    rows: list[Row] = []
    for dim in (10, 128):
        z, cluster = embeddings(10_000, dim, 10)
        edge_index, weight = influence_adjacency(uniform_graph(10_000, 10, SEED), 10_000)
        graph = CSRGraph.from_edge_index(edge_index, 10_000, weight)
        runs = {
            "eager": step(eager_exact(edge_index, weight, 0.5), z),
            "graphlab": step(whole("exact", 0.5, graph, cluster, 10), z),
        }
        title = f"exact negatives N=10000 D={dim}, forward + backward"
        rows += compared(title, runs, repeats=5, memory=True)
    z, cluster = embeddings(50_000, 128, 10)
    graph = CSRGraph.from_edge_index(uniform_graph(50_000, 10, SEED), 50_000)
    run = step(whole("exact", 0.5, graph, cluster, 10), z)
    run()
    z.grad = None
    extra = peak_memory(run).cpu_bytes
    own = z.numel() * z.element_size()
    # The rise holds the gradient already; the input was there before.
    ratio = (extra + own) / (2 * own)
    rows.append(
        {
            "case": "exact negatives N=50000 D=128, memory",
            "name": "graphlab",
            "peak_bytes": extra + own,
            "peak_over_input_plus_gradient": ratio,
        }
    )
    return rows


def corrected(source: Path) -> list[Row]:
    """meta2: gradient against the exact one on real embeddings, time against tiled exact."""
    rows: list[Row] = []
    for name in ("cora_svd16", "acm_ae10"):
        with np.load(GOLDEN / f"pamc_{name}.npz", allow_pickle=False) as case:
            z = torch.from_numpy(case["z"])
            cluster = torch.from_numpy(case["assign"]).long()
            tau = float(case["tau"])
        rows += against_exact(name, z, cluster, tau)
    for dim, num_clusters in ((10, 10), (16, 7), (64, 10)):
        z, cluster = embeddings(10_000, dim, num_clusters)
        rows += against_exact(f"blobs N=10000 D={dim} K={num_clusters}", z, cluster, 0.5)
    return rows


def against_exact(name: str, z: Tensor, cluster: Tensor, tau: float) -> list[Row]:
    """Compare value, gradient and time of the negative terms on one set of embeddings."""
    gradients, values, runs = {}, {}, {}
    count = int(cluster.max()) + 1
    for kind in ("exact", "meta", "meta1", "meta2"):
        loss = repulsion(kind, tau, cluster, count)
        wide = z.detach().double().requires_grad_()
        value = loss(wide)
        (gradients[kind],) = torch.autograd.grad(value, wide)
        values[kind] = float(value.detach())
        runs[kind] = step(loss, z.detach().clone())
    rows = compared(f"negative term on {name}, tau={tau}", runs, repeats=10)
    for row in rows:
        kind = row["name"]
        row["gradient_cosine_to_exact"] = float(
            torch.cosine_similarity(gradients[kind].flatten(), gradients["exact"].flatten(), dim=0)
        )
        row["value_minus_exact"] = values[kind] - values["exact"]
    return rows


def scaling(source: Path) -> list[Row]:
    """Time and memory from 10^4 to 10^6 nodes, average degree 10, D = 64."""
    rows: list[Row] = []
    sizes = [10_000, 31_623, 100_000, 316_228, 1_000_000]
    for kind in ("meta", "meta2"):
        times, memory = [], []
        for size in sizes:
            z, cluster = embeddings(size, 64, 10)
            graph = CSRGraph.from_edge_index(uniform_graph(size, 10, SEED), size)
            run = step(whole(kind, 0.5, graph, cluster, 10), z)
            timing = measure(run, repeats=5, warmup=1)
            z.grad = None
            peak = peak_memory(run).cpu_bytes
            times.append(timing.median)
            memory.append(float(peak))
            case = f"scaling {kind}, D=64, degree 10"
            rows.append(
                {"case": case, "name": kind, "num_nodes": size, "num_edges": graph.num_edges}
                | timing.as_row()
                | {"peak_extra_bytes": peak}
            )
        slopes = {
            "time_slope": loglog_slope(sizes, times),
            "memory_slope": loglog_slope(sizes, memory),
        }
        rows.append({"case": f"scaling {kind}, log-log slope", "name": kind, **slopes})
    return rows


def epoch(source: Path) -> list[Row]:
    """One training epoch of SCGC + PamC on ACM against the published two-forward epoch."""
    data = sdcn("acm", source)
    x, graph = data.x, influence_graph(data.edge_index, data.num_nodes, 1)
    edge_index, weight = eager.influence_pairs(data.edge_index, data.num_nodes, 1)
    generator = torch.Generator().manual_seed(SEED)
    model = SDCNAutoEncoder(x.size(1), generator=generator)
    centers, _ = initial_centers(model.encoder(x), 3, SEED)
    baseline = eager.EagerModel(x.size(1), 3)
    baseline.encoder.load_state_dict(model.encoder.state_dict())
    with torch.no_grad():
        baseline.centers.copy_(centers)
    optimizer = torch.optim.Adam(baseline.parameters(), lr=1e-3)
    runs: dict[str, Callable[[], object]] = {
        "eager, two forwards": lambda: eager.two_forward_epoch(
            baseline, optimizer, x, edge_index, weight
        )
    }
    for name, features in (("graphlab, dense", x), ("graphlab, sparse", sparse_features(x))):
        runs[name] = training_epoch(model, features, graph, centers)
    return compared("training epoch of SCGC + PamC on ACM", runs, repeats=9)


def training_epoch(
    model: SDCNAutoEncoder, x: Tensor, graph: CSRGraph, centers: Tensor
) -> Callable[[], None]:
    """One epoch as :class:`graphlab.contrastive.SCGC` runs it, on a copy of the encoder."""
    copy = SDCNAutoEncoder(x.size(1))
    copy.load_state_dict(model.state_dict())
    network = ClusteringNetwork(copy.encoder, centers, PamCLoss(0.5), 0.5, 0.5)

    def loss() -> Tensor:
        z, q = network(x)
        return network.loss(z, q, graph)

    return training_step(loss, network.parameters())


# --- frame ----------------------------------------------------------------------------------------


PARTS = {
    "positives": positives,
    "exact": exact,
    "corrected": corrected,
    "scaling": scaling,
    "epoch": epoch,
}


def main() -> None:
    """Run the chosen parts and write their rows."""
    options = part_parser(__doc__, PARTS, source="data/sdcn").parse_args()
    run_parts("pamc", PARTS, options, options.source, seeds=[SEED])


if __name__ == "__main__":
    main()
