"""Columns brought to mean 0 and deviation 1, with the same bits whatever else is computed."""

from __future__ import annotations

import torch
from torch import Tensor

__all__: list[str] = []

#: Columns and rows that are reduced together: fixed shapes give fixed sums.
_COLUMNS = 16
_ROWS = 1 << 16


def standardize_columns(x: Tensor) -> Tensor:
    """Give every column mean 0 and population deviation 1, in place; constant ones become 0.

    Columns are reduced 16 at a time over fixed ranges of rows: their bits do not depend on the
    number of the other columns.
    """
    for lo in range(0, x.size(1), _COLUMNS):
        part = x[:, lo : lo + _COLUMNS]
        mean = _column_sums(part, None) / max(1, x.size(0))
        deviation = (_column_sums(part, mean) / max(1, x.size(0))).sqrt()
        # The mean of equal values may be off by a rounding, which is no deviation.
        equal = (part == part[:1]).all(0)
        deviation[: part.size(1)][equal] = 0
        mean[: part.size(1)][equal] = part[:1, equal].double().sum(0)
        scale = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
        for begin in range(0, x.size(0), _ROWS):
            rows = part[begin : begin + _ROWS]
            rows.copy_((rows.double() - mean[: part.size(1)]) / scale[: part.size(1)])
    return x


def _column_sums(part: Tensor, mean: Tensor | None) -> Tensor:
    """Sums of the columns, or of their squared distances from ``mean``; padded to 16."""
    total = part.new_zeros(_COLUMNS, dtype=torch.float64)
    for begin in range(0, part.size(0), _ROWS):
        rows = part[begin : begin + _ROWS].double()
        rows = torch.nn.functional.pad(rows, (0, _COLUMNS - part.size(1)))
        total += (rows if mean is None else (rows - mean).square()).sum(0)
    return total
