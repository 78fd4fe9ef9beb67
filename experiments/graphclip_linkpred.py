"""Link prediction without training: the cosine of two nodes' subgraphs.

A tenth of the edges is hidden before anything is sampled; as many pairs without an edge are drawn
at random. Beside the tower stands the cosine of the two texts.

    python -m experiments.graphclip_linkpred --preset cora --seeds 0:5
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from experiments._context import Context
from experiments._graphclip import CachedEncoder, load_model, node_features, read_folder
from experiments._runner import main
from graphlab.tag import LinkPredictor, SubgraphSampler


@dataclass(frozen=True)
class Config:
    """Where models and data are, and how much is hidden."""

    graph: str = "data/text_graphs/cora"
    embeddings: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    cache: str = "data/text_cache"
    model: str = "runs/graphclip/{seed}"
    walk_length: int = 64
    restart: float = 0.5
    hidden: float = 0.1


PRESETS = {
    name: Config(graph=f"data/text_graphs/{name}")
    for name in ("cora", "webkb_cornell", "webkb_texas")
}


def split(edge_index: Tensor, nodes: int, hidden: float, seed: int) -> tuple[Tensor, Tensor]:
    """Edges to be predicted, and as many pairs that are no edges; each once."""
    generator = torch.Generator().manual_seed(seed)
    low, high = edge_index.min(0).values, edge_index.max(0).values
    key = (low * nodes + high)[low != high].unique()
    count = max(1, round(hidden * key.numel()))
    chosen = key[torch.randperm(key.numel(), generator=generator)[:count]]
    drawn = torch.randint(nodes, (2, 4 * count + 64), generator=generator)
    drawn = drawn[:, drawn[0] != drawn[1]]
    other = drawn.min(0).values * nodes + drawn.max(0).values
    other = other[~torch.isin(other, key)][:count]
    return tuple(torch.stack([k // nodes, k % nodes]) for k in (chosen, other))  # type: ignore[return-value]


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Score one model on one graph."""
    graph = read_folder(Path(config.graph))
    encoder = CachedEncoder(config.encoder, Path(config.cache))
    x = node_features(graph, encoder, config.embeddings)
    sampler = SubgraphSampler("rwr", config.walk_length, config.restart, seed=context.seed)
    positive, negative = split(graph.edge_index, x.size(0), config.hidden, context.seed)
    predictor = LinkPredictor(load_model(config.model, context.seed), sampler)
    return predictor.evaluate(x, graph.edge_index, positive, negative)


if __name__ == "__main__":
    main(run, Config, PRESETS)
