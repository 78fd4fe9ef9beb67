"""What the learned retriever answers."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from graphlab._repr import short_repr
from graphlab.tag.retrieval.documents import DocumentId

__all__ = ["GFMHit", "GFMResult"]


@short_repr
@dataclass(frozen=True, repr=False)
class GFMHit:
    """A retrieved document.

    Attributes:
        id (str or int): Its id.
        score (float): What documents are ranked by.
        retriever (float): Standardised score of the retriever without training; 0 without one.
        network (float): Standardised score of the network; 0 where the document mentions no entity
            or the question starts at none.
        start (tuple[str, ...]): Entities where the question started; empty where it named none and
            the retriever without training answered alone.
        via (tuple[str, ...]): Entities of the document that score best, if asked for.
    """

    id: DocumentId
    score: float
    retriever: float
    network: float
    start: tuple[str, ...] = ()
    via: tuple[str, ...] = ()

    @property
    def fallback(self) -> bool:
        """Whether the question named no entity, so that the network took no part."""
        return not self.start


@short_repr
@dataclass(frozen=True, repr=False)
class GFMResult:
    """Answers to several questions.

    Attributes:
        ids (list[list[str or int]]): Ids of each question, best first; fewer than k where there are
            fewer documents, or fewer are allowed.
        scores (Tensor): ``(B, k)`` float32, with a column per document where there are fewer than
            k; ``-inf`` where there is no document.
        fallback (Tensor): bool ``(B,)``: questions that named no entity, which the retriever
            without training answered alone.
    """

    ids: list[list[DocumentId]]
    scores: Tensor
    fallback: Tensor
