"""Filtered ranks of triples in both directions, on one process or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from graphlab._distributed import all_gather_rows, rank, world_size
from graphlab._eval_mode import evaluating
from graphlab._progress import track
from graphlab.embed.kge.network import TripleNetwork
from graphlab.embed.kge.triples import KnownTails, reversed_triples
from graphlab.evaluate import Ranks
from graphlab.ops import pairwise_rank

__all__: list[str] = []

Side: TypeAlias = Literal["both", "tail", "head"]

#: Queries at a time, their true answers and their known ones.
_QUERIES, _TRUE, _KNOWN = 1 << 13, 1 << 17, 1 << 19


@torch.no_grad()
def rank_triples(
    network: TripleNetwork,
    triples: Tensor,
    known: KnownTails | None,
    side: Side,
    num_relations: int,
    *,
    inverse: bool,
    distributed: bool = False,
) -> Ranks:
    """Ranks of the tails, then those of the heads.

    Args:
        network (TripleNetwork): The model.
        triples (Tensor): What is ranked, ``(3, T)``.
        known (KnownTails, optional): Tails of all true triples and of their reverses.
        side (str): ``"tail"``, ``"head"`` or ``"both"``.
        num_relations (int): R, without reverses.
        inverse (bool): Whether the model has reverse relations; without them, heads are ranked by
            the map of the heads themselves.
        distributed (bool): Every process ranks a part of the queries; all get all ranks.
    """
    backward = reversed_triples(triples, num_relations)
    with evaluating(network):
        entity = network.entity(network.rows())
        found = []
        if side != "head":
            found.append(_by_query(network, entity, _part(triples, distributed), known))
        if side != "tail":
            part = _part(backward, distributed)
            if inverse:
                found.append(_by_query(network, entity, part, known))
            else:
                found.append(_by_head_map(network, entity, part, known, num_relations))
    if distributed:
        found = [_gathered(ranks, triples.size(1)) for ranks in found]
    return joined(found, None if known is None else len(known) // 2)


def _by_query(
    network: TripleNetwork, entity: Tensor, triples: Tensor, known: KnownTails | None
) -> Ranks:
    """Ranks of the tails of triples whose relations have rows."""
    questions, parts = Questions.of(triples), []
    for part in track(questions.chunks(known), "rank", unit="batches"):
        query = network.query(network.rows(part.head), part.relation)
        parts.append(_ranks(query, entity, part, known))
    return questions.in_order(joined(parts, None))


def _by_head_map(
    network: TripleNetwork,
    entity: Tensor,
    triples: Tensor,
    known: KnownTails | None,
    num_relations: int,
) -> Ranks:
    """Ranks of heads h' by Q(h', r), for one relation after the other.

    The triples are reverses (t, r + R, h): what answers them is known by that name.
    """
    order = triples[1].argsort(stable=True)
    kinds, sizes = triples[1][order].unique_consecutive(return_counts=True)
    groups = list(zip(kinds.tolist(), order.split(sizes.tolist()), strict=True))
    rows, parts = network.rows(), []
    for relation, at in track(groups, "rank heads", unit="relations"):
        own = order.new_full((rows.size(0),), relation - num_relations)
        query = network.query(rows, own)
        questions = Questions.of(triples[:, at])
        found = [_ranks(entity[part.head], query, part, known) for part in questions.chunks(known)]
        parts.append(questions.in_order(joined(found, None)))
    return _permuted(joined(parts, None), order.argsort())


@dataclass(frozen=True)
class Questions:
    """Distinct queries (head, relation) of some triples, each with all its true tails.

    Queries that share a row of scores and its known answers are asked once.

    Attributes:
        head (Tensor): Heads ``(Q,)``.
        relation (Tensor): Relations ``(Q,)``.
        ptr (Tensor): Pointers ``(Q + 1,)`` into ``tail``.
        tail (Tensor): True tails, those of one query side by side.
        place (Tensor): Which triple each of them is of.
    """

    head: Tensor
    relation: Tensor
    ptr: Tensor
    tail: Tensor
    place: Tensor

    @classmethod
    def of(cls, triples: Tensor) -> Questions:
        """Group triples ``(3, T)``; a process may have none."""
        head, relation, tail = triples
        wide = int(relation.max()) + 1 if relation.numel() else 1
        key, place = (head * wide + relation).sort(stable=True)
        key, counts = key.unique_consecutive(return_counts=True)
        ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(key // wide, key % wide, ptr, tail[place], place)

    def chunks(self, known: KnownTails | None) -> list[Questions]:
        """Parts of few queries, true and known tails: a query may have thousands of them."""
        number = torch.arange(self.head.numel(), device=self.head.device) // _QUERIES
        number += self.ptr[1:] // _TRUE
        if known is not None:
            number += known.counts(self.head, self.relation).cumsum(0) // _KNOWN
        ends = number.unique_consecutive(return_counts=True)[1].cumsum(0).tolist() or [0]
        return [self._part(*ends_of) for ends_of in zip([0, *ends[:-1]], ends, strict=True)]

    def _part(self, begin: int, end: int) -> Questions:
        ptr = self.ptr[begin : end + 1]
        rows = slice(int(ptr[0]), int(ptr[-1]))
        return Questions(
            self.head[begin:end], self.relation[begin:end], ptr - ptr[0],
            self.tail[rows], self.place[rows],
        )  # fmt: skip

    def in_order(self, ranks: Ranks) -> Ranks:
        """Ranks of ``tail`` as those of the triples."""
        return _permuted(ranks, self.place.argsort())


def _ranks(query: Tensor, entity: Tensor, asked: Questions, known: KnownTails | None) -> Ranks:
    """Ranks of rows of ``entity``; known answers are distinct, with the true ones among them."""
    ptr, index = (None, None) if known is None else known.find(asked.head, asked.relation)
    greater, equal = pairwise_rank(query, entity, asked.tail, ptr, index, truth_ptr=asked.ptr)
    candidates = torch.full_like(greater, entity.size(0))
    if ptr is not None:
        candidates += torch.repeat_interleave(1 - ptr.diff(), asked.ptr.diff())
    return Ranks(greater, equal, candidates)


def _permuted(ranks: Ranks, order: Tensor) -> Ranks:
    return Ranks(ranks.greater[order], ranks.equal[order], ranks.candidates[order])


def _part(triples: Tensor, distributed: bool) -> Tensor:
    if not distributed:
        return triples
    bounds = [triples.size(1) * r // world_size() for r in (rank(), rank() + 1)]
    return triples[:, bounds[0] : bounds[1]]


def _gathered(ranks: Ranks, count: int) -> Ranks:
    table = torch.stack([ranks.greater, ranks.equal, ranks.candidates], dim=1)
    everything = all_gather_rows(table)
    if everything.size(0) != count:
        raise ValueError(
            f"all processes must rank the same triples, but this one has {count} and the parts of "
            f"all are {everything.size(0)}"
        )
    return Ranks(*everything.t().contiguous())


def joined(parts: list[Ranks], num_known: int | None, num_unseen: int | None = None) -> Ranks:
    """Ranks of several sets of queries as those of one."""
    greater, equal, candidates = (
        torch.cat(columns)
        for columns in zip(*((p.greater, p.equal, p.candidates) for p in parts), strict=True)
    )
    return Ranks(greater, equal, candidates, num_known, num_unseen)
