"""One prediction out of several classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_list,
    check_matrix,
    check_nonnegative,
    check_same_device,
)

__all__ = ["ensemble_logits"]

REDUCTIONS = ("logits", "probs", "rank")


def ensemble_logits(
    logits_list: Sequence[Tensor],
    reduce: Literal["logits", "probs", "rank"] = "logits",
    weights: Sequence[float] | None = None,
) -> Tensor:
    r"""Average classifiers.

    TAPE averages raw logits, so a member with larger logits counts for more. ``"probs"`` averages
    softmax probabilities instead, ``"rank"`` the ranks that members give to classes: 1 for the
    best, 0 for the worst, ties in the middle, whatever their scale.

    Args:
        logits_list (Sequence[Tensor]): Logits of every member, each ``(N, C)``.
        reduce (str): ``"logits"``, ``"probs"`` or ``"rank"``.
        weights (Sequence[float], optional): Weight of every member, not negative; they are divided
            by their sum. Equal by default.

    Returns:
        Tensor: ``(N, C)``; the largest column is the prediction. Rows of ``"probs"`` sum to one.

    Raises:
        ValueError: If there is no member, shapes differ, a value is not finite, or weights do not
            fit.
        TypeError: If a member is no floating-point matrix.

    Complexity: O(M N C) for M members, with a factor log C for ``"rank"``.

    Example:
        >>> ensemble_logits([torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0]])])
        tensor([[1.0000, 0.5000]])
    """
    check_choice(reduce, "reduce", REDUCTIONS)
    members = check_list(logits_list, "logits_list", "logits")
    if not members:
        raise ValueError("logits_list must hold at least one member, got none")
    for i, member in enumerate(members):
        check_matrix(member, f"logits_list[{i}]")
        if member.shape != members[0].shape:
            raise ValueError(
                "logits_list must hold logits of one shape, got "
                f"{[tuple(other.shape) for other in members]}"
            )
    check_same_device(**{f"logits_list[{i}]": member for i, member in enumerate(members)})
    if reduce == "probs":
        members = [member.softmax(1) for member in members]
    elif reduce == "rank":
        members = [_ranks(member) for member in members]
    shares = _shares(weights, len(members))
    if shares is None:
        return torch.stack(members).mean(0)
    terms = (share * member for share, member in zip(shares, members, strict=True))
    return torch.stack(list(terms)).sum(0)


def _shares(weights: Sequence[float] | None, count: int) -> list[float] | None:
    if weights is None:
        return None
    given = check_list(weights, "weights", "numbers")
    values = [check_nonnegative(weight, f"weights[{i}]") for i, weight in enumerate(given)]
    if len(values) != count or not sum(values):
        raise ValueError(
            f"weights must be {count} numbers, one per member and not all zero, got {values}"
        )
    return [value / sum(values) for value in values]


def _ranks(logits: Tensor) -> Tensor:
    """Share of the other classes that are below, with half of those that are equal."""
    # Counting by binary search in the sorted row costs C log C instead of C squared.
    ordered = logits.detach().sort(1).values
    below = torch.searchsorted(ordered, logits.detach().contiguous())
    not_above = torch.searchsorted(ordered, logits.detach().contiguous(), right=True)
    # Ties share the mean of their ranks, so that the order of the columns does not matter.
    middle = (below + not_above - 1).to(logits.dtype) / 2
    return middle / max(1, logits.size(1) - 1)
