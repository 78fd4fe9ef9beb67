"""What a retriever answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import check_int, check_list
from graphlab._repr import short_repr
from graphlab.tag.retrieval.documents import DocumentId

__all__ = ["Hit", "RetrievalResult"]


@short_repr
@dataclass(frozen=True, repr=False)
class Hit:
    """A retrieved document.

    Attributes:
        id (str or int): Its id.
        score (float): What documents are ranked by.
        dense (float): Cosine with the question; 0 without an encoder.
        lexical (float): BM25.
        seed (float): Share of the random walk that starts here.
        walk (float): Share of it that ends here.
        via (tuple[str, ...]): Phrases through which most of the walk came, if asked for.
    """

    id: DocumentId
    score: float
    dense: float
    lexical: float
    seed: float
    walk: float
    via: tuple[str, ...] = ()


@short_repr
@dataclass(frozen=True, repr=False)
class RetrievalResult:
    """Answers to several questions.

    Attributes:
        ids (list[list[str or int]]): Ids of each question, best first; fewer than k where there are
            fewer documents, or fewer are allowed, none where a question matches nothing.
        scores (Tensor): ``(B, k)`` float32, with a column per document where there are fewer than
            k; ``-inf`` where there is no document.
        seeds (Tensor): ``(B, k)`` float32, where the walk starts: share of each of these documents.
    """

    ids: list[list[DocumentId]]
    scores: Tensor
    seeds: Tensor

    @staticmethod
    def of(hits: Sequence[Sequence[Hit]], k: int) -> RetrievalResult:
        """Put the answers to several questions together.

        Args:
            hits (sequence of sequences): Documents of each question, best first.
            k (int): Columns of the result, no fewer than the documents of a question.

        Raises:
            TypeError, ValueError: If an argument is malformed.
        """
        columns = check_int(k, "k", minimum=0)
        for row, found in enumerate(check_list(hits, "hits", "documents of each question")):
            listed = check_list(found, f"hits[{row}]", "documents")
            if len(listed) > columns:
                raise ValueError(
                    f"k must be at least the documents of a question, but hits[{row}] holds "
                    f"{len(listed)} of {columns}"
                )
            if not all(isinstance(hit, Hit) for hit in listed):
                raise TypeError(f"hits[{row}] must hold Hit")
        scores = torch.full((len(hits), k), -torch.inf, device="cpu")
        seeds = torch.zeros(len(hits), k, device="cpu")
        for row, found in enumerate(hits):
            scores[row, : len(found)] = scores.new_tensor([hit.score for hit in found])
            seeds[row, : len(found)] = seeds.new_tensor([hit.seed for hit in found])
        return RetrievalResult([[hit.id for hit in found] for found in hits], scores, seeds)
