"""Scores of all documents for some questions, and the answers made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphlab.tag.retrieval._snapshot import Snapshot
from graphlab.tag.retrieval.documents import DocumentId
from graphlab.tag.retrieval.result import Hit, RetrievalResult

__all__: list[str] = []


@dataclass(frozen=True)
class Search:
    """What was computed for B questions over N documents.

    Attributes:
        snapshot (Snapshot): The documents.
        ids (list): Ids by position.
        order (ndarray): Positions of the best documents, int64 ``(B, k)``.
        matched (ndarray): Whether a question matches anything, bool ``(B,)``.
        scores (ndarray): ``(B, N)``, as the next three.
        dense (ndarray, optional): Cosines.
        lexical (ndarray): BM25.
        walk (ndarray): Where the walk is ``(B, N + P)``.
        seeds (ndarray): Where it started.
    """

    snapshot: Snapshot
    ids: list[DocumentId]
    order: NDArray[np.int64]
    matched: NDArray[np.bool_]
    scores: NDArray[np.float64]
    dense: NDArray[np.float64] | None
    lexical: NDArray[np.float64]
    walk: NDArray[Any]
    seeds: NDArray[np.float64]

    def hits(self, question: int, explain: bool) -> list[Hit]:
        """Answer to one question."""
        if not self.matched[question]:
            return []
        return [
            Hit(
                self.ids[position],
                float(self.scores[question, position]),
                0.0 if self.dense is None else float(self.dense[question, position]),
                float(self.lexical[question, position]),
                float(self.walk[question, position]),
                self.snapshot.via(self.walk[question], position) if explain else (),
            )
            for position in self.order[question].tolist()
        ]

    def result(self, k: int) -> RetrievalResult:
        """Answers to all questions."""
        count, width = self.order.shape
        scores, seeds = torch.full((count, k), -torch.inf), torch.zeros(count, k)
        ids: list[list[DocumentId]] = []
        for question, positions in enumerate(self.order):
            if not self.matched[question]:
                ids.append([])
                continue
            ids.append([self.ids[position] for position in positions.tolist()])
            scores[question, :width] = torch.from_numpy(self.scores[question, positions]).float()
            seeds[question, :width] = torch.from_numpy(self.seeds[question, positions]).float()
        return RetrievalResult(ids, scores, seeds)
