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

from .._harness.context import Context
from .._harness.results import Rows
from .part import NO_LLM, STDLIB, Means, Part
from .short_texts import EXTRA, HASHING, MINILM, PACKAGES, TOKENS, short_texts


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        encoder (str): Text encoder of modules, summaries and chapter titles.
        dim (int): Width of hashed words, for a test of the machinery; a model has its own.
        walk_length (int): Steps of a walk.
        subgraphs_per_node (int): Subgraphs drawn per module.
        channels (int): Width of the tower.
        layers (int): Layers of the tower.
        heads (int): Heads of its attention.
        epochs (int): Passes over the pairs.
        batch_size (int): Pairs per step.
        template (str): Sentence that names a class.
    """

    protocol: str = "zero-shot on all nodes; weights of the last epoch"
    encoder: str = MINILM
    dim: int = 256
    walk_length: int = 32
    subgraphs_per_node: int = 1
    channels: int = 64
    layers: int = 2
    heads: int = 4
    epochs: int = 24
    batch_size: int = 128
    template: str = "{c}"


def run(config: Config, context: Context) -> Rows:
    """Pretrain the tower and name every module's chapter, untrained and trained."""
    graph, encoder = short_texts(config.encoder, config.dim)
    width = int(graph.x.size(1))
    count = int(graph.num_nodes)
    parts = []
    for number in range(config.subgraphs_per_node):
        seed = context.seed * config.subgraphs_per_node + number
        sampler = SubgraphSampler("rwr", walk_length=config.walk_length, seed=seed)
        store = sampler.sample(graph.edge_index, count)
        summaries = encoder.encode(TemplateSummarizer().summarize(graph.text, store))
        parts.append(GraphTextPairs(graph.x, store, summaries))
    pairs = GraphTextPairs.join(parts)
    # Imports join modules of unlike kinds: the tower starts at the root's own text, not at a mean.
    tower = GraphCLIPEncoder(
        width, config.channels, num_layers=config.layers, heads=config.heads,
        out_channels=width, residual="root",
    )  # fmt: skip
    model = GraphCLIP(tower).to(context.device)
    classifier = ZeroShotClassifier(model, encoder, graph.label_names, [config.template])
    x = graph.x.to(context.device)
    untrained = classifier.evaluate(x, parts[0].store, graph.y)["graphclip"]
    settings = PretrainConfig(config.epochs, config.batch_size, val_fraction=0.0, seed=context.seed)
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
    z = model.encode(pairs.x[:].to(context.device), pairs.store, chosen)
    axes = viz.embedding_map(z, [names[c] for c in y[chosen]], method="tsne", seed=context.seed)
    axes.set_title("GraphCLIP on Python's modules (t-SNE), colour = chapter")
    context.figure("map_of_modules", axes)


def meaning(rows: Means) -> str:
    """What is named without a label, and why the text alone is level here."""
    ours, own, guess = (100 * rows[name]["acc"] for name in ("graphclip", "own text", "majority"))
    return (
        f"names the chapter of {ours:.0f} % of the modules without one label (most frequent "
        f"chapter: {guess:.0f} %), the text alone of {own:.0f} %: imports join modules of unlike "
        "chapters and add nothing; what citations add stands in docs/graphclip.md"
    )


PART = Part(
    name="graphclip",
    title="GraphCLIP",
    data=STDLIB,
    description=(
        "Pretrains a tiny graph tower to match subgraphs with summaries by template, without "
        "labels, then names every module's chapter by the nearest chapter title. Texts are read by "
        f"a sentence encoder (MiniLM, the first {TOKENS} tokens)."
    ),
    run=run,
    config=Config(),
    toy=replace(
        Config(), encoder=HASHING, dim=16, channels=16, layers=1, heads=2, epochs=1,
        subgraphs_per_node=1,
    ),
    ours="graphclip",
    baseline="own text",
    metric="acc",
    measure="zero-shot accuracy",
    meaning=meaning,
    left_out={
        "summaries by a language model": NO_LLM,
        "a graph not seen in pretraining": "takes longer than a demo; "
        "python -m experiments.graphclip.pretrain",
    },
    needs=PACKAGES,
    extra=EXTRA,
)  # fmt: skip
