"""Link prediction on les miserables, which two parts of the demo share.

Edges are hidden at random, several times; FastRP embeds what is left, and every character's hidden
acquaintances are looked for among its nearest neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_dense_adj

from graphlab.embed import FastRP
from graphlab.evaluate import per_node_link_metrics

from .._harness.context import Context
from ..link_prediction.presets import K
from ..link_prediction.split import Split, split_edges


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        splits (int): Random splits of the edges.
        dim (int): Width of the embedding.
    """

    protocol: str = "20 % of the edges hidden, nothing tuned"
    splits: int = 20
    dim: int = 64


def embed(config: Config, edges: Tensor, num_nodes: int, seed: int) -> Tensor:
    """FastRP embeddings of some of the edges."""
    model = FastRP(config.dim, seed=seed)
    z: Tensor = model.fit_transform(Data(edge_index=edges, num_nodes=num_nodes))
    return z


def predictors(config: Config, split: Split, seed: int) -> dict[str, Callable[[], Tensor]]:
    """Scores of all pairs, by method."""
    count = split.num_nodes
    adjacency = to_dense_adj(split.train, max_num_nodes=count)[0]
    generator = torch.Generator().manual_seed(seed)

    def nearest() -> Tensor:
        z = torch.nn.functional.normalize(embed(config, split.train, count, seed), dim=1)
        return z @ z.t()

    return {
        "FastRP": nearest,
        "common neighbours": lambda: adjacency @ adjacency,
        "popular characters": lambda: adjacency.sum(0).expand(count, count),
        "chance": lambda: torch.rand(count, count, generator=generator),
    }


def recalls(
    config: Config, context: Context, data: Data
) -> Iterator[tuple[Split, dict[str, Tensor]]]:
    """Per split, recall@10 of every character by method (NaN without hidden acquaintances)."""
    for number in context.progress(range(config.splits), desc="splits"):
        seed = context.seed * config.splits + number
        torch.manual_seed(seed)
        split = split_edges(data, torch.device("cpu"))
        known = torch.cat([split.train, split.both("val")], dim=1)
        truth = split.both("test")
        by_method = {}
        for name, score in predictors(config, split, seed).items():
            values = per_node_link_metrics(score(), truth, K, exclude=known, metrics=("recall",))
            by_method[name] = values["recall"]
        yield split, by_method
