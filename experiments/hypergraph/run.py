"""Hypergraph reconstruction from projections: SHyRe, its improved default, MARIOH, baselines.

One hypergraph is given to learn from, another one of the same kind is to be reconstructed from its
projection. ``paper`` rows use the authors' budget and method, ``ours`` rows graphlab's default,
whose budget and threshold are chosen by cross-validation on the source. No target label is read
before the table. MARIOH sees how many hyperedges hold each edge, which the others do not.

Beside the scores stand what the projection loses (nested hyperedges, uncovered triangles; as
shares) and a use case: edges hidden from the target's projection are ranked among non-edges, by
walks on the graph that is left or on the hypergraph reconstructed from it.

    python -m experiments.hypergraph --preset crime --seeds 0:5
"""

from __future__ import annotations

import time
import warnings
from typing import NoReturn

import networkx as nx
import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab import viz
from graphlab.datasets import SHyReDataset
from graphlab.hyper import (
    HypergraphReconstructor,
    Marioh,
    from_networkx_bipartite,
    jaccard,
    precision_recall_f1,
    project,
    projection_loss,
)

from .._data.stdlib import import_sets
from .._harness import runner
from .._harness.context import Context
from .links import link_prediction
from .presets import CAVEATS, PRESETS, PUBLISHED, Config, methods


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Reconstruct with every method and return the table's rows."""
    source, target = load(config, context.seed)
    nodes = target._store["num_nodes"]
    edges, weight = project(target, weighted=True)
    loss = projection_loss(target)
    shares = ("missed", "nested", "spurious", "uncovered_triangles")
    whole = ("hyperedges", "hyperedges", "maximal_cliques", "triangles")
    rows: dict[str, dict[str, float]] = {
        "lost by the projection": {
            f"{a} share": loss[a] / max(1, loss[b]) for a, b in zip(shares, whole, strict=True)
        }
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the authors' 2000 epochs, too
        steps = context.progress(methods(config, context.seed).items(), desc="methods")
        for step, (name, make) in enumerate(steps):
            begin = time.perf_counter()
            model = make().fit(source)
            arguments = (edges, nodes, weight) if isinstance(model, Marioh) else (edges, nodes)
            rows[name] = scores(model.predict(*arguments), target)
            rows[name]["seconds"] = time.perf_counter() - begin
            context.log(step, **{f"{name}.jaccard": rows[name]["jaccard"]})
        if config.link_prediction:
            rows |= link_prediction(config, context, source, edges, nodes)
        draw(config, context, source, rows)
    return rows


def scores(predicted: HyperGraphData, target: HyperGraphData) -> dict[str, float]:
    """Scores of one reconstruction."""
    precision, recall, f1 = precision_recall_f1(predicted, target)
    return {
        "jaccard": jaccard(predicted, target),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "hyperedges": float(predicted.num_hyperedges),
    }


def draw(
    config: Config, context: Context, source: HyperGraphData, rows: dict[str, dict[str, float]]
) -> None:
    """Pictures of the scores and of what the columns are worth."""
    context.bars("jaccard", rows, "jaccard", "Jaccard index")
    if not config.importance:
        return
    # Boosted trees do not split as few candidates as the Davis women give: no column would count.
    classifier = "hgb" if source.num_hyperedges > 50 else "lr"
    model = HypergraphReconstructor(classifier=classifier, threshold=0.5, seed=context.seed)
    falls = model.fit(source).importance(source)
    series = {"count features": list(falls.values())}
    axes = viz.bars(list(falls), series, ylabel="fall of Jaccard", horizontal=True)
    axes.set_title(f"Permutation importance on the source ({classifier})")
    context.figure("importance", axes)


def load(config: Config, seed: int) -> tuple[HyperGraphData, HyperGraphData]:
    """Source and target; embedded sets are split in halves by the seed."""
    if config.dataset == "imports":
        return halves(import_sets(), seed)
    if config.dataset != "davis":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about halves: the docs explain them
            data = SHyReDataset(config.root, config.dataset, source=config.source)
        return data[0], data[1]
    return halves(from_networkx_bipartite(nx.davis_southern_women_graph()), seed)


def halves(whole: HyperGraphData, seed: int) -> tuple[HyperGraphData, HyperGraphData]:
    """Two halves of the hyperedges, drawn at random, on all nodes."""
    count = int(whole.num_hyperedges)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    first, second = order[: count // 2], order[count // 2 :]
    return part_of(whole, first), part_of(whole, second)


def part_of(data: HyperGraphData, chosen: Tensor) -> HyperGraphData:
    """Some hyperedges, on all nodes."""
    number = torch.full((int(data.num_hyperedges),), -1)
    number[chosen] = torch.arange(chosen.numel())
    index = torch.stack([data.edge_index[0], number[data.edge_index[1]]])
    nodes = data._store["num_nodes"]
    return HyperGraphData(
        edge_index=index[:, index[1] >= 0], num_nodes=nodes, num_hyperedges=chosen.numel()
    )


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED, CAVEATS)
