"""Columns brought to mean 0 and deviation 1, with the same bits whatever else is computed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__: list[str] = []

#: Rows that are reduced together, by halves onto halves: additions of whole rows, whose bits depend
#: neither on the number of columns nor on that of threads. A block stays in the cache.
_ROWS = 1 << 10


def standardize_columns(x: Tensor) -> Tensor:
    """Give every column mean 0 and population deviation 1, in place; constant ones become 0."""
    if x.numel() == 0:
        return x
    block = x.new_empty((_ROWS, x.size(1)), dtype=torch.float64)
    mean = _column_sums(x, None, block) / x.size(0)
    deviation = (_column_sums(x, mean, block) / x.size(0)).sqrt()
    # The mean of equal values may be off by a rounding, which is no deviation.
    equal = _equal_columns(x)
    deviation[equal] = 0
    mean[equal] = x[0, equal].double()
    scale = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    for rows in _blocks(x):
        rows.copy_(block[: rows.size(0)].copy_(rows).sub_(mean).div_(scale))
    return x


def _blocks(x: Tensor) -> Iterator[Tensor]:
    for begin in range(0, x.size(0), _ROWS):
        yield x[begin : begin + _ROWS]


def _column_sums(x: Tensor, mean: Tensor | None, block: Tensor) -> Tensor:
    """Sums of the columns, or of their squared distances from ``mean``, float64."""
    total = block.new_zeros(x.size(1))
    for rows in _blocks(x):
        part = block[: rows.size(0)].copy_(rows)
        if mean is not None:
            part.sub_(mean).square_()
        block[rows.size(0) :] = 0
        half = _ROWS // 2
        while half:
            block[:half].add_(block[half : 2 * half])
            half //= 2
        total += block[0]
    return total


def _equal_columns(x: Tensor) -> Tensor:
    """Columns of one value; a few rows tell for most of them that they are none."""
    equal = torch.ones(x.size(1), dtype=torch.bool, device=x.device)
    for rows in _blocks(x):
        left = equal.nonzero().squeeze(1)
        if left.numel() == 0:
            break
        equal[left] = (rows[:, left] == x[0, left]).all(0)
    return equal
