"""A trained network on one graph: what it holds for the answer to a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab.tag.retrieval._ranking import standardized
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph
from graphlab.tag.retrieval.gfm.frontier import Background, answer, background, reach, worthwhile
from graphlab.tag.retrieval.gfm.linking import EntityLinker
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.rankers import Ranker, document_scores
from graphlab.tag.retrieval.gfm.self_supervision import start_weights

__all__: list[str] = []

_VIA = 3  # entities that are named as reasons


@dataclass(frozen=True)
class Reading:
    """What the network says about a question.

    Attributes:
        start (list[int]): Entities that the question names.
        entities (ndarray): Scores of the entities ``(N,)``.
        documents (ndarray): Standardised scores of the documents ``(M,)``; 0 for those that mention
            no entity.
    """

    start: list[int]
    entities: NDArray[np.float32]
    documents: NDArray[np.float64]


class Reader:
    """A network on a graph.

    Args:
        model (QueryGNN): The network.
        relations (Tensor): Embeddings of the edge types ``(2 R, F)``.
        graph (EntityGraph): The graph.
        linker (EntityLinker): Finds the entities of a question.
    """

    def __init__(
        self,
        model: QueryGNN,
        relations: Tensor,
        graph: EntityGraph,
        linker: EntityLinker,
    ) -> None:
        self.graph = graph
        self._linker, self._model = linker, model
        self._device = next(model.parameters()).device
        self._relations, self._rows = relations.to(self._device), graph.rows.to(self._device)
        self._base: Background | None = None
        self._mentioned = graph.weight > 0

    def read(
        self, questions: Sequence[str], vectors: Tensor, ranker: Ranker, top_k: int
    ) -> list[Reading | None]:
        """What the network says about questions; None where one names no entity or is no vector.

        Args:
            questions (sequence of str): Questions.
            vectors (Tensor): Their embeddings ``(B, F)``.
            ranker (str): See :func:`document_scores`.
            top_k (int): See there.

        Raises:
            FloatingPointError: If a score is NaN or infinite.
        """
        starts = self._linker.link(questions, self._mentioned.numpy())
        # One by one, so that no rounding depends on what else is asked.
        return [
            self._one(start, vectors[row : row + 1], ranker, top_k)
            if start and bool(vectors[row].any())
            else None
            for row, start in enumerate(starts)
        ]

    def _one(self, start: list[int], vector: Tensor, ranker: Ranker, top_k: int) -> Reading:
        weights = start_weights(self.graph, [start])
        logits = self._logits(vector.to(self._device), weights.to(self._device)).cpu()
        if not bool(torch.isfinite(logits).all()):
            raise FloatingPointError(
                "the network gave a score that is NaN or infinite: train it again with a lower lr"
            )
        scores = document_scores(
            logits,
            self.graph.mentions,
            len(self.graph.documents),
            ranker=ranker,
            top_k=top_k,
            candidates=self._mentioned,
        )[0].numpy()
        covered = self.graph.covered.numpy()
        documents = np.zeros(len(covered))
        documents[covered] = standardized(scores[covered].astype(np.float64))
        return Reading(start, logits[0].numpy(), documents)

    @torch.no_grad()
    def _logits(self, query: Tensor, start: Tensor) -> Tensor:
        model, rows = self._model, self._rows
        balls = reach(rows, start, model.num_layers)
        if worthwhile(model, rows, balls, len(query), kept=True):
            if self._base is None:
                self._base = background(model, self._relations, rows)
            return answer(model, self._base, rows, query, start, balls)
        scores: Tensor = model(self._relations, query, start, rows)
        return scores

    def via(self, reading: Reading, place: int) -> tuple[str, ...]:
        """Entities of a document that score best, by name."""
        entity, document = self.graph.mentions
        own = entity[document == place].numpy()
        best = own[np.argsort(-reading.entities[own], kind="stable")][:_VIA]
        return tuple(self.graph.text[number] for number in best)

    def names(self, reading: Reading) -> tuple[str, ...]:
        """Entities where a question started, by name."""
        return tuple(self.graph.text[number] for number in reading.start)
