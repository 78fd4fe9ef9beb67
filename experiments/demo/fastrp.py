"""The demo's embedding: FastRP finds hidden acquaintances in les miserables."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx

from graphlab import viz

from .._data.graphs import les_miserables
from .._harness.context import Context
from ..link_prediction.presets import K
from .links import Config, embed, recalls
from .part import Part


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Share of hidden acquaintances that every method finds; a map of the whole graph."""
    data, _ = les_miserables()
    values: dict[str, list[float]] = {}
    for _, by_method in recalls(config, context, data):
        for name, recall in by_method.items():
            values.setdefault(name, []).append(float(recall.nanmean()))
    z = embed(config, data.edge_index, int(data.num_nodes), context.seed)
    groups = nx.community.greedy_modularity_communities(nx.les_miserables_graph())
    group_of = {name: i for i, group in enumerate(groups) for name in group}
    labels = [group_of[name] for name in les_miserables()[1]]
    axes = viz.embedding_map(z, labels, method="tsne", seed=context.seed)
    axes.set_title("FastRP of les miserables (t-SNE), colour = community by modularity")
    context.figure("map_of_characters", axes)
    return {
        name: {f"recall@{K}": sum(recall) / len(recall), "splits": float(len(recall))}
        for name, recall in values.items()
    }


PART = Part(
    name="fastrp",
    title="FastRP",
    data="les miserables",
    description=(
        "Embeds the characters by sparse random projection, without training, and finds hidden "
        "acquaintances among nearest neighbours."
    ),
    run=run,
    config=Config(),
    toy=replace(Config(), splits=2, dim=8),
    ours="FastRP",
    baseline="common neighbours",
    metric="recall@10",
    measure="recall@10 of hidden edges",
    left_out={"BlogCatalog, Wikipedia-POS": "not embedded; python -m experiments.fastrp"},
)
