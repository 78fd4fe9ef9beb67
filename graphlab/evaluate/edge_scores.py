"""Scores of link prediction over all edges, by ogb's evaluators."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphlab._checks import (
    Array,
    check_finite,
    check_int,
    check_matrix,
    check_tensor,
    from_array,
)

__all__ = ["hits_at_k", "mean_reciprocal_rank"]


def hits_at_k(pos_score: Array, neg_score: Array, k: int) -> float:
    """Share of positive edges that score above the k-th best of one shared set of negatives.

    The number is that of ogb's ``Evaluator``, which however returns 1 without a word when there
    are fewer than k negatives: here this is an error.

    Args:
        pos_score (Tensor or ndarray): ``(P,)`` floating point, finite.
        neg_score (Tensor or ndarray): ``(M,)`` floating point, finite, M at least k.
        k (int): At least 1.

    Returns:
        float: In [0, 1]; a tie with the k-th negative does not count.

    Raises:
        TypeError, ValueError: If a score is malformed, or there are too few of them.

    Example:
        >>> import torch
        >>> hits_at_k(torch.tensor([3.0, 1.0]), torch.tensor([2.0, 0.0]), k=1)
        0.5
    """
    k = check_int(k, "k", minimum=1)
    positive = _check_scores(pos_score, "pos_score", 1)
    negative = _check_scores(neg_score, "neg_score", k)
    evaluator = _evaluator("ogbl-collab")
    evaluator.K = k
    scores = {"y_pred_pos": positive.detach(), "y_pred_neg": negative.detach()}
    return float(evaluator.eval(scores)[f"hits@{k}"])


def mean_reciprocal_rank(pos_score: Array, neg_score: Array) -> float:
    """Mean reciprocal rank of every positive edge among negatives of its own (ogb's).

    Args:
        pos_score (Tensor or ndarray): ``(P,)`` floating point, finite.
        neg_score (Tensor or ndarray): ``(P, M)`` floating point, finite: for instance hard
            negatives.

    Returns:
        float: In (0, 1]; with ties, the mean of the best and the worst rank counts.

    Raises:
        TypeError, ValueError: If a score is malformed or the lengths differ.
    """
    positive = _check_scores(pos_score, "pos_score", 1)
    given = from_array(neg_score, "neg_score")
    negative = check_matrix(given, "neg_score", rows=positive.numel())
    if negative.size(1) == 0:
        raise ValueError("neg_score must hold at least one negative per positive, got none")
    scores = {"y_pred_pos": positive.detach(), "y_pred_neg": negative.detach()}
    ranks = _evaluator("ogbl-citation2").eval(scores)["mrr_list"]
    return float(ranks.double().mean())


def _evaluator(name: str) -> Any:
    from ogb.linkproppred import Evaluator

    return Evaluator(name=name)


def _check_scores(given: Array, name: str, minimum: int) -> Tensor:
    score = check_tensor(from_array(given, name), name)
    if not score.is_floating_point() or score.dim() != 1:
        raise ValueError(f"{name} must be 1-D floating point, got {tuple(score.shape)}")
    if score.numel() < minimum:
        raise ValueError(f"{name} must hold at least {minimum} scores, got {score.numel()}")
    check_finite(score, name)
    return score
