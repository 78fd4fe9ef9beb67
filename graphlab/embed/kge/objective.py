"""The loss of a batch of triples, of any kind, and the regulariser of its factors."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor

from graphlab.embed.kge import losses
from graphlab.embed.kge.losses import LossKind
from graphlab.embed.kge.network import TripleNetwork

__all__: list[str] = []

LOSSES = ("softmax", "bce", "bce_all", "sampled")

#: Heads, relations and tails ``(B,)``; no tails where all known ones are positive.
Batch: TypeAlias = "tuple[Tensor, Tensor, Tensor | None]"
#: Pointers ``(B + 1,)`` and tails.
Tails: TypeAlias = "tuple[Tensor, Tensor]"


def batch_loss(
    network: TripleNetwork,
    batch: Batch,
    known: Tails | None,
    *,
    kind: LossKind,
    smoothing: float,
    num_negatives: int,
    corrupt_heads: bool,
    generator: torch.Generator | None,
) -> Tensor:
    """A mean over the queries of a batch.

    Args:
        network (TripleNetwork): The model.
        batch (tuple): The triples; for ``"bce_all"`` the distinct queries.
        known (tuple, optional): Known tails of the queries: positive for ``"bce_all"``, left out of
            the softmax otherwise.
        kind (str): Kind of the loss.
        smoothing (float): Share of a label that goes to all entities.
        num_negatives (int): Drawn negatives of a triple.
        corrupt_heads (bool): Replace the head in half of the drawn negatives.
        generator (torch.Generator, optional): Source of drawn negatives.
    """
    head, relation, tail = batch
    if kind == "sampled" and tail is not None:
        return _sampled(network, head, relation, tail, num_negatives, corrupt_heads, generator)
    rows = network.rows()
    query, entity = network.query(rows[head], relation), network.entity(rows)
    if kind == "bce_all" and known is not None:
        row = torch.repeat_interleave(known[0].diff())
        return losses.bce_all_loss(query, entity, row, known[1], smoothing)
    if tail is None:
        raise ValueError(f"a loss of kind {kind!r} needs tails")
    if kind == "bce":
        return losses.bce_loss(query, entity, tail, smoothing)
    if known is None:
        return losses.softmax_loss(query, entity, tail, smoothing)
    row = torch.repeat_interleave(known[0].diff())
    return losses.softmax_without_known(query, entity, tail, (row, known[1]), smoothing)


def _sampled(
    network: TripleNetwork,
    head: Tensor,
    relation: Tensor,
    tail: Tensor,
    count: int,
    corrupt_heads: bool,
    generator: torch.Generator | None,
) -> Tensor:
    query = network.query(network.rows(head), relation)
    entity = network.entity(network.rows(tail))
    heads = count // 2 if corrupt_heads else 0
    size = _num_nodes(network)
    drawn = torch.randint(size, (head.numel(), count), generator=generator, device="cpu")
    drawn = drawn.to(head.device)
    parts = []
    if count > heads:
        other = _mapped(network, drawn[:, heads:], entity.size(1))
        parts.append(torch.einsum("bd,bkd->bk", query, other))
    if heads:
        rows = network.rows(drawn[:, :heads].reshape(-1))
        other = network.query(rows, relation.repeat_interleave(heads))
        other = other.view(-1, heads, query.size(1))
        parts.append(torch.einsum("bkd,bd->bk", other, entity))
    return losses.sampled_loss(losses.row_products(query, entity), torch.cat(parts, dim=1))


def _mapped(network: TripleNetwork, index: Tensor, width: int) -> Tensor:
    flat = network.entity(network.rows(index.reshape(-1)))
    return flat.view(*index.shape, width)


def _num_nodes(network: TripleNetwork) -> int:
    if network.features is not None:
        return network.features.size(0)
    return int(network.rows().size(0))


def cubed_moduli(network: TripleNetwork, batch: Batch, known: Tails | None) -> Tensor:
    """Sum of cubed moduli of the factors of a triple, a mean over the triples (nuclear 3-norm).

    Halves of a complex row are one modulus; every other number is one.
    """
    head, relation, tail = batch
    if tail is None and known is not None:
        row = torch.repeat_interleave(known[0].diff())
        head, relation, tail = head[row], relation[row], known[1]
    if tail is None:
        raise ValueError("a regulariser of triples needs tails")
    scorer = network.scorer
    total = _cubed(network.rows(head), scorer.paired) + _cubed(network.rows(tail), scorer.paired)
    if not scorer.angle:
        total = total + _cubed(network.rel_emb(relation), scorer.paired)
    return total.mean()


def _cubed(rows: Tensor, paired: bool) -> Tensor:
    if not paired:
        return rows.abs().pow(3).sum(1)
    one, two = rows.chunk(2, dim=1)
    # The root of a sum of squares has no derivative at 0; the power of the sum has.
    return (one.square() + two.square() + torch.finfo(rows.dtype).tiny).pow(1.5).sum(1)
