"""What a retriever answers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from graphlab.tag.retrieval.documents import DocumentId

__all__ = ["Hit", "RetrievalResult"]


@dataclass(frozen=True)
class Hit:
    """A retrieved document.

    Attributes:
        id (str or int): Its id.
        score (float): What documents are ranked by.
        dense (float): Cosine with the question; 0 without an encoder.
        lexical (float): BM25.
        walk (float): Share of the random walk that ends here.
        via (tuple[str, ...]): Phrases through which most of the walk came, if asked for.
    """

    id: DocumentId
    score: float
    dense: float
    lexical: float
    walk: float
    via: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetrievalResult:
    """Answers to several questions.

    Attributes:
        ids (list[list[str or int]]): Ids of each question, best first; fewer than k where fewer
            documents are allowed, none where a question matches nothing.
        scores (Tensor): ``(B, k)`` float32; ``-inf`` where there is no document.
        seeds (Tensor): ``(B, k)`` float32, where the walk starts: share of each of these documents.
    """

    ids: list[list[DocumentId]]
    scores: Tensor
    seeds: Tensor

    def __repr__(self) -> str:
        return f"RetrievalResult({len(self.ids)} questions, k={self.scores.size(1)})"
