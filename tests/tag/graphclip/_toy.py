"""A small graph with texts, an encoder without weights, and the weights of golden cases."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from graphlab.tag import GraphCLIP, GraphTextPairs, SubgraphSampler
from graphlab.tag.graphclip import GraphCLIPEncoder

TOPICS = ("neural networks learn", "genetic crossover mutation", "logic clause rules")
WIDTH = 24


class HashEncoder:
    """Sum of one fixed random vector per word: equal words, similar texts."""

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width
        self.seen: list[str] = []

    def encode(self, texts: list[str]) -> Tensor:
        self.seen += texts
        return torch.stack([sum(map(self._word, text.lower().split())) for text in texts])

    def _word(self, word: str) -> Tensor:
        seed = int.from_bytes(hashlib.sha256(word.strip(".,:;").encode()).digest()[:6], "big")
        return torch.randn(self.width, generator=torch.Generator().manual_seed(seed))


def toy_graph(nodes: int = 60, seed: int = 0) -> tuple[list[str], Tensor, Tensor]:
    """Texts, edges mostly within a topic, topics."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(nodes) % len(TOPICS)
    pairs = torch.randint(nodes, (2, 12 * nodes), generator=generator)
    inside = y[pairs[0]] == y[pairs[1]]
    edges = torch.cat([pairs[:, inside][:, : 2 * nodes], pairs[:, :10]], 1)
    texts = [f"{TOPICS[c]} item{i}" for i, c in enumerate(y.tolist())]
    return texts, edges, y


def toy_pairs(nodes: int = 60, seed: int = 0) -> GraphTextPairs:
    texts, edges, _ = toy_graph(nodes, seed)
    encoder = HashEncoder()
    store = SubgraphSampler(walk_length=12, seed=seed).sample(edges, nodes)
    x = torch.nn.functional.normalize(encoder.encode(texts))
    return GraphTextPairs(x, store, torch.nn.functional.normalize(encoder.encode(texts)))


def toy_model(seed: int = 0, **options: Any) -> GraphCLIP:
    arguments: dict[str, Any] = {"hidden_channels": 16, "pe_channels": 4, "num_layers": 2}
    arguments |= {"walk_length": 6, "heads": 2, "out_channels": WIDTH, "center_channels": 8}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GraphCLIP(GraphCLIPEncoder(WIDTH, **(arguments | options)))


def weights(case: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key[3:]: value for key, value in case.items() if key.startswith("sd/")}
