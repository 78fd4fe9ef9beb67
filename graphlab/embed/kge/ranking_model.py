"""Ranks and best answers of a model of triples."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab._checks import check_choice
from graphlab._eval_mode import evaluating
from graphlab.embed.kge.network import TripleNetwork
from graphlab.embed.kge.ranking import Side, rank_triples
from graphlab.embed.kge.triple_model import TripleModel
from graphlab.embed.kge.triples import KnownTails
from graphlab.evaluate import Ranks
from graphlab.ops import pairwise_topk

__all__: list[str] = []


class RankingModel(TripleModel):
    """Answers of a model of triples; the attributes are those of ``KGEmbedding``."""

    train_: Tensor
    known_: Tensor

    def rank(
        self,
        edge_index: Tensor | Data,
        edge_type: Tensor | None = None,
        *,
        known: Any = None,
        side: Side = "both",
        dtype: torch.dtype | None = None,
        distributed: bool = False,
    ) -> Ranks:
        """Filtered ranks of triples: of their tails, then of their heads.

        Args:
            edge_index (Tensor or Data): Heads and tails ``(2, T)``, or a ``Data`` that holds them
                and ``edge_type``.
            edge_type (Tensor, optional): Relations ``(T,)``, in ``[0, R)``; not beside a ``Data``.
            known (tuple, optional): All true triples, the ranked ones among them: a pair
                ``(edge_index, edge_type)``, a ``Data``, or a list of such. Other true answers of a
                query are left out. By default the triples of training, of validation, and the
                ranked ones; ``()`` leaves nothing out (the "raw" ranks).
            side (str): ``"tail"``, ``"head"`` or ``"both"``.
            dtype (torch.dtype, optional): ``torch.float64`` computes in it: in float32, squared
                distances of long rows cancel.
            distributed (bool): Within ``torch.distributed``: every process ranks a part of the
                triples, and all get all ranks.

        Returns:
            Ranks: Counts from which :func:`graphlab.evaluate.rank_metrics` makes the figures;
            ``num_known`` triples filtered, and ``num_unseen`` queries hold an entity that was in no
            training triple.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range, there is
                no triple, ``known`` lacks ranked ones, or a score is not finite.

        Warns:
            UserWarning: If ranked triples are training triples, with their number.

        Complexity: O(T N D) time, O((T + N) D) memory.
        """
        triples = self._triples(edge_index, edge_type, "edge_index")
        check_choice(side, "side", ("both", "tail", "head"))
        if hasattr(self, "train_"):
            self._warn_of_overlap(triples, self.train_.to(triples.device), "edge_index")
        everything = self._known(triples, known)
        ranks = rank_triples(
            self._in(dtype),
            triples,
            None if everything is None else everything.to(triples.device),
            side,
            int(self.num_relations),
            inverse=bool(self.inverse),
            distributed=distributed,
        )
        unseen = self._num_unseen(triples) if hasattr(self, "train_") else None
        if unseen is not None and side == "both":
            unseen *= 2
        counts = ranks.greater, ranks.equal, ranks.candidates
        return Ranks(*counts, num_known=ranks.num_known, num_unseen=unseen)

    def _known(self, triples: Tensor, known: Any) -> KnownTails | None:
        if known is None:
            if not hasattr(self, "known_"):
                raise ValueError(
                    "known must be given where nothing was fitted: the triples of all splits, or "
                    "() for ranks that leave nothing out"
                )
            return self._tails(torch.cat([self.known_.to(triples.device), triples], dim=1))
        if isinstance(known, (tuple, list)) and not known:
            return None
        tails = self._tails(self._triples_like(known, "known").to(triples.device))
        missing = ~tails.holds(triples)
        if bool(missing.any()):
            first = triples[:, int(missing.nonzero()[0])].tolist()
            raise ValueError(
                f"known must hold the ranked triples, but lacks {int(missing.sum())} of "
                f"{triples.size(1)}, first {tuple(first)} (head, relation, tail): give the triples "
                "of all splits"
            )
        return tails

    def _in(self, dtype: torch.dtype | None) -> TripleNetwork:
        if dtype is None or dtype == self.rel_emb.weight.dtype:
            return self.network
        if dtype not in (torch.float32, torch.float64):
            raise TypeError(f"dtype must be torch.float32 or torch.float64, got {dtype}")
        return copy.deepcopy(self.network).to(dtype)

    def _num_unseen(self, triples: Tensor) -> int:
        seen = torch.zeros(int(self.num_nodes), dtype=torch.bool, device=triples.device)
        seen[self.train_[[0, 2]].to(triples.device).flatten()] = True
        return int((~(seen[triples[0]] & seen[triples[2]])).sum())

    @torch.no_grad()
    def topk(
        self, head_index: Tensor, rel_type: Tensor, k: int, *, exclude: Any = None
    ) -> tuple[Tensor, Tensor]:
        """Best tails of queries.

        Args:
            head_index (Tensor): Heads ``(B,)``.
            rel_type (Tensor): Relations ``(B,)``; r + R asks for the heads of r.
            k (int): How many, at least 1.
            exclude (tuple, optional): True triples that are no answers, as ``known`` of
                :meth:`rank`, in either direction.

        Returns:
            tuple[Tensor, Tensor]: Scores and entities ``(B, k)``, best first, of equal ones the
            smaller number. A row with fewer than k answers (k above N, or many excluded) ends in
            scores of ``-inf`` and entities of -1, which are no entities: ``tail[tail >= 0]``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        """
        head, relation, _ = self._batch(head_index, rel_type, head_index)
        filters: tuple[Any, Any] = (None, None)
        if exclude is not None:
            given = self._triples_like(exclude, "exclude").to(head.device)
            filters = self._tails(given).find(head, relation)
        with evaluating(self.network):
            query = self.network.query(self.network.rows(head), relation)
            return pairwise_topk(query, self.entities(), k, *filters)
