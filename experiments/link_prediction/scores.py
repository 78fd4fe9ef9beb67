"""Scores of a link predictor per node, beside properties of the nodes."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from graphlab import viz
from graphlab.embed import concentration_shift, topological_concentration
from graphlab.evaluate import correlation_table, hits_at_k, per_node_link_metrics
from graphlab.ops import CSRGraph, distinct_ends

from .._harness.context import Context
from .model import LinkPredictor
from .presets import Config, K
from .split import Split


def node_properties(split: Split) -> dict[str, Tensor]:
    """Concentration at two hops and degrees of every node."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # test edges must not be training edges
        tc = topological_concentration(
            split.train, split.num_nodes, targets={"tr": None, "te": split.both("test")}, num_hops=2
        )
    graph = CSRGraph.from_edge_index(split.train, split.num_nodes)
    test = CSRGraph.from_edge_index(split.both("test"), split.num_nodes)
    return {
        "tc_te": tc["te"],
        "tc_tr": tc["tr"],
        "deg_tr": distinct_ends(graph)[:, 0].double(),
        "deg_te": distinct_ends(test)[:, 0].double(),
    }


@torch.no_grad()
def edge_hits(
    config: Config, model: LinkPredictor, weight: Tensor, split: Split, part: str
) -> float:
    """Hits@K of a part against its own negatives."""
    model.eval()
    h = model.encode(split.x, split.loops, weight)
    pos, neg = (model.score(h, edges[part]) for edges in (split.positives, split.negatives))
    return hits_at_k(pos, neg, config.hits_k)


@torch.no_grad()
def evaluate(
    config: Config,
    model: LinkPredictor,
    weight: Tensor,
    split: Split,
    properties: dict[str, Tensor],
) -> tuple[dict[str, float], Tensor]:
    """The row of a method, and recall@10 of every node (NaN without test edges)."""
    model.eval()
    h = model.encode(split.x, split.loops, weight)
    known = torch.cat([split.train, split.both("val")], dim=1)
    truth = split.both("test")
    metrics = ("recall", "precision", "ndcg")
    per_node = {name: torch.full((split.num_nodes,), torch.nan) for name in metrics}
    # Scores of 64 nodes with all others at a time: the N x N matrix is never there as a whole.
    for nodes in truth[0].unique().split(64):
        every = torch.arange(split.num_nodes, device=h.device)
        pairs = torch.cartesian_prod(nodes, every).t()
        score = model.score(h, pairs).view(nodes.numel(), -1)
        row = torch.full((split.num_nodes,), -1, device=h.device)
        row[nodes] = torch.arange(nodes.numel(), device=h.device)
        mine = truth[:, row[truth[0]] >= 0]
        local = torch.stack([row[mine[0]], mine[1]])
        values = per_node_link_metrics(score, local, K, exclude=known, nodes=nodes, metrics=metrics)
        for name in metrics:
            per_node[name][nodes.cpu()] = values[name].cpu()
    result = {f"hits@{config.hits_k}": edge_hits(config, model, weight, split, "test")}
    result |= {f"{name}@{K}": float(value.nanmean()) for name, value in per_node.items()}
    table = correlation_table(
        {name: value.cpu() for name, value in properties.items()}, {"recall": per_node["recall"]}
    )
    for name, entry in table.items():
        if entry["recall"]["pearson"] == entry["recall"]["pearson"]:
            result[f"r(recall, {name})"] = entry["recall"]["pearson"]
    return result, per_node["recall"]


def shift_row(properties: dict[str, Tensor], split: Split) -> dict[str, float]:
    """Shift of concentration on nodes where both sides are defined."""
    mask = (properties["deg_tr"] > 1) & (properties["deg_te"] > 0)
    shift = concentration_shift(properties["tc_tr"], properties["tc_te"], mask)
    if shift.num_nodes == 0:
        return {"nodes compared": 0.0}
    return {
        "mean tc_tr - tc_te": shift.mean,
        "wasserstein": shift.wasserstein,
        "nodes compared": float(shift.num_nodes),
    }


def draw(
    context: Context,
    properties: dict[str, Tensor],
    recalls: dict[str, Tensor],
    curves: dict[str, list[float]],
) -> None:
    """Performance by bins of concentration and of degree, and the two distributions."""
    for name in ("tc_te", "tc_tr", "deg_tr"):
        axes = viz.concentration_performance(
            properties[name].cpu(), recalls, xlabel=name, ylabel=f"mean recall@{K}"
        )
        note = " (uses test edges)" if name == "tc_te" else ""
        axes.set_title(f"Performance by {name}{note}")
        context.figure(f"recall_by_{name}", axes)
    counts = {}
    for name in ("tc_tr", "tc_te"):
        chosen = properties[name][(properties["deg_tr"] > 1) & (properties["deg_te"] > 0)]
        counts[name] = torch.histc(chosen.cpu(), 10, 0.0, 1.0).tolist()
    labels = [f"{b / 10:.1f}" for b in range(10)]
    axes = viz.bars(labels, counts, ylabel="nodes")
    axes.set_title("Concentration on training and test edges (from value shown)")
    context.figure("shift", axes)
    axes = viz.training_curves(curves)
    axes.set_ylabel("validation hits")
    context.figure("validation", axes)
