"""The demo's link prediction on les miserables: FastRP as predictor, concentration as diagnosis.

Edges are hidden at random, several times; FastRP embeds what is left, and every character's hidden
acquaintances are looked for among its nearest neighbours. Then: which characters are served well?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_dense_adj

from experiments._data.graphs import les_miserables
from experiments._harness.context import Context
from experiments.link_prediction.model import Split, split_edges
from experiments.link_prediction.presets import K
from experiments.link_prediction.scores import node_properties
from graphlab import viz
from graphlab.embed import FastRP
from graphlab.evaluate import correlation_table, per_node_link_metrics


@dataclass(frozen=True)
class Config:
    """Settings of the demo."""

    protocol: str = "20 % of the edges hidden, nothing tuned"
    splits: int = 20
    dim: int = 64


def embed(config: Config, edges: Tensor, num_nodes: int, seed: int) -> Tensor:
    """FastRP embeddings of some of the edges."""
    model = FastRP(config.dim, seed=seed)
    z: Tensor = model.fit_transform(Data(edge_index=edges, num_nodes=num_nodes))
    return z


def predictors(config: Config, split: Split, seed: int) -> dict[str, Callable[[], Tensor]]:
    """Scores of all pairs, by method."""
    count = split.num_nodes
    adjacency = to_dense_adj(split.train, max_num_nodes=count)[0]
    generator = torch.Generator().manual_seed(seed)

    def nearest() -> Tensor:
        z = torch.nn.functional.normalize(embed(config, split.train, count, seed), dim=1)
        return z @ z.t()

    return {
        "FastRP": nearest,
        "common neighbours": lambda: adjacency @ adjacency,
        "popular characters": lambda: adjacency.sum(0).expand(count, count),
        "chance": lambda: torch.rand(count, count, generator=generator),
    }


def recalls(
    config: Config, context: Context, data: Data
) -> Iterator[tuple[Split, dict[str, Tensor]]]:
    """Per split, recall@10 of every character by method (NaN without hidden acquaintances)."""
    for number in context.progress(range(config.splits), desc="splits"):
        seed = context.seed * config.splits + number
        torch.manual_seed(seed)
        split = split_edges(data, torch.device("cpu"))
        known = torch.cat([split.train, split.both("val")], dim=1)
        truth = split.both("test")
        found = {}
        for name, score in predictors(config, split, seed).items():
            values = per_node_link_metrics(score(), truth, K, exclude=known, metrics=("recall",))
            found[name] = values["recall"]
        yield split, found


def fastrp(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """How many hidden acquaintances every method finds; a map of the whole graph."""
    data, _ = les_miserables()
    values: dict[str, list[float]] = {}
    for _, found in recalls(config, context, data):
        for name, recall in found.items():
            values.setdefault(name, []).append(float(recall.nanmean()))
    z = embed(config, data.edge_index, int(data.num_nodes), context.seed)
    groups = nx.community.greedy_modularity_communities(nx.les_miserables_graph())
    group_of = {name: i for i, group in enumerate(groups) for name in group}
    labels = [group_of[name] for name in les_miserables()[1]]
    axes = viz.embedding_map(z, labels, method="tsne", seed=context.seed)
    axes.set_title("FastRP of les miserables (t-SNE), colour = community by modularity")
    context.figure("map_of_characters", axes)
    return {
        name: {f"recall@{K}": sum(found) / len(found), "splits": float(len(found))}
        for name, found in values.items()
    }


def concentration(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """How concentration and degree on the known edges go along with recall."""
    data, _ = les_miserables()
    properties: dict[str, list[Tensor]] = {}
    served: dict[str, list[Tensor]] = {}
    for split, found in recalls(config, context, data):
        for name, value in node_properties(split).items():
            properties.setdefault(name, []).append(value)
        for name in ("FastRP", "common neighbours"):
            served.setdefault(name, []).append(found[name])
    columns = {name: torch.cat(values) for name, values in properties.items()}
    metrics = {name: torch.cat(values) for name, values in served.items()}
    titles = {
        "tc_tr": "TC on known edges",
        "deg_tr": "degree in known edges",
        "tc_te": "TC on hidden edges (an oracle)",
    }
    table = correlation_table({name: columns[name] for name in titles}, metrics)
    axes = viz.concentration_performance(
        columns["tc_tr"], metrics, xlabel="topological concentration on known edges"
    )
    axes.set_title(f"Who is served well? (recall@{K})")
    context.figure("recall_by_concentration", axes)
    return {
        title: {f"r(recall, {method})": table[name][method]["pearson"] for method in metrics}
        for name, title in titles.items()
    }
