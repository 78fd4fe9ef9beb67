"""Clustering of a drawn graph of 100,000 documents: an epoch of every method, and the whole fit.

python -m benchmarks.clustering               both parts; writes results/clustering.json
python -m benchmarks.clustering --only epoch  one part
python -m benchmarks.clustering --sizes 1000 10000

Times are CPU seconds of this process, so that a busy neighbour does not count; memory is the rise
of the resident set above what data, weights and optimiser take.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from benchmarks._harness.timing import loglog_slope
from benchmarks._harness.training import training_step
from benchmarks.baselines import pamc as eager
from experiments._data.planted import planted_documents
from graphlab.contrastive import (
    SCGC,
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_graph,
    scaled_features,
    smoothed_kmeans,
    sparse_features,
)
from graphlab.evaluate import clustering_scores

SEED = 0
GROUPS = 10
REPEATS = 3
LONG = 0.5  # CPU seconds of an epoch that is timed once
#: The eager N x N loss is measured at these sizes, and its memory computed for the others.
EAGER_SIZES = (2_500, 5_000, 10_000)
METHODS = {"PamC": "meta", "SCGC + meta2": "meta2", "SCGC*": "exact"}


def documents(num_nodes: int) -> Data:
    """The drawn graph, with features as the encoder reads them."""
    data = planted_documents(num_nodes, GROUPS, seed=SEED)
    data.scaled = sparse_features(scaled_features(data.x))
    return data


def network(data: Data, negatives: Any) -> ClusteringNetwork:
    """Encoder and centres with the default widths, as drawn."""
    generator = torch.Generator().manual_seed(SEED)
    model = SDCNAutoEncoder(data.x.size(1), (500,), 10, generator=generator)
    centers = torch.randn(GROUPS, 10, generator=generator)
    return ClusteringNetwork(model.encoder, centers, PamCLoss(0.5, negatives))


def training_epoch(data: Data, negatives: Any) -> Callable[[], None]:
    """One epoch as :class:`graphlab.contrastive.SCGC` runs it."""
    graph = influence_graph(data.edge_index, int(data.num_nodes))
    model = network(data, negatives)

    def loss() -> Tensor:
        z, q = model(data.scaled)
        return model.loss(z, q, graph)

    return training_step(loss, model.parameters())


def full_similarity_epoch(data: Data) -> Callable[[], None]:
    """The same with an N x N matrix of similarities, in eager torch."""
    pairs, weight = eager.influence_pairs(data.edge_index, int(data.num_nodes))
    model = network(data, "exact")

    def loss() -> Tensor:
        z, _ = model(data.scaled)
        return eager.exact_loss(z, pairs, weight, 0.5)

    return training_step(loss, model.parameters())


def cpu_seconds(run: Callable[[], object]) -> tuple[float, int]:
    """Median CPU time of some calls after one that does not count, and how many calls."""
    first = _timed(run)
    repeats = REPEATS if first < LONG else 1
    return sorted(_timed(run) for _ in range(repeats))[repeats // 2], repeats


def _timed(run: Callable[[], object]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


# --- parts ----------------------------------------------------------------------------------------


def epoch(sizes: list[int]) -> list[Row]:
    """Time and memory of one training epoch by size and method."""
    rows: list[Row] = []
    curves: dict[str, list[Row]] = {}
    for size in sizes:
        data = documents(size)
        for name, negatives in METHODS.items():
            curves.setdefault(name, []).append(
                measured(name, data, training_epoch(data, negatives))
            )
    for size in EAGER_SIZES:
        data = documents(size)
        run = full_similarity_epoch(data)
        curves.setdefault("all similarities at once", []).append(
            measured("all similarities at once", data, run)
        )
    for name, curve in curves.items():
        rows += curve
        if len(curve) > 1:
            at = [row["num_nodes"] for row in curve]
            rows.append(
                {
                    "case": "epoch, log-log slope",
                    "name": name,
                    "time_slope": loglog_slope(at, [row["cpu_s"] for row in curve]),
                    "memory_slope": loglog_slope(at, [row["peak_extra_bytes"] for row in curve]),
                }
            )
    last = curves["all similarities at once"][-1]
    for size in sizes:
        scale = (size / last["num_nodes"]) ** 2
        rows.append(
            {
                "case": "epoch, computed from the largest size measured",
                "name": "all similarities at once",
                "num_nodes": size,
                "peak_extra_bytes": round(scale * last["peak_extra_bytes"]),
            }
        )
    return rows


def measured(name: str, data: Data, run: Callable[[], None]) -> Row:
    """One point of a curve."""
    seconds, repeats = cpu_seconds(run)
    return {
        "case": "epoch",
        "name": name,
        "num_nodes": int(data.num_nodes),
        "num_edges": int(data.edge_index.size(1)),
        "cpu_s": seconds,
        "repeats": repeats,
        "peak_extra_bytes": peak_memory(run).cpu_bytes,
    }


def fit(sizes: list[int]) -> list[Row]:
    """The estimator with its defaults and the baseline without training, at the largest size."""
    size = max(sizes)
    data = planted_documents(size, GROUPS, seed=SEED)
    found: dict[str, Any] = {}

    def train(negatives: Any) -> None:
        found["model"] = SCGC(num_clusters=GROUPS, negatives=negatives, seed=SEED).fit(data)
        found["labels"] = found["model"].predict()

    def no_training() -> None:
        found["labels"] = smoothed_kmeans(data.x, data.edge_index, GROUPS, seed=SEED)

    runs: dict[str, Callable[[], None]] = {"no training, 2 hops": no_training}
    runs["PamC"] = partial(train, "meta")
    rows: list[Row] = []
    for name, run in runs.items():
        begin = time.process_time()
        extra = peak_memory(run).cpu_bytes
        row: Row = {
            "case": "fit with the defaults",
            "name": name,
            "num_nodes": size,
            "features_bytes": data.x.numel() * data.x.element_size(),
            "cpu_s": time.process_time() - begin,
            "peak_extra_bytes": extra,
        }
        row |= clustering_scores(data.y, found["labels"])
        if "model" in found:
            row["epochs"] = len(found["model"].history_)
        rows.append(row)
    return rows


PARTS = {"epoch": epoch, "fit": fit}


def main() -> None:
    """Run the chosen parts and write their rows."""
    parser = part_parser(__doc__, PARTS, 1)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 31_623, 100_000], help="numbers of nodes"
    )
    options = parser.parse_args()
    run_parts("clustering", PARTS, options, options.sizes, seeds=[SEED])


if __name__ == "__main__":
    main()
