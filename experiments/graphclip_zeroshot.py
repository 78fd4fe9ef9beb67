"""Zero-shot node classification with pretrained GraphCLIP models, one per seed.

Works on any folder with ``nodes.csv``, ``edges.csv``, ``classes.json`` and, if there is one,
``label_prompts.json``. All labelled nodes are scored: nothing is trained on them.

    python -m experiments.graphclip_zeroshot --preset cora --seeds 0:5
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments._context import Context
from experiments._graphclip import (
    CachedEncoder,
    classifier,
    labelled,
    load_model,
    node_features,
    read_folder,
)
from experiments._runner import main
from graphlab.tag import SubgraphSampler


@dataclass(frozen=True)
class Config:
    """Where models and data are."""

    graph: str = "data/text_graphs/cora"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    walk_length: int = 64
    restart: float = 0.5
    mixes: tuple[str, ...] = ("none", "mean", "own+mean")


PRESETS = {
    name: Config(graph=f"data/text_graphs/{name}")
    for name in ("cora", "webkb_cornell", "webkb_texas")
}


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Score one model on one graph."""
    graph = read_folder(Path(config.graph))
    encoder = CachedEncoder(config.encoder, Path(config.cache))
    x = node_features(graph, encoder, config.embeddings)
    sampler = SubgraphSampler("rwr", config.walk_length, config.restart, seed=context.seed)
    store, y = labelled(graph, sampler.sample(graph.edge_index, len(graph.texts)))
    model = load_model(config.model, context.seed)
    rows: dict[str, dict[str, float]] = {}
    for mix in config.mixes:
        rows |= classifier(model, graph, encoder, mix).evaluate(x, store, y)
    return rows


if __name__ == "__main__":
    main(run, Config, PRESETS)
