"""State of an embedding: how many directions it uses, how alike and how spread its rows are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import check_matrix, check_pair
from graphlab.ops import self_logsumexp, unit_rows

__all__ = ["EmbeddingDiagnosis", "diagnose_embedding"]


@dataclass(frozen=True)
class EmbeddingDiagnosis:
    r"""Numbers that show a collapse of a contrastive training before any label does.

    Attributes:
        effective_rank (float): Exponential of the entropy of the singular values, in [1, D]; near
            one all rows are multiples of one vector.
        mean_cosine (float): Mean cosine of two different rows, near one for a collapse.
        uniformity (float): Logarithm of the mean of :math:`e^{-2 \lVert u_i - u_j \rVert^2}` over
            pairs of different unit rows; 0 for a collapse, lower is more even.
        alignment (float): Mean squared distance of the unit rows of a node in both views, in
            [0, 4]; NaN where no views were given.
    """

    effective_rank: float
    mean_cosine: float
    uniformity: float
    alignment: float


def diagnose_embedding(z: Tensor, views: tuple[Tensor, Tensor] | None = None) -> EmbeddingDiagnosis:
    r"""Effective rank, mean cosine, uniformity and alignment of an embedding.

    A healthy training lowers alignment and uniformity together; where alignment falls while
    uniformity rises to zero and the effective rank to one, the rows have become the same.

    Args:
        z (Tensor): Embeddings ``(N, D)``, floating point, finite, at least two rows.
        views (pair, optional): Embeddings of two views of the same nodes, ``(N, D)`` each.

    Returns:
        EmbeddingDiagnosis: The four numbers.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N^2 D) time without storing pairs, O(N D^2) for the singular values.

    Reference: Roy and Vetterli, "The effective rank", EUSIPCO 2007; Wang and Isola, "Understanding
    Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
    ICML 2020.

    Example:
        >>> state = diagnose_embedding(torch.eye(4))
        >>> round(state.effective_rank, 3), state.mean_cosine
        (4.0, 0.0)
    """
    z = check_matrix(z, "z").detach().double()
    count = z.size(0)
    if count < 2:
        raise ValueError(f"z must have at least 2 rows, got {count}")
    share = torch.linalg.svdvals(z)
    share = share / share.sum().clamp(min=torch.finfo(z.dtype).tiny)
    entropy = -(share * share.clamp(min=torch.finfo(z.dtype).tiny).log()).sum()
    rows = unit_rows(z)
    pairs = count * (count - 1)
    cosine = (rows.sum(0).square().sum() - rows.square().sum()) / pairs
    # exp(-2 |u - v|^2) = exp(4 cos - 4), so that the sum over pairs needs no pair.
    spread = torch.logsumexp(self_logsumexp(rows, scale=4.0), 0) - 4.0 - math.log(pairs)
    alignment = math.nan
    if views is not None:
        one, two = check_pair(*views, names=("views[0]", "views[1]"))
        distance = unit_rows(one.detach().double()) - unit_rows(two.detach().double())
        alignment = float(distance.square().sum(1).mean())
    return EmbeddingDiagnosis(float(entropy.exp()), float(cosine), float(spread), alignment)
