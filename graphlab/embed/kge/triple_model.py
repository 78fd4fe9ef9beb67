"""Scores and losses of triples: what a model of them can do before any training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphlab._checks import check_choice, check_fraction, check_index, check_int, warn_caller
from graphlab._random import check_generator
from graphlab.embed.kge.losses import LossKind, row_products
from graphlab.embed.kge.maps import SCORERS, ModelName
from graphlab.embed.kge.network import TripleNetwork
from graphlab.embed.kge.objective import LOSSES, Objective
from graphlab.embed.kge.triples import (
    KnownTails,
    UserMaps,
    both_directions,
    check_relations,
    check_triples,
    read_triples_like,
)

__all__: list[str] = []


class TripleModel(nn.Module):
    """Scores of triples by a network; the attributes are those of ``KGEmbedding``."""

    num_nodes: int
    num_relations: int
    model: ModelName | UserMaps
    inverse: bool
    network: TripleNetwork

    @property
    def node_emb(self) -> nn.Module:
        """Table of the entities, or the linear map of their features."""
        return self.network.node_emb

    @property
    def rel_emb(self) -> nn.Embedding:
        """Table of the relations; row r + R is the reverse of r."""
        return self.network.rel_emb

    def forward(self, head_index: Tensor, rel_type: Tensor, tail_index: Tensor) -> Tensor:
        """Scores of triples.

        Args:
            head_index (Tensor): Heads ``(B,)``, integers in ``[0, N)``.
            rel_type (Tensor): Relations ``(B,)``, in ``[0, R)``; with reverses in ``[0, 2R)``.
            tail_index (Tensor): Tails ``(B,)``.

        Returns:
            Tensor: ``(B,)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        head, relation, tail = self._batch(head_index, rel_type, tail_index)
        query = self.network.query(self.network.rows(head), relation)
        return row_products(query, self.network.entity(self.network.rows(tail)))

    def query(self, head_index: Tensor, rel_type: Tensor) -> Tensor:
        """Q, the side of head and relation of the product.

        Args:
            head_index (Tensor): Heads ``(B,)``.
            rel_type (Tensor): Relations ``(B,)``, see :meth:`forward`.

        Returns:
            Tensor: ``(B, D')``; its products with :meth:`entities` are the scores of all tails.
        """
        head, relation, _ = self._batch(head_index, rel_type, head_index)
        return self.network.query(self.network.rows(head), relation)

    def entities(self) -> Tensor:
        """E, the side of the tails of the product, of all entities: ``(N, D')``."""
        return self.network.entity(self.network.rows())

    @torch.no_grad()
    def uncertainty(self, nodes: Tensor) -> Tensor:
        """Log determinant of the scales of entities: how wide their distributions are.

        Args:
            nodes (Tensor): Entities ``(B,)``.

        Returns:
            Tensor: ``(B,)``.

        Raises:
            ValueError: If the model has no scales.
        """
        if self.network.scorer.log_scale is None:
            with_scales = [name for name, scorer in SCORERS.items() if scorer.log_scale]
            raise ValueError(
                f"uncertainty is what models {with_scales} have, this one is {self.model!r}"
            )
        index = check_index(nodes, int(self.num_nodes), "nodes")
        return self.network.scorer.log_scale(self.network.rows(index))

    def _batch(self, head_index: Any, rel_type: Any, tail_index: Any) -> tuple[Tensor, ...]:
        head = check_index(head_index, int(self.num_nodes), "head_index")
        tail = check_index(tail_index, int(self.num_nodes), "tail_index", length=head.numel())
        relations = int(self.num_relations)
        kinds = check_relations(rel_type, relations, "rel_type", reverses=bool(self.inverse))
        if kinds.numel() != head.numel():
            raise ValueError(f"rel_type must have {head.numel()} entries, got {kinds.numel()}")
        return head, kinds, tail

    def loss(
        self,
        head_index: Tensor,
        rel_type: Tensor,
        tail_index: Tensor,
        *,
        kind: LossKind = "softmax",
        smoothing: float = 0.0,
        num_negatives: int = 64,
        known: Any = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Loss of a batch of triples, for a training loop of your own.

        Args:
            head_index (Tensor): Heads ``(B,)``.
            rel_type (Tensor): Relations ``(B,)``, see :meth:`forward`.
            tail_index (Tensor): Tails ``(B,)``.
            kind (str): ``"softmax"``: cross-entropy of the tail among all entities. ``"bce"``: one
                binary cross-entropy per entity, the tail positive ("1 vs all"). ``"bce_all"``: all
                given tails of a query are positive ("K vs all", "LCWA"): give all of them.
                ``"sampled"``: the tail against drawn entities.
            smoothing (float): Share of the label that is spread over all entities.
            num_negatives (int): Drawn entities of a triple, for ``"sampled"``.
            known (tuple, optional): True triples ``(edge_index, edge_type)``, whose tails are no
                negatives, for ``"softmax"``; stores all scores of the batch.
            generator (torch.Generator, optional): Source of drawn entities; that of seed 0 if
                missing.

        Returns:
            Tensor: A scalar: the mean over the triples, over the distinct queries for
            ``"bce_all"``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        check_choice(kind, "kind", LOSSES)
        check_fraction(smoothing, "smoothing")
        check_int(num_negatives, "num_negatives", minimum=1)
        if known is not None and kind != "softmax":
            raise ValueError(f"known belongs to kind='softmax', got kind={kind!r}")
        if smoothing and kind == "sampled":
            raise ValueError(
                f"smoothing belongs to a loss over all entities, got smoothing={smoothing} with "
                "kind='sampled'"
            )
        batch = torch.stack(self._batch(head_index, rel_type, tail_index))
        if not batch.size(1):
            raise ValueError("head_index must hold at least one triple, got none")
        count = 2 * int(self.num_relations)
        tails = None
        if kind == "bce_all":
            grouped = KnownTails.of(batch, count)
            head, relation = grouped.queries()
            tails = grouped.find(head, relation)
            triples: Any = (head, relation, None)
        else:
            triples = tuple(batch)
            if known is not None:
                tails = self._tails(self._triples_like(known, "known")).find(batch[0], batch[1])
        if generator is not None:
            check_generator(generator)
        elif kind == "sampled":
            generator = torch.Generator().manual_seed(0)
        objective = Objective(kind, smoothing, num_negatives, corrupt_heads=not self.inverse)
        return objective.of_batch(self.network, triples, tails, generator)

    # --- triples of the user ----------------------------------------------------------------------

    def _tails(self, triples: Tensor) -> KnownTails:
        relations = int(self.num_relations)
        return KnownTails.of(both_directions(triples, relations), 2 * relations)

    def _triples(self, edge_index: Any, edge_type: Any, name: str) -> Tensor:
        sizes = int(self.num_nodes), int(self.num_relations)
        if hasattr(edge_index, "edge_index"):
            if edge_type is not None:
                raise TypeError(
                    f"edge_type must not be given where edge_index is a Data, got {edge_type!r:.80}"
                )
            triples = read_triples_like(edge_index, *sizes, "data")
        else:
            triples = check_triples(edge_index, edge_type, *sizes)
        if not triples.size(1):
            raise ValueError(f"{name} must hold at least one triple, got none")
        return triples.to(self.network.device)

    def _triples_like(self, value: Any, name: str, *, empty: bool = True) -> Tensor:
        triples = read_triples_like(value, int(self.num_nodes), int(self.num_relations), name)
        if not empty and not triples.size(1):
            raise ValueError(f"{name} must hold at least one triple, got none")
        return triples.to(self.network.device)

    def _warn_of_overlap(self, triples: Tensor, train: Tensor, name: str) -> None:
        repeated = int(KnownTails.of(train, 2 * int(self.num_relations)).holds(triples).sum())
        if repeated:
            warn_caller(
                f"{repeated} of the {triples.size(1)} triples of {name} are training triples: "
                "their ranks tell what was memorised"
            )
