"""A small knowledge graph with a rule in it, split by a seed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from graphlab.embed import KGEmbedding, KGETrainConfig

NODES, RELATIONS = 24, 3

Triples = tuple[Tensor, Tensor]


def toy() -> tuple[Triples, Triples, Triples]:
    """Steps of 1 and of 2 around a ring, and their sums; parts for training, validation, test."""
    head = torch.arange(NODES).repeat(RELATIONS)
    kind = torch.arange(RELATIONS).repeat_interleave(NODES)
    edges = torch.stack([head, (head + kind + 1) % NODES])
    order = torch.randperm(edges.size(1), generator=torch.Generator().manual_seed(0))
    train, valid, test = order.split([56, 8, 8])
    return (
        (edges[:, train], kind[train]),
        (edges[:, valid], kind[valid]),
        (edges[:, test], kind[test]),
    )


def random_triples(count: int, seed: int = 0, nodes: int = NODES) -> Triples:
    """Triples at random, repeats among them."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randint(nodes, (2, count), generator=generator),
        torch.randint(RELATIONS, (count,), generator=generator),
    )


def fitted(model: KGEmbedding, triples: Triples, **options: Any) -> KGEmbedding:
    """A model fitted with these settings and arguments of ``fit``."""
    names = {field.name for field in fields(KGETrainConfig)}
    settings = {name: value for name, value in options.items() if name in names}
    model.set_params(train_config=KGETrainConfig(**settings))
    return model.fit(*triples, **{k: v for k, v in options.items() if k not in names})
