"""Losses of questions that have several right entities among many."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from graphlab._checks import (
    check_choice,
    check_finite,
    check_matrix,
    check_nonnegative,
    check_real_dtype,
)

__all__ = ["adversarial_bce", "listwise_cross_entropy"]

Reduction = Literal["mean", "none"]

_SMALL = 1e-5


def adversarial_bce(
    logits: Tensor,
    target: Tensor,
    *,
    temperature: float = 0.2,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Binary cross entropy in which wrong entities count the more, the higher they score.

    Right entities share the weight 1 evenly; wrong ones share it by
    :math:`\text{softmax}(\text{logit} / \text{temperature})`, through which no gradient flows.

    Args:
        logits (Tensor): Scores of the entities ``(B, N)``, floating point.
        target (Tensor): ``(B, N)``; above .5 for the right ones.
        temperature (float): Divides the logits; 0 gives all wrong entities one weight.
        reduction (str): ``"mean"`` over the questions, or ``"none"``.

    Returns:
        Tensor: A scalar, or ``(B,)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: Sun et al., "RotatE", ICLR 2019, for the weights; Luo et al., "GFM-RAG", 2025.

    Example:
        >>> adversarial_bce(torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]]))
        tensor(0.4088)
    """
    logits, target = _checked(logits, target, reduction)
    check_nonnegative(temperature, "temperature")
    positive = target > 0.5
    with torch.no_grad():
        share = positive.to(logits.dtype)
        share = share / share.sum(-1, keepdim=True).clamp(min=1)
        hardness = logits / temperature if temperature > 0 else torch.zeros_like(logits)
        wrong = torch.softmax(hardness.masked_fill(positive, -torch.inf), dim=-1)
        # A question to which everything is an answer has no wrong one.
        weight = torch.where(positive, share, wrong.nan_to_num())
    terms = functional.binary_cross_entropy_with_logits(
        logits, positive.to(logits.dtype), reduction="none"
    )
    return _reduced((terms * weight).sum(-1) / weight.sum(-1), reduction)


def listwise_cross_entropy(
    logits: Tensor, target: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    r"""Cross entropy of the right entities, with probabilities that the others share.

    .. math:: -\frac{1}{|P|} \sum_{i \in P} \log\left(
        \frac{\sigma(x_i)}{\sum_j \sigma(x_j) + \epsilon} + \epsilon\right), \quad
        \epsilon = 10^{-5}

    Args:
        logits (Tensor): Scores of the entities ``(B, N)``, floating point.
        target (Tensor): ``(B, N)``; 1 for the right ones, 0 for others.
        reduction (str): ``"mean"`` over the questions that have an answer, or ``"none"`` (0 for
            those without).

    Returns:
        Tensor: A scalar, or ``(B,)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: Luo et al., "GFM-RAG", 2025.

    Example:
        >>> listwise_cross_entropy(torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]]))
        tensor(0.2665)
    """
    logits, target = _checked(logits, target, reduction)
    target = target.to(logits.dtype)
    share = torch.sigmoid(logits)
    share = share / (share.sum(-1, keepdim=True) + _SMALL)
    count = target.sum(-1)
    loss = -(torch.log(share + _SMALL) * target).sum(-1) / torch.where(count == 0, 1.0, count)
    if reduction == "none":
        return loss
    return loss.sum() / (count != 0).sum().clamp(min=1)


def _checked(logits: Tensor, target: Tensor, reduction: Reduction) -> tuple[Tensor, Tensor]:
    logits = check_matrix(logits, "logits")
    shape = logits.shape
    if not isinstance(target, Tensor):
        raise TypeError(f"target must be a torch.Tensor, got {type(target).__name__}")
    if target.shape != shape:
        raise ValueError(f"target must have shape {tuple(shape)}, got {tuple(target.shape)}")
    check_real_dtype(target, "target")
    check_finite(target, "target")
    check_choice(reduction, "reduction", ("mean", "none"))
    return logits, target


def _reduced(loss: Tensor, reduction: Reduction) -> Tensor:
    return loss.mean() if reduction == "mean" else loss
