"""What a loss returns of its terms: their mean, their sum, or all of them."""

from __future__ import annotations

from typing import Any, Literal, get_args

from torch import Tensor

from graphlab._checks import check_choice

__all__ = ["Reduction", "check_reduction", "reduced"]

#: As in the losses of torch: the mean and the sum are those of what ``"none"`` returns.
Reduction = Literal["mean", "sum", "none"]


def check_reduction(value: Any) -> Reduction:
    """Require a way to reduce terms."""
    check_choice(value, "reduction", get_args(Reduction))
    reduction: Reduction = value
    return reduction


def reduced(terms: Tensor, reduction: Reduction) -> Tensor:
    """The mean, the sum or all of the terms."""
    if reduction == "none":
        return terms
    return terms.mean() if reduction == "mean" else terms.sum()
