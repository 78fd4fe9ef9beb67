"""Triples of the user, and the known tails of every query (head, relation)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_range, check_tensor, values_visible
from graphlab._sorted import run_starts, sort_values

__all__: list[str] = []

#: ``(edge_index, edge_type)``, a ``Data`` that has both, or several of them.
TriplesLike: TypeAlias = Any
#: Maps of the user: of rows of heads and relations, and of rows of tails.
UserMaps: TypeAlias = "tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]"


def check_triples(
    edge_index: Any,
    edge_type: Any,
    num_nodes: int,
    num_relations: int,
    names: tuple[str, str] = ("edge_index", "edge_type"),
) -> Tensor:
    """Require triples; heads, relations and tails ``(3, T)``, int64."""
    edges = check_edge_index(edge_index, num_nodes, names[0])
    kinds = check_relations(edge_type, num_relations, names[1])
    if kinds.numel() != edges.size(1):
        raise ValueError(
            f"{names[1]} must have {edges.size(1)} entries, one an edge, got {kinds.numel()}"
        )
    if kinds.device != edges.device:
        raise ValueError(
            f"all tensors must be on one device, got {names[0]} on {edges.device}, {names[1]} on "
            f"{kinds.device}"
        )
    return torch.stack([edges[0], kinds, edges[1]])


def check_relations(value: Any, count: int, name: str, *, reverses: bool = False) -> Tensor:
    """Require relations ``(T,)`` below ``count``, or twice that where reverses are allowed."""
    kinds: Tensor = check_tensor(value, name)
    if kinds.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"{name} must be int64 or int32, got dtype {kinds.dtype}")
    if kinds.dim() != 1:
        raise ValueError(f"{name} must be 1-D, got shape {tuple(kinds.shape)}")
    if reverses:
        check_range(kinds, 2 * count, name)
    elif kinds.numel() and values_visible(kinds) and count <= int(kinds.max()) < 2 * count:
        raise IndexError(
            f"{name} holds {int(kinds.max())}, but num_relations is {count}: relation r + "
            f"{count} is the reverse of r, which is made here; give the triples without their "
            "reverses"
        )
    else:
        check_range(kinds, count, name)
    return kinds.long()


def read_triples_like(value: TriplesLike, num_nodes: int, num_relations: int, name: str) -> Tensor:
    """Triples ``(3, T)`` of a pair ``(edge_index, edge_type)``, a ``Data``, or several of them."""
    if hasattr(value, "edge_index"):
        kinds = getattr(value, "edge_type", None)
        return check_triples(
            value.edge_index, kinds, num_nodes, num_relations,
            (f"{name}.edge_index", f"{name}.edge_type"),
        )  # fmt: skip
    if not isinstance(value, (tuple, list)):
        raise TypeError(
            f"{name} must be a pair (edge_index, edge_type), or a list of such pairs, got "
            f"{type(value).__name__}"
        )
    if len(value) == 2 and isinstance(value[0], Tensor):
        names = (f"{name}[0]", f"{name}[1]")
        return check_triples(value[0], value[1], num_nodes, num_relations, names)
    parts = [
        read_triples_like(part, num_nodes, num_relations, f"{name}[{position}]")
        for position, part in enumerate(value)
    ]
    empty = torch.zeros(3, 0, dtype=torch.int64, device="cpu")
    return torch.cat([part.to(parts[0].device) for part in parts], dim=1) if parts else empty


def reversed_triples(triples: Tensor, num_relations: int) -> Tensor:
    """Triples ``(t, r + R, h)``."""
    head, relation, tail = triples
    return torch.stack([tail, relation + num_relations, head])


def both_directions(triples: Tensor, num_relations: int) -> Tensor:
    """Triples and behind them their reverses."""
    return torch.cat([triples, reversed_triples(triples, num_relations)], dim=1)


@dataclass(frozen=True)
class KnownTails:
    """Distinct tails of every query (head, relation) that some triples answer.

    Attributes:
        key (Tensor): ``head * relations + relation`` of each query, ascending.
        ptr (Tensor): Pointers of the queries into ``tail``.
        tail (Tensor): The tails, ascending in each query.
        relations (int): Number of relations, reverses among them.
    """

    key: Tensor
    ptr: Tensor
    tail: Tensor
    relations: int

    @classmethod
    def of(cls, triples: Tensor, relations: int) -> KnownTails:
        """Group triples ``(3, T)`` by their queries."""
        head, relation, tail = triples
        wide = int(tail.max()) + 1 if tail.numel() else 1
        key = head * relations + relation
        if key.numel() and int(key.max()) < torch.iinfo(torch.int64).max // wide:
            both = sort_values(key.mul_(wide).add_(tail)).unique_consecutive()
            key = both // wide
            tail = both - key * wide
        else:
            by_tail = tail.argsort(stable=True)
            by_key = by_tail[key[by_tail].argsort(stable=True)]
            key, tail = key[by_key], tail[by_key]
            new = torch.ones_like(key, dtype=torch.bool)
            new[1:] = (key[1:] != key[:-1]) | (tail[1:] != tail[:-1])
            key, tail = key[new], tail[new]
        starts = run_starts(key)
        return cls(
            key[starts], torch.cat([starts, starts.new_tensor([key.numel()])]), tail, relations
        )

    def __len__(self) -> int:
        """Number of distinct triples."""
        return self.tail.numel()

    def to(self, device: torch.device) -> KnownTails:
        """The same on another device."""
        key, ptr, tail = (part.to(device) for part in (self.key, self.ptr, self.tail))
        return KnownTails(key, ptr, tail, self.relations)

    def queries(self) -> tuple[Tensor, Tensor]:
        """Head and relation of every query."""
        return self.key // self.relations, self.key % self.relations

    def counts(self, head: Tensor, relation: Tensor) -> Tensor:
        """Numbers of tails of queries ``(Q,)``; none for an unknown query."""
        return self._places(head, relation)[1]

    def find(self, head: Tensor, relation: Tensor) -> tuple[Tensor, Tensor]:
        """Tails of queries: pointers ``(Q + 1,)`` and tails; none for an unknown query."""
        begin, counts = self._places(head, relation)
        ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        at = torch.repeat_interleave(begin - ptr[:-1], counts)
        at += torch.arange(at.numel(), device=at.device)
        return ptr, self.tail[at]

    def _places(self, head: Tensor, relation: Tensor) -> tuple[Tensor, Tensor]:
        """Where the tails of queries begin, and their numbers."""
        if not self.key.numel():
            return torch.zeros_like(head), torch.zeros_like(head)
        wanted = head * self.relations + relation
        place = torch.searchsorted(self.key, wanted).clamp_max(self.key.numel() - 1)
        return self.ptr[place], torch.where(self.key[place] == wanted, self.ptr.diff()[place], 0)

    def holds(self, triples: Tensor) -> Tensor:
        """Whether each of some triples is known, ``(T,)`` bool."""
        head, relation, tail = triples
        low, counts = self._places(head, relation)
        end = high = low + counts
        last = max(self.tail.numel() - 1, 0)
        while bool((low < high).any()):  # a binary search in every list: none is copied
            middle = (low + high) // 2
            below = (low < high) & (self.tail[middle.clamp_max(last)] < tail)
            low, high = torch.where(below, middle + 1, low), torch.where(below, high, middle)
        if not self.tail.numel():
            return torch.zeros_like(head, dtype=torch.bool)
        found: Tensor = (low < end) & (self.tail[low.clamp_max(last)] == tail)
        return found
