"""Losses of queries (head, relation) over all entities, or over a drawn few.

Every loss takes both sides of the product; none stores the matrix of all scores.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import torch
from torch import Tensor
from torch.nn.functional import softplus

from graphlab.ops import pairwise_logsumexp, pairwise_softplus

__all__: list[str] = []

LossKind: TypeAlias = Literal["softmax", "bce", "bce_all", "sampled"]


def row_products(query: Tensor, entity: Tensor) -> Tensor:
    """Scores of pairs of rows, ``(B,)``."""
    return (query * entity).sum(1)


def softmax_loss(query: Tensor, entity: Tensor, true: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of the true tail among all entities, a mean over the queries.

    Args:
        query (Tensor): ``(B, D)``.
        entity (Tensor): ``(N, D)``.
        true (Tensor): Rows of ``entity`` of the true tails, ``(B, D)``.
        smoothing (float): Share of the label that goes to all entities.
    """
    normaliser = cast(Tensor, pairwise_logsumexp(query, entity))  # columns were not asked for
    wanted = row_products(query, true)
    return (normaliser - _smoothed(wanted, query, entity, smoothing)).mean()


def softmax_without_known(
    query: Tensor,
    entity: Tensor,
    true: Tensor,
    known: tuple[Tensor, Tensor, Tensor],
    smoothing: float,
) -> Tensor:
    """Cross-entropy where the other known tails of a query are no negatives; stores all scores.

    Args:
        query (Tensor): ``(B, D)``.
        entity (Tensor): ``(N, D)``.
        true (Tensor): Rows of ``entity`` of the true tails, ``(B, D)``.
        known (tuple): Query and entity of each known tail, and the true tails ``(B,)``.
        smoothing (float): Share of the label that goes to all entities.
    """
    score = query @ entity.t()
    row, column, tail = known
    other = column != tail[row]
    score = score.index_put((row[other], column[other]), score.new_tensor(-torch.inf))
    wanted = row_products(query, true)
    return (score.logsumexp(dim=1) - _smoothed(wanted, query, entity, smoothing)).mean()


def bce_loss(query: Tensor, entity: Tensor, true: Tensor, smoothing: float) -> Tensor:
    """One binary cross-entropy per entity, of which the true tail is positive.

    The sum over the entities, a mean over the queries; arguments as of :func:`softmax_loss`.
    """
    wanted = row_products(query, true)
    over_all = pairwise_softplus(query, entity)
    return (over_all - _smoothed(wanted, query, entity, smoothing)).mean()


def bce_all_loss(
    query: Tensor, entity: Tensor, row: Tensor, true: Tensor, smoothing: float
) -> Tensor:
    """One binary cross-entropy per entity, of which all known tails are positive.

    Args:
        query (Tensor): One row for each distinct query, ``(B, D)``.
        entity (Tensor): ``(N, D)``.
        row (Tensor): Row of the query of each known tail, ``(P,)``.
        true (Tensor): Rows of ``entity`` of the known tails, ``(P, D)``.
        smoothing (float): Share of a label that goes to all entities.
    """
    score = row_products(query[row], true)
    wanted = query.new_zeros(query.size(0)).index_add(0, row, score)
    over_all = pairwise_softplus(query, entity)
    return (over_all - _smoothed(wanted, query, entity, smoothing)).mean()


def _smoothed(wanted: Tensor, query: Tensor, entity: Tensor, smoothing: float) -> Tensor:
    """Scores weighted by the labels, of which a share is spread over all entities."""
    if not smoothing:
        return wanted
    return (1 - smoothing) * wanted + smoothing * (query @ entity.mean(0))


def sampled_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy of true scores ``(B,)`` and of drawn ones ``(B, K)``, equal weights."""
    return (softplus(-positive) + softplus(negative).mean(1)).mean()
