"""Sums by index whose order, and so whose bits, are fixed."""

from __future__ import annotations

import torch
from torch import Tensor

__all__: list[str] = []


def sum_by(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Deterministic sums of float64 values by index."""
    zero = values.new_zeros(size)
    if values.device.type == "cpu":
        return zero.index_add(0, index, values)  # one after the other
    order = torch.argsort(index, stable=True)
    lengths = torch.bincount(index, minlength=size)
    return torch.segment_reduce(values[order], "sum", lengths=lengths, unsafe=True, initial=0.0)
