"""Pretraining of GraphCLIP on text graphs, and what it gives on graphs it has not seen.

Sources are folders with ``nodes.csv`` and ``edges.csv``; summaries are templates, labels are never
read. Targets are classified without training, beside chance, majority and the frozen text encoder.
Weights are those of the best held-out retrieval, which needs no label.

    python -m experiments.graphclip_pretrain --preset tiny --seeds 0:5
    torchrun --nproc-per-node 8 -m experiments.graphclip_pretrain --preset paper --seeds 0:1

``--data`` names the folder that holds the graphs, ``--embeddings`` one with stored embeddings.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist

from experiments._context import Context
from experiments._graphclip import (
    CachedEncoder,
    classifier,
    labelled,
    make_pairs,
    node_features,
    read_folder,
)
from experiments._runner import main
from graphlab._distributed import rank
from graphlab.tag import (
    GraphCLIP,
    GraphCLIPEncoder,
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    pretrain,
)

Rows = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Config:
    """Sizes and settings; the defaults train in minutes on two cores."""

    data: str = "data/text_graphs"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    sources: tuple[str, ...] = ("citeseer_m10", "hepth")
    source_edges: str = "edges.csv"
    targets: tuple[str, ...] = ("cora", "webkb_cornell", "webkb_texas")
    pairs: int = 1200
    sampler: str = "rwr"
    walk_length: int = 64
    restart: float = 0.5
    max_nodes: int | None = None
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


_PAPER = Config(
    channels=1024, layers=12, residual="none", epochs=30, batch_size=7200, lr=1e-5,
    schedule="constant", adversarial_eps=0.2, pairs=1_000_000, bf16=True, val_fraction=0.01,
)  # fmt: skip

PRESETS: dict[str, Config] = {
    "tiny": Config(),
    "tiny_plain": Config(residual="none", epochs=24),
    "tiny_flag": Config(adversarial_eps=0.02),
    "tiny_flag_accumulating": Config(adversarial_eps=0.02, accumulate_perturbation=True),
    "tiny_khop": Config(sampler="khop", max_nodes=64),
    "tiny_300": Config(pairs=150),
    "tiny_600": Config(pairs=300),
    "tiny_1200": Config(pairs=600),
    "base": Config(
        sources=("citeseer_m10", "hepth", "wn18rr"), pairs=20_000, channels=256, layers=6, epochs=30
    ),
    "paper": _PAPER,
}


def sampler(config: Config, seed: int) -> SubgraphSampler:
    """Return the sampler of a configuration."""
    return SubgraphSampler(
        config.sampler, config.walk_length, config.restart, max_nodes=config.max_nodes, seed=seed
    )


def training_pairs(config: Config, encoder: CachedEncoder, seed: int) -> GraphTextPairs:
    """Subgraphs and summaries of all sources."""
    parts = []
    for name in config.sources:
        graph = read_folder(Path(config.data) / name, config.source_edges)
        x = node_features(graph, encoder, config.embeddings)
        parts.append(make_pairs(graph, x, encoder, sampler(config, seed), config.pairs, seed))
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
    for name in config.targets:
        graph = read_folder(Path(config.data) / name)
        x = node_features(graph, encoder, config.embeddings)
        store = sampler(config, seed).sample(graph.edge_index, len(graph.texts))
        store, y = labelled(graph, store)
        found = classifier(model, graph, encoder).evaluate(x, store, y)
        rows |= {f"{name}: {row}": scores for row, scores in found.items()}
    return rows


def run(config: Config, context: Context) -> Rows:
    """Train one seed and evaluate it, untrained and trained."""
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if context.device.type == "cuda" else "gloo")
    encoder = CachedEncoder(config.encoder, Path(config.cache))
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
    if rank() == 0:
        model.save_pretrained(config.model.replace("{seed}", str(context.seed)))
    rows |= evaluate(config, model, encoder, context.seed)
    last = result.history[result.best_epoch]
    rows["pretraining"] = {"pairs": float(len(pairs)), **last}
    return rows


if __name__ == "__main__":
    main(run, Config, PRESETS)
