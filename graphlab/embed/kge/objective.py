"""The loss of a batch of triples, of any kind, and the regulariser of its factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from graphlab.embed.kge import losses
from graphlab.embed.kge.gathered import table_and_rows
from graphlab.embed.kge.losses import LossKind
from graphlab.embed.kge.network import TripleNetwork

__all__: list[str] = []

LOSSES = ("softmax", "bce", "bce_all", "sampled")

#: Heads, relations and tails ``(B,)``; no tails where all known ones are positive.
Batch: TypeAlias = "tuple[Tensor, Tensor, Tensor | None]"
#: Pointers ``(B + 1,)`` and tails.
Tails: TypeAlias = "tuple[Tensor, Tensor]"


@dataclass(frozen=True)
class Objective:
    """What is minimised; see ``KGEmbedding.loss`` and ``KGEmbedding.fit``.

    Attributes:
        kind (str): Kind of the loss.
        smoothing (float): Share of a label that goes to all entities.
        num_negatives (int): Drawn negatives of a triple.
        corrupt_heads (bool): Replace the head in half of the drawn negatives.
        n3 (float): Weight of the nuclear 3-norm.
    """

    kind: LossKind
    smoothing: float = 0.0
    num_negatives: int = 64
    corrupt_heads: bool = False
    n3: float = 0.0

    def of_batch(
        self,
        network: TripleNetwork,
        batch: Batch,
        known: Tails | None,
        generator: torch.Generator | None,
    ) -> Tensor:
        """A mean over the queries of a batch.

        Args:
            network (TripleNetwork): The model.
            batch (tuple): The triples; for ``"bce_all"`` the distinct queries.
            known (tuple, optional): Known tails of the queries: positive for ``"bce_all"``, left
                out of the softmax otherwise.
            generator (torch.Generator, optional): Source of drawn negatives.
        """
        head, relation, tail = batch
        row = None if known is None else torch.repeat_interleave(known[0].diff())
        if tail is None:
            if known is None or row is None:
                raise ValueError(f"a loss of kind {self.kind!r} needs tails")
            tail = known[1]
        if self.kind == "sampled":
            return self._sampled(network, head, relation, tail, generator)
        rows, chosen = table_and_rows(network.rows(), torch.cat([head, tail]))
        heads, tails = chosen.split([head.numel(), tail.numel()])
        relations = network.rel_emb(relation)
        query, entity = network.query_of(heads, relations), network.entity(rows)
        # A map of the user may look at all the rows that it is given.
        true = network.entity(tails) if network.scorer.by_row else entity[tail]
        if self.kind == "bce_all" and row is not None:
            loss = losses.bce_all_loss(query, entity, row, true, self.smoothing)
            heads, relations = (heads[row], relations[row]) if self.n3 else (heads, relations)
        elif self.kind == "bce":
            loss = losses.bce_loss(query, entity, true, self.smoothing)
        elif known is None or row is None:
            loss = losses.softmax_loss(query, entity, true, self.smoothing)
        else:
            others = row, known[1], tail
            loss = losses.softmax_without_known(query, entity, true, others, self.smoothing)
        return self._regularised(loss, network, heads, relations, tails)

    def _sampled(
        self,
        network: TripleNetwork,
        head: Tensor,
        relation: Tensor,
        tail: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        size, count = head.numel(), self.num_negatives
        heads = count // 2 if self.corrupt_heads else 0
        shape = size, count
        drawn = torch.randint(network.num_nodes, shape, generator=generator, device="cpu")
        drawn = drawn.to(head.device)
        # One look-up, since each one has a gradient of the size of the table.
        wanted = [head, tail, drawn[:, heads:].reshape(-1), drawn[:, :heads].reshape(-1)]
        parts = network.rows(torch.cat(wanted)).split([part.numel() for part in wanted])
        relations = network.rel_emb(relation)
        query, entity = network.query_of(parts[0], relations), network.entity(parts[1])
        other = network.entity(parts[2]).view(size, count - heads, -1)
        scores = [torch.einsum("bd,bkd->bk", query, other)]
        if heads:
            other = network.query_of(parts[3], relations.repeat_interleave(heads, dim=0))
            scores.append(torch.einsum("bkd,bd->bk", other.view(size, heads, -1), entity))
        positive = losses.row_products(query, entity)
        loss = losses.sampled_loss(positive, torch.cat(scores, dim=1))
        return self._regularised(loss, network, parts[0], relations, parts[1])

    def _regularised(
        self, loss: Tensor, network: TripleNetwork, head: Tensor, relation: Tensor, tail: Tensor
    ) -> Tensor:
        """The loss and the weighted sum of cubed moduli of the factors, a mean over the triples.

        Halves of a complex row are one modulus; every other number is one.
        """
        if not self.n3:
            return loss
        scorer = network.scorer
        total = _cubed(head, scorer.paired) + _cubed(tail, scorer.paired)
        if not scorer.angle:
            total = total + _cubed(relation, scorer.paired)
        return loss + self.n3 * total.mean()


def _cubed(rows: Tensor, paired: bool) -> Tensor:
    if not paired:
        return rows.abs().pow(3).sum(1)
    one, two = rows.chunk(2, dim=1)
    # The root of a sum of squares has no derivative at 0; the power of the sum has.
    return (one.square() + two.square() + torch.finfo(rows.dtype).tiny).pow(1.5).sum(1)
