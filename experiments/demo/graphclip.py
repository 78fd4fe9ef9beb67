"""The demo's graph foundation model: a tiny GraphCLIP on Python's standard library.

Pretraining sees texts, imports and summaries by template, no label. The same graph is then
classified without training, so this shows the way and not transfer to a new graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from graphlab import viz
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    TemplateSummarizer,
    ZeroShotClassifier,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder

from .._data.stdlib import text_graph
from .._harness.context import Context
from .._harness.results import Rows
from .part import NO_LLM, STDLIB, Part


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        dim (int): Width of the embedded texts.
        walk_length (int): Steps of a walk.
        subgraphs_per_node (int): Subgraphs drawn per module.
        channels (int): Width of the tower.
        layers (int): Layers of the tower.
        heads (int): Heads of its attention.
        epochs (int): Passes over the pairs.
        batch_size (int): Pairs per step.
        template (str): Sentence that names a class.
    """

    protocol: str = "zero-shot on all nodes; weights of the smallest held-out loss"
    dim: int = 256
    walk_length: int = 32
    subgraphs_per_node: int = 4
    channels: int = 64
    layers: int = 2
    heads: int = 4
    epochs: int = 12
    batch_size: int = 128
    template: str = "{c}"


def run(config: Config, context: Context) -> Rows:
    """Pretrain the tower and name every module's chapter, untrained and trained."""
    graph, encoder = text_graph(config.dim)
    count = int(graph.num_nodes)
    parts = []
    for number in range(config.subgraphs_per_node):
        seed = context.seed * config.subgraphs_per_node + number
        sampler = SubgraphSampler("rwr", walk_length=config.walk_length, seed=seed)
        store = sampler.sample(graph.edge_index, count)
        summaries = encoder.encode(TemplateSummarizer().summarize(graph.text, store))
        parts.append(GraphTextPairs(graph.x, store, summaries))
    pairs = GraphTextPairs.join(parts)
    tower = GraphCLIPEncoder(
        config.dim, config.channels, num_layers=config.layers, heads=config.heads,
        out_channels=config.dim, residual="root+mean",
    )  # fmt: skip
    model = GraphCLIP(tower).to(context.device)
    classifier = ZeroShotClassifier(model, encoder, graph.label_names, [config.template])
    x = graph.x.to(context.device)
    untrained = classifier.evaluate(x, parts[0].store, graph.y)["graphclip"]
    settings = PretrainConfig(config.epochs, config.batch_size, seed=context.seed)
    result = pretrain(model, pairs, settings, progress=True)
    rows = {"graphclip (untrained)": untrained}
    rows |= classifier.evaluate(x, parts[0].store, graph.y)
    rows["pretraining"] = {"pairs": float(len(pairs)), **result.history[result.best_epoch]}
    draw(context, model, parts[0], graph.y, graph.label_names, result.history)
    return rows


@torch.no_grad()
def draw(
    context: Context,
    model: GraphCLIP,
    pairs: GraphTextPairs,
    y: torch.Tensor,
    names: list[str],
    history: list[dict[str, float]],
) -> None:
    """The loss, and a map of the modules of the largest chapters."""
    axes = viz.training_curves({"loss": [row["loss"] for row in history]})
    context.figure("pretraining_loss", axes)
    largest = torch.bincount(y).topk(min(6, int(y.max()) + 1)).indices
    chosen = torch.isin(y, largest).nonzero().squeeze(1)
    z = model.encode(pairs.x.to(context.device), pairs.store, chosen)
    axes = viz.embedding_map(z, [names[c] for c in y[chosen]], method="tsne", seed=context.seed)
    axes.set_title("GraphCLIP on Python's modules (t-SNE), colour = chapter")
    context.figure("map_of_modules", axes)


PART = Part(
    name="graphclip",
    title="GraphCLIP",
    data=STDLIB,
    description=(
        "Pretrains a tiny graph tower to match subgraphs with summaries by template, without "
        "labels, then names every module's chapter by the nearest chapter title. Texts are "
        "embedded by hashed words, so the frozen text rows are weak, too; titles share few words "
        "with docstrings."
    ),
    run=run,
    config=Config(),
    toy=replace(
        Config(), dim=16, channels=16, layers=1, heads=2, epochs=1,
        subgraphs_per_node=1,
    ),
    ours="graphclip",
    baseline="own text",
    metric="acc",
    measure="zero-shot accuracy",
    left_out={
        "summaries by a language model": NO_LLM,
        "a graph not seen in pretraining": "takes longer than a demo; "
        "python -m experiments.graphclip.pretrain",
    },
)  # fmt: skip
