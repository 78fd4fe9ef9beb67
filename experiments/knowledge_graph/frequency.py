"""A table of frequencies as a model of triples: what no learned model may lose to."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from graphlab.evaluate import Ranks, filtered_ranks


class Parts(Protocol):
    """Triples of training, validation and test, each ``(edge_index, edge_type)``."""

    @property
    def train(self) -> tuple[Tensor, Tensor]:
        """Those that are counted."""
        ...

    @property
    def valid(self) -> tuple[Tensor, Tensor]:
        """Known ones beside them."""
        ...

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """Those that are ranked."""
        ...


def frequency_ranks(num_nodes: int, num_relations: int, parts: Parts) -> Ranks:
    """Filtered ranks of the test triples by how often an entity follows a relation in training.

    Tails of r are counted, and heads of r as tails of r + R. A query is the unit vector of its
    relation, an entity its counts: the same product as of any model.
    """
    relation, tail = _both(parts.train, num_relations)[1:]
    counts = torch.zeros(num_nodes, 2 * num_relations)
    counts.index_put_((tail, relation), torch.ones(tail.numel()), accumulate=True)
    head, relation, tail = _both(parts.test, num_relations)
    query = torch.nn.functional.one_hot(relation, 2 * num_relations).float()
    everything = [_both(part, num_relations) for part in (parts.train, parts.valid, parts.test)]
    known = _known(torch.cat(everything, dim=1), head, relation, num_relations)
    return filtered_ranks(query, counts, tail, known)


def _both(part: tuple[Tensor, Tensor], num_relations: int) -> Tensor:
    """Triples and their reverses, ``(3, 2 T)``."""
    (head, tail), relation = part
    forward = torch.stack([head, relation, tail])
    return torch.cat([forward, torch.stack([tail, relation + num_relations, head])], dim=1)


def _known(triples: Tensor, head: Tensor, relation: Tensor, num_relations: int) -> Any:
    """Known tails of every query, as pointers and entities."""
    key, wanted = (h * 2 * num_relations + r for h, r in (triples[:2], (head, relation)))
    order = key.argsort(stable=True)
    ordered = key[order]
    begin = torch.searchsorted(ordered, wanted)
    counts = torch.searchsorted(ordered, wanted, right=True) - begin
    ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    offset = torch.repeat_interleave(begin - ptr[:-1], counts)
    return ptr, triples[2][order[offset + torch.arange(offset.numel())]]
