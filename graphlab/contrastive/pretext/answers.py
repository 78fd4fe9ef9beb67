"""From hidden states to the errors of answers."""

from __future__ import annotations

from torch import Tensor

__all__ = ["difference", "hidden_count", "masked_squared_error"]


def difference(h: Tensor, pairs: Tensor) -> Tensor:
    """What a head sees of pairs of nodes, ``|h_i - h_j|``: symmetric in the two.

    Args:
        h (Tensor): ``(N, D)``.
        pairs (Tensor): ``(2, P)``.

    Returns:
        Tensor: ``(P, D)``.
    """
    return (h.index_select(0, pairs[0]) - h.index_select(0, pairs[1])).abs()


def masked_squared_error(found: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error over the rows of a mask, which may be empty: then zero, with a gradient.

    Args:
        found (Tensor): ``(N, K)``.
        target (Tensor): ``(N, K)``.
        mask (Tensor): bool ``(N,)``.
    """
    error = (found - target.to(found.dtype)).square().mean(1)
    return (error * mask).sum() / mask.sum().clamp(min=1)


def hidden_count(rate: float, size: int, what: str) -> int:
    """How many of ``size`` things a rate hides; at least one."""
    count = int(rate * size)
    if count < 1:
        raise ValueError(f"rate must hide at least one of the {size} {what}, got {rate}")
    return count
