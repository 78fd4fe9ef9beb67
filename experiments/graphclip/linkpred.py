"""Link prediction without training: the cosine of two nodes' subgraphs.

A tenth of the edges is hidden before anything is sampled; as many pairs without an edge are drawn
at random. Beside the tower stands the cosine of the two texts. Further rows hold the pairs whose
ends both keep a link, and those with an end that keeps none: its subgraph is the node alone.

    python -m experiments.graphclip.linkpred --preset cora --seeds 0:5
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from graphlab.tag import LinkPredictor
from graphlab.tag.graphclip.linkpred import without_pairs

from .._harness import runner
from .._harness.context import Context
from .target import Target, TargetConfig, target_presets


@dataclass(frozen=True)
class Config(TargetConfig):
    """Paths of models and data, and the share of hidden edges.

    Attributes:
        hidden (float): Share of the edges to be predicted.
        protocol (str): How numbers come about.
    """

    hidden: float = 0.1
    protocol: str = "no training, hidden edges are in no subgraph, uniform negatives"


PRESETS: dict[str, Config] = target_presets(Config)


def split(edge_index: Tensor, nodes: int, hidden: float, seed: int) -> tuple[Tensor, Tensor]:
    """Edges to be predicted, and as many pairs that are no edges; each once."""
    generator = torch.Generator().manual_seed(seed)
    low, high = edge_index.min(0).values, edge_index.max(0).values
    # One number per pair, whatever its direction.
    key = (low * nodes + high)[low != high].unique()
    count = max(1, round(hidden * key.numel()))
    chosen = key[torch.randperm(key.numel(), generator=generator)[:count]]
    # More than are wanted: loops, edges and too many are dropped below.
    drawn = torch.randint(nodes, (2, 4 * count + 64), generator=generator)
    drawn = drawn[:, drawn[0] != drawn[1]]
    other = drawn.min(0).values * nodes + drawn.max(0).values
    other = other[~torch.isin(other, key)][:count]
    return tuple(torch.stack([k // nodes, k % nodes]) for k in (chosen, other))  # type: ignore[return-value]


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Score one model on one graph."""
    target = Target(config, context.seed)
    edges = target.set.graph.edge_index
    positive, negative = split(edges, target.x.size(0), config.hidden, context.seed)
    predictor = LinkPredictor(target.model, target.sampler)
    rows = predictor.evaluate(target.x, edges, positive, negative)
    known = without_pairs(edges, positive, target.x.size(0))
    linked = torch.zeros(target.x.size(0), dtype=torch.bool)
    linked[known.flatten()] = True
    for kind, wanted in (("both ends linked", True), ("an end alone", False)):
        parts = [pairs[:, linked[pairs].all(0) == wanted] for pairs in (positive, negative)]
        if all(part.size(1) for part in parts):
            found = predictor.evaluate(target.x, known, *parts)
            rows |= {f"{name}, {kind}": scores for name, scores in found.items()}
    return rows


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS)


if __name__ == "__main__":
    main()
