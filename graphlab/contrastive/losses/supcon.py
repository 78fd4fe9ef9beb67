"""Supervised contrast: every view of a class attracts all other views of that class."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_finite, check_positive, check_tensor, values_visible
from graphlab._precision import widened
from graphlab.contrastive.losses._reduction import Reduction, check_reduction
from graphlab.ops import cluster_sum, self_logsumexp

__all__ = ["supcon_loss"]


def supcon_loss(
    features: Tensor,
    labels: Tensor,
    temperature: float = 0.07,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Supervised contrastive loss over all views, in memory linear in the views.

    .. math:: L = \frac1M \sum_a \Big[\log \sum_{b \ne a} e^{\langle f_a, f_b \rangle / T}
        - \frac1{|P(a)|} \sum_{p \in P(a)} \langle f_a, f_p \rangle / T\Big]

    over the M = B V views; P(a) are the other views with the label of a. Anchors without a positive
    are left out of the mean (the authors' code divides zero by zero there).

    Args:
        features (Tensor): ``(B, V, D)`` floating point; rows should be unit vectors, they are not
            normalised here.
        labels (Tensor): Integers ``(B,)``, any values.
        temperature (float): Positive T.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the views, which are
            zero where an anchor has no positive; the mean runs over the others.

    Returns:
        Tensor: A scalar, ``(B, V)`` with ``reduction="none"``; half precision is computed in
        float32.

    Raises:
        TypeError, ValueError: If an argument is malformed, or no anchor has a positive.

    Complexity: O(M² D) time, O(M D) memory.

    Reference: Khosla et al., "Supervised contrastive learning", NeurIPS 2020.

    Example:
        >>> views = torch.eye(2).repeat_interleave(2, 0).view(2, 2, 2)
        >>> round(float(supcon_loss(views, torch.tensor([0, 1]), temperature=1.0)), 4)
        0.5514
    """
    _check_views(features, labels)
    temperature = check_positive(temperature, "temperature")
    check_reduction(reduction)
    views = features.size(1)
    x = widened(features.reshape(-1, features.size(2)))
    unique, label = labels.unique(return_inverse=True)
    label = label.repeat_interleave(views)
    positives = torch.bincount(label, minlength=unique.numel())[label] - 1
    anchors = positives > 0
    if values_visible(anchors) and not bool(anchors.any()):
        raise ValueError("labels must give at least one anchor a positive, got all different")
    # The sum over the positives of an anchor is that of its class without itself: O(M D).
    others = cluster_sum(x, label, unique.numel())[label] - x
    mean = (x * others).sum(1) / positives.clamp(min=1) / temperature
    # Anchors without a positive have terms too; they are left out of the mean below.
    terms = self_logsumexp(x, scale=1 / temperature, diagonal="exclude") - mean
    terms = terms * anchors
    if reduction == "none":
        return terms.view(-1, views)
    return terms.sum() / anchors.sum() if reduction == "mean" else terms.sum()


def _check_views(features: Tensor, labels: Tensor) -> None:
    if not check_tensor(features, "features").is_floating_point():
        raise TypeError(f"features must be floating point, got dtype {features.dtype}")
    if features.dim() != 3 or features.numel() == 0:
        raise ValueError(f"features must have shape (B, V, D), got {tuple(features.shape)}")
    if check_tensor(labels, "labels").is_floating_point() or labels.shape != features.shape[:1]:
        raise ValueError(
            f"labels must be integers of shape ({features.size(0)},), "
            f"got {labels.dtype} {tuple(labels.shape)}"
        )
    if values_visible(features):
        check_finite(features.reshape(-1), "features")
