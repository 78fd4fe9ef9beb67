"""Equal rows of a matrix, found once, so that what is computed of them is equal bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor

#: Odd factors of a hash, one for every place of a row in turn: rows of equal hashes are compared.
_FACTORS = (-7046029254386353131, -4417276706812531889, 1609587929392839161, -8796714831421723037)
_CHUNK = 1 << 20  # numbers that are hashed or compared at a time


def distinct_rows(y: Tensor) -> tuple[Tensor, Tensor | None]:
    """The different rows of a matrix, and the one that every row is.

    A product of matrices may round equal columns differently, by their places. Multiplied once and
    copied, they tie.

    Args:
        y (Tensor): ``(M, D)`` float32 or float64.

    Returns:
        tuple: Rows ``(U, D)`` and int64 ``(M,)``; ``y`` itself and None where all rows differ.

    Complexity: O(M D + M log M) expected time; O(M) memory where all rows differ.
    """
    first, copy = _groups(y)
    return (y[first], copy) if first.numel() < y.size(0) else (y, None)


def _groups(y: Tensor) -> tuple[Tensor, Tensor]:
    """A row for each group of equal ones, and the group of every row."""
    if y.numel() == 0:
        every = torch.arange(y.size(0), device=y.device)
        return every[: min(1, y.size(0))], torch.zeros_like(every)
    parts = y.split(max(1, _CHUNK // y.size(1)))
    _, group = torch.cat([_hashes(part) for part in parts]).unique(return_inverse=True)
    first = _any_member(group)
    alike = (
        torch.equal(y[first[names]], part)
        for names, part in zip(group.split(parts[0].size(0)), parts, strict=True)
    )
    if not all(alike):  # different rows, one hash
        _, group = (y + 0.0).unique(dim=0, return_inverse=True)
        first = _any_member(group)
    return first, group


def _hashes(y: Tensor) -> Tensor:
    """A hash of every row."""
    bits = (y + 0.0).contiguous()  # the sum turns -0.0, which equals 0.0, into it
    bits = bits.view(torch.int64 if bits.dtype == torch.float64 else torch.int32).long()
    place = torch.arange(y.size(1), device=y.device)
    factor = torch.tensor(_FACTORS, device=y.device)[place % len(_FACTORS)] + 2 * place
    mixed = (bits ^ (bits >> 15)) * factor
    return (mixed ^ (mixed >> 29)).sum(1)


def _any_member(group: Tensor) -> Tensor:
    """The last member of every group."""
    first = torch.zeros(int(group.max()) + 1, dtype=torch.int64, device=group.device)
    every = torch.arange(group.numel(), device=group.device)
    return first.scatter_reduce(0, group, every, "amax")
