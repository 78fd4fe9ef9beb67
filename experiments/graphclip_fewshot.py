"""Few-shot prompt tuning of pretrained GraphCLIP models, one per seed.

``shots`` nodes per class are drawn at random; all other labelled nodes are scored, for the tuned
prompts and for the zero-shot classifier alike. No validation set: the settings are fixed.

    python -m experiments.graphclip_fewshot --preset cora --seeds 0:5
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

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
from graphlab.tag import PromptTuner, SubgraphSampler


@dataclass(frozen=True)
class Config:
    """Shots and the settings of the prompts."""

    graph: str = "data/text_graphs/cora"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    walk_length: int = 64
    restart: float = 0.5
    shots: tuple[int, ...] = (1, 5, 10)


PRESETS = {
    name: Config(graph=f"data/text_graphs/{name}")
    for name in ("cora", "webkb_cornell", "webkb_texas")
}


def draw_shots(y: Tensor, count: int, seed: int) -> Tensor:
    """At most ``count`` nodes of every class, at random."""
    order = torch.randperm(y.numel(), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[y[order] == c][:count] for c in y.unique().tolist()])


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Tune the prompts of one model for every number of shots."""
    graph = read_folder(Path(config.graph))
    encoder = CachedEncoder(config.encoder, Path(config.cache))
    x = node_features(graph, encoder, config.embeddings)
    sampler = SubgraphSampler("rwr", config.walk_length, config.restart, seed=context.seed)
    store, y = labelled(graph, sampler.sample(graph.edge_index, len(graph.texts)))
    model = load_model(config.model, context.seed)
    zero_shot = classifier(model, graph, encoder)
    start = zero_shot.predict(x, store) == y
    rows: dict[str, dict[str, float]] = {}
    for count in context.progress(config.shots, desc="shots"):
        shots = draw_shots(y, count, context.seed)
        rest = torch.ones_like(y, dtype=torch.bool)
        rest[shots] = False
        tuner = PromptTuner(model, zero_shot.class_embeddings, seed=context.seed)
        tuner.fit(x, store.select(shots), y[shots])
        before = float(start[rest].double().mean())
        after = float((tuner.predict(x, store) == y)[rest].double().mean())
        rows[f"{count}-shot"] = {"acc": after, "zero_shot": before, "gain": after - before}
    return rows


if __name__ == "__main__":
    main(run, Config, PRESETS)
