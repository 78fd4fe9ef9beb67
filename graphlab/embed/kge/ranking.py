"""Filtered ranks of triples in both directions, on one process or several."""

from __future__ import annotations

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

#: Queries at a time, and their known answers: a query may have thousands of them.
_QUERIES, _KNOWN = 1 << 13, 1 << 19


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
    parts = []
    for part in track(_chunks(triples, known), "rank", unit="batches"):
        head, relation, tail = part
        query = network.query(network.rows(head), relation)
        parts.append(_ranks(query, entity, tail, known, (head, relation)))
    return joined(parts, None)


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
        for tail, reverse, head in _chunks(triples[:, at], known):
            parts.append(_ranks(entity[tail], query, head, known, (tail, reverse)))
    back = order.argsort()
    found = joined(parts, None)
    return Ranks(found.greater[back], found.equal[back], found.candidates[back])


def _chunks(triples: Tensor, known: KnownTails | None) -> list[Tensor]:
    """Triples in their order, so few at a time that their known answers are a bounded number.

    Many triples of one query have the same long list of known answers: together, lists of lists
    take far more room than the triples or the table of entities.
    """
    place = torch.arange(triples.size(1), device=triples.device) // _QUERIES
    if known is not None:
        place += known.counts(triples[0], triples[1]).cumsum(0) // _KNOWN
    return list(triples.split(place.unique_consecutive(return_counts=True)[1].tolist(), dim=1))


def _ranks(
    query: Tensor,
    entity: Tensor,
    truth: Tensor,
    known: KnownTails | None,
    asked: tuple[Tensor, Tensor],
) -> Ranks:
    """Ranks of rows of ``entity``; the known answers are distinct, with the true one among them."""
    ptr, index = (None, None) if known is None else known.find(*asked)
    greater, equal = pairwise_rank(query, entity, truth, ptr, index)
    candidates = torch.full_like(greater, entity.size(0))
    if ptr is not None:
        candidates += 1 - ptr.diff()
    return Ranks(greater, equal, candidates)


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
