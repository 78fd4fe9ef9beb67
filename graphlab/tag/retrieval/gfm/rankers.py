"""From scores of entities to scores of the documents that mention them."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_index,
    check_int,
    check_matrix,
    check_same_device,
    check_tensor,
)

__all__ = ["document_scores"]

Ranker = Literal["simple", "idf", "topk", "idf_topk"]
RANKERS: tuple[Ranker, ...] = ("simple", "idf", "topk", "idf_topk")


def document_scores(
    scores: Tensor,
    mentions: Tensor,
    num_documents: int,
    *,
    ranker: Ranker = "idf",
    top_k: int = 20,
    candidates: Tensor | None = None,
) -> Tensor:
    r"""Sum the scores of the entities that a document mentions.

    Args:
        scores (Tensor): Scores of the entities ``(B, N)``, floating point.
        mentions (Tensor): ``(2, nnz)`` integers: entity, and document that mentions it.
        num_documents (int): Documents M.
        ranker (str): ``"simple"``: the sum; ``"idf"``: scores divided by the number of documents
            that mention the entity; ``"topk"``: the number of the best entities in the document;
            ``"idf_topk"``: these, each divided by the number of documents that mention it.
        top_k (int): How many entities are the best.
        candidates (Tensor, optional): bool ``(N,)``, which nodes may be among the best; by default
            all. The release lets nodes that are documents take places.

    Returns:
        Tensor: ``(B, M)``; 0 for a document that mentions none.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(B (N log top_k + nnz)).
    Determinism: exact on a CPU; sums in any order on an accelerator.

    Example:
        >>> mentions = torch.tensor([[0, 1, 1], [0, 0, 1]])
        >>> document_scores(torch.tensor([[2.0, 1.0]]), mentions, 2, ranker="idf")
        tensor([[2.5000, 0.5000]])
    """
    scores = check_matrix(scores, "scores")
    entity, document = _mentions(mentions, scores.size(1), num_documents)
    check_choice(ranker, "ranker", RANKERS)
    check_int(top_k, "top_k", minimum=1)
    check_same_device(scores=scores, mentions=entity, candidates=candidates)
    values = scores
    if ranker in ("topk", "idf_topk"):
        values = _best(scores, top_k, candidates)
    if ranker in ("idf", "idf_topk"):
        values = values * rarity(entity, scores.size(1), scores.dtype)
    out = scores.new_zeros(num_documents, scores.size(0))
    return out.index_add(0, document, values.t()[entity]).t()


def rarity(entity: Tensor, num_entities: int, dtype: torch.dtype) -> Tensor:
    """One divided by the number of documents that mention an entity; 0 where none does."""
    count = torch.bincount(entity, minlength=num_entities).to(dtype)
    return torch.where(count > 0, 1 / count.clamp(min=1), torch.zeros_like(count))


def _mentions(mentions: Tensor, num_entities: int, num_documents: int) -> tuple[Tensor, Tensor]:
    check_int(num_documents, "num_documents", minimum=0)
    pairs = check_tensor(mentions, "mentions")
    if pairs.dim() != 2 or pairs.size(0) != 2:
        raise ValueError(f"mentions must have shape (2, nnz), got {tuple(pairs.shape)}")
    return (
        check_index(pairs[0], num_entities, "mentions[0]"),
        check_index(pairs[1], num_documents, "mentions[1]"),
    )


def _best(scores: Tensor, top_k: int, candidates: Tensor | None) -> Tensor:
    """1 for the best entities of each row, 0 for the others."""
    allowed = scores
    if candidates is not None:
        if candidates.dtype != torch.bool or candidates.shape != scores.shape[1:]:
            raise ValueError(
                f"candidates must be bool ({scores.size(1)},), got {candidates.dtype} "
                f"{tuple(candidates.shape)}"
            )
        allowed = scores.masked_fill(~candidates, -torch.inf)
    value, index = torch.topk(allowed, min(top_k, scores.size(1)), dim=-1)
    ones = torch.isfinite(value).to(scores.dtype)
    return torch.zeros_like(scores).scatter(1, index, ones)
