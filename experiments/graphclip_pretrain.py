"""Pretraining of GraphCLIP on text graphs, and what it gives on graphs it has not seen.

Sources are folders with ``nodes.csv`` and ``edges.csv``, or ``python_stdlib``, which needs none;
summaries are templates or a language model's, labels are never read. Targets are classified without
training, beside chance, majority and the frozen text encoder. Weights are those of the best
held-out retrieval, which needs no label.

    python -m experiments.graphclip_pretrain --preset tiny --seeds 0:5
    python -m experiments.graphclip_pretrain --preset stdlib --seeds 0:5      # nothing is needed
    torchrun --nproc-per-node 8 -m experiments.graphclip_pretrain --preset paper --seeds 0:1

``--data`` names the folder that holds the graphs, ``--embeddings`` one with stored embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from experiments._context import Context
from experiments._graphclip import (
    CachedEncoder,
    Summaries,
    classifier,
    labelled,
    make_pairs,
    node_features,
)
from experiments._ranks import is_main, main_first
from experiments._results import Rows
from experiments._runner import main
from experiments._text_sets import load_text_set, place_of
from graphlab.tag import (
    GraphCLIP,
    GraphCLIPEncoder,
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    pretrain,
)


@dataclass(frozen=True)
class Config:
    """Sizes and settings; the defaults train in minutes on two cores.

    Attributes:
        data: Folder of the graphs.
        embeddings: Folder with stored embeddings of the nodes.
        encoder: Text encoder; ``hashing`` is always there.
        cache: Folder of embedded sets of texts, and of a language model's answers.
        model: Where the model of a seed goes.
        sources: Graphs to train on.
        source_edges: File of their edges.
        targets: Graphs to classify.
        pairs: Most pairs per source.
        pairs_seed: Draws the pairs: nodes, walks, and so summaries. With a number all seeds share
            them, and texts are embedded once; the spread over seeds is then that of weights, order,
            held-out pairs and views, not of the pairs. None: the seed of the run.
        summaries: ``template`` or ``llm``.
        llm_model: Name of the language model.
        llm_base_url: Its server; the key is read from the environment.
        protocol: How numbers come about.
    """

    data: str = "data/text_graphs"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    sources: tuple[str, ...] = ("citeseer_m10", "hepth")
    source_edges: str = "edges.csv"
    targets: tuple[str, ...] = ("cora", "webkb_cornell", "webkb_texas")
    pairs: int = 1200
    pairs_seed: int | None = None
    summaries: str = "template"
    llm_model: str = ""
    llm_base_url: str | None = None
    sampler: str = "rwr"
    walk_length: int = 64
    restart: float = 0.5
    max_nodes: int | None = None
    subgraph_edges: str | None = None
    channels: int = 128
    layers: int = 3
    heads: int = 8
    residual: str = "root+mean"
    epochs: int = 16
    batch_size: int = 256
    lr: float = 1e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-5
    adversarial_eps: float = 0.0
    accumulate_perturbation: bool = False
    val_fraction: float = 0.1
    patience: int = 0
    bf16: bool = False
    protocol: str = "weights of the best held-out retrieval; no label is used before the score"


_PAPER = Config(
    channels=1024, layers=12, residual="none", epochs=30, batch_size=7200, lr=1e-5,
    schedule="constant", adversarial_eps=0.2, pairs=1_000_000, bf16=True, val_fraction=0.01,
)  # fmt: skip

# Ablations and the scaling curve share the pairs of seed 0: their texts are embedded once.
_SHARED = Config(pairs_seed=0)
_PRESETS: dict[str, Config] = {
    "tiny": Config(),
    "tiny_plain": Config(residual="none", epochs=24),
    "tiny_shared": _SHARED,
    "tiny_flag": replace(_SHARED, adversarial_eps=0.02),
    "tiny_flag_accumulating": replace(
        _SHARED, adversarial_eps=0.02, accumulate_perturbation=True
    ),
    "tiny_khop": replace(_SHARED, sampler="khop", max_nodes=64),
    "tiny_induced": replace(_SHARED, subgraph_edges="induced"),
    "tiny_llm": replace(_SHARED, summaries="llm"),
    "tiny_150": replace(_SHARED, pairs=150, batch_size=128),
    "tiny_300": replace(_SHARED, pairs=300),
    "tiny_600": replace(_SHARED, pairs=600),
    "stdlib": Config(
        encoder="hashing", sources=("python_stdlib",), targets=("python_stdlib",),
        pairs=400, batch_size=64,
    ),
    # Embedded and quick: shows that a figure repeats, not how good the method is.
    "smoke": Config(
        encoder="hashing", sources=("python_stdlib",), targets=("python_stdlib",),
        pairs=100, batch_size=32, channels=32, layers=1, heads=2, epochs=3, walk_length=16,
    ),
    "base": Config(
        sources=("citeseer_m10", "hepth", "wn18rr"), pairs=20_000, channels=256, layers=6, epochs=30
    ),
    "paper": _PAPER,
}  # fmt: skip

#: Only the first puts its models where the other scripts look for them by default.
PRESETS = {
    name: config if name == "tiny" else replace(config, model=f"runs/graphclip_{name}/{{seed}}")
    for name, config in _PRESETS.items()
}


def sampler(config: Config, seed: int) -> SubgraphSampler:
    """Return the sampler of a configuration."""
    return SubgraphSampler(
        config.sampler, config.walk_length, config.restart,
        max_nodes=config.max_nodes, edges=config.subgraph_edges, seed=seed,
    )  # fmt: skip


def training_pairs(config: Config, encoder: CachedEncoder, seed: int) -> GraphTextPairs:
    """Subgraphs and summaries of all sources."""
    seed = seed if config.pairs_seed is None else config.pairs_seed
    writer = Summaries(config.summaries, config.llm_model, config.llm_base_url, config.cache)
    draw, parts = sampler(config, seed), []
    for name in config.sources:
        graph = load_text_set(place_of(config.data, name), config.source_edges)
        x = node_features(graph, encoder, config.embeddings)
        parts.append(make_pairs(graph, x, encoder, draw, writer, config.pairs, seed))
    return GraphTextPairs.join(parts)


def build(config: Config, width: int, seed: int) -> GraphCLIP:
    """Return the untrained model of a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = GraphCLIPEncoder(
            width, config.channels, num_layers=config.layers, heads=config.heads,
            out_channels=width, residual=config.residual,
        )  # fmt: skip
    return GraphCLIP(tower, text_model=config.encoder)


def settings(config: Config, seed: int) -> PretrainConfig:
    """Return the library's settings."""
    names = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "adversarial_eps")
    names += ("accumulate_perturbation", "val_fraction", "patience", "bf16")  # type: ignore[assignment]
    return PretrainConfig(**{name: getattr(config, name) for name in names}, seed=seed)


def evaluate(config: Config, model: GraphCLIP, encoder: CachedEncoder, seed: int) -> Rows:
    """Zero-shot accuracy and macro-F1 on every target."""
    rows: Rows = {}
    # Every process computes the same; only the main one's numbers are kept.
    for name in config.targets if is_main() else ():
        graph = load_text_set(place_of(config.data, name))
        x = node_features(graph, encoder, config.embeddings)
        store = sampler(config, seed).sample(graph.graph.edge_index, x.size(0))
        store, y = labelled(graph, x, store)
        found = classifier(model, graph, encoder).evaluate(x, store, y)
        rows |= {f"{name}: {row}": scores for row, scores in found.items()}
    return rows


def run(config: Config, context: Context) -> Rows:
    """Train one seed and evaluate it, untrained and trained."""
    encoder = CachedEncoder(config.encoder, Path(config.cache))
    with main_first(context.device):  # the others find the embedded texts
        pairs = training_pairs(config, encoder, context.seed)
    model = build(config, pairs.x.size(1), context.seed).to(context.device)
    untrained = evaluate(config, model, encoder, context.seed)
    rows = {f"{k} (untrained)": v for k, v in untrained.items() if k.endswith("graphclip")}

    def log(row: dict[str, float]) -> None:
        context.log(int(row["epoch"]), **{k: v for k, v in row.items() if k != "epoch"})

    result = pretrain(
        model, pairs, settings(config, context.seed), directory=context.directory, callback=log,
        progress=True, writer=context.writer,
    )  # fmt: skip
    if is_main():
        model.save_pretrained(config.model.replace("{seed}", str(context.seed)))
    rows |= evaluate(config, model, encoder, context.seed)
    last = result.history[result.best_epoch]
    rows["pretraining"] = {"pairs": float(len(pairs)), **last}
    return rows


if __name__ == "__main__":
    main(run, Config, PRESETS)
