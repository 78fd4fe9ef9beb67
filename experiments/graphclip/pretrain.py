"""Pretraining of GraphCLIP on text graphs, and what it gives on graphs it has not seen.

Sources are folders with ``nodes.csv`` and ``edges.csv``, or ``python_stdlib``, which needs none;
summaries are templates or a language model's, labels are never read. Targets are classified without
training, beside chance, majority and the frozen text encoder. Weights are those of the best epoch
by its held-out pairs, which needs no label.

    python -m experiments.graphclip.pretrain --preset tiny --seeds 0:5
    python -m experiments.graphclip.pretrain --preset stdlib --seeds 0:5      # nothing is needed
    torchrun --nproc-per-node 8 -m experiments.graphclip.pretrain --preset paper --seeds 0:1

``--data`` names the folder that holds the graphs, ``--embeddings`` one with stored embeddings.
``--pair-files summary-pubmed.json`` takes subgraphs and summaries of the official release, a file
per source, whose nodes must have the order of that release.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from graphlab._random import seeded
from graphlab.tag import (
    GraphCLIP,
    GraphTextPairs,
    PretrainConfig,
    Retry,
    SubgraphSampler,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder, SubgraphStore, read_official_pairs

from .._data.text_sets import TextSet, load_text_set, set_path
from .._harness import runner
from .._harness.context import Context
from .._harness.ranks import is_main, main_first
from .._harness.results import Rows
from .encoder import CachedEncoder, node_features, stored_features
from .pairs import Summaries, draw_subgraphs
from .presets import PRESETS, Config
from .target import classifier, labelled


def run(config: Config, context: Context) -> Rows:
    """Train one seed and evaluate it, untrained and trained."""
    encoder = CachedEncoder(config.encoder, Path(config.cache))
    with main_first(context.device):  # the others find the embedded texts
        pairs = training_pairs(config, encoder, context.seed)
    model = build(config, pairs.x.shape[1], context.seed).to(context.device)
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


def training_pairs(config: Config, encoder: CachedEncoder, seed: int) -> GraphTextPairs:
    """Subgraphs and summaries of all sources."""
    seed = seed if config.pairs_seed is None else config.pairs_seed
    writer = Summaries(
        by=config.summaries,
        model=config.llm_model,
        base_url=config.llm_base_url,
        cache=config.cache,
        max_tokens=config.llm_max_tokens,
        concurrency=config.llm_concurrency,
        retry=Retry(timeout=config.llm_timeout, repairs=config.llm_repairs),
        on_failure=config.llm_on_failure,
    )
    given = config.pair_files or ("",) * len(config.sources)
    if len(given) != len(config.sources):
        raise ValueError(
            f"pair_files must name a file per source, or '' for none, got {len(given)} for "
            f"{len(config.sources)} sources"
        )
    draws = [
        draw(config, source, seed) if not file else read_pairs(config, source, file)
        for source, file in zip(config.sources, given, strict=True)
    ]
    features: dict[str, Tensor] = {}  # one tensor per graph: its nodes stay the same nodes
    for graph, _, _ in draws:
        if graph.name not in features:
            visited = [store.node for other, store, _ in draws if other.name == graph.name]
            nodes = torch.from_numpy(np.unique(np.concatenate(visited)).astype(np.int64))
            features[graph.name] = node_features(graph, encoder, config.embeddings, nodes)
    return GraphTextPairs.join(
        [
            GraphTextPairs(
                features[graph.name],
                store,
                encoder.encode(summaries or writer.write(graph.texts, store)),
            )
            for graph, store, summaries in draws
        ]
    )


Draw = tuple[TextSet, SubgraphStore, list[str] | None]


def read_pairs(config: Config, source: str, file: str) -> Draw:
    """A source, and the subgraphs and summaries of a file of the official release."""
    graph = load_text_set(set_path(config.data, source.partition(":")[0]))
    store, summaries = read_official_pairs(file, len(graph.texts))
    bare = [i for i, text in enumerate(summaries) if not text.strip()]
    if bare:
        raise ValueError(f"{file} must have a summary for every subgraph, but {len(bare)} have "
                         f"none: {bare[:5]}")  # fmt: skip
    return graph, store, summaries


def draw(config: Config, source: str, seed: int) -> Draw:
    """A source and the subgraphs of its pairs."""
    name, _, edges = source.partition(":")
    graph = load_text_set(set_path(config.data, name), edges or config.source_edges)
    stored = stored_features(graph, config.embeddings)
    return graph, draw_subgraphs(graph, stored, sampler(config, seed), config.pairs, seed), None


def sampler(config: Config, seed: int) -> SubgraphSampler:
    """Return the sampler of a configuration."""
    return SubgraphSampler(
        config.sampler, config.walk_length, config.restart,
        max_nodes=config.max_nodes, edges=config.subgraph_edges, seed=seed,
    )  # fmt: skip


def build(config: Config, width: int, seed: int) -> GraphCLIP:
    """Return the untrained model of a seed."""
    with seeded(seed, torch.device("cpu")):
        tower = GraphCLIPEncoder(
            width, config.channels, num_layers=config.layers, heads=config.heads,
            out_channels=width, residual=config.residual,
        )  # fmt: skip
    return GraphCLIP(tower, text_model=config.encoder)


def settings(config: Config, seed: int) -> PretrainConfig:
    """Return the library's settings."""
    names = ("epochs", "batch_size", "lr", "schedule", "weight_decay", "adversarial_eps")
    names += ("accumulate_perturbation", "val_fraction", "selection", "patience")  # type: ignore[assignment]
    names += ("bf16",)  # type: ignore[assignment]
    return PretrainConfig(**{name: getattr(config, name) for name in names}, seed=seed)


def evaluate(config: Config, model: GraphCLIP, encoder: CachedEncoder, seed: int) -> Rows:
    """Zero-shot accuracy and macro-F1 on every target."""
    rows: Rows = {}
    # Every process computes the same; only the main one's numbers are kept.
    for name in config.targets if is_main() else ():
        graph = load_text_set(set_path(config.data, name))
        x = node_features(graph, encoder, config.embeddings)
        store = sampler(config, seed).sample(graph.graph.edge_index, x.size(0))
        store, y = labelled(graph, x, store)
        by_row = classifier(model, graph, encoder).evaluate(x, store, y)
        rows |= {f"{name}: {row}": scores for row, scores in by_row.items()}
    return rows


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
