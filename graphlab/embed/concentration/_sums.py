"""Sums whose order, and so whose bits, are fixed: of values by index, and of walks by node."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from graphlab.ops import CSRGraph, propagate_merge

__all__: list[str] = []


def sum_by(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Deterministic sums of float64 values by index."""
    zero = values.new_zeros(size)
    if values.device.type == "cpu":
        return zero.index_add(0, index, values)  # one after the other
    order = torch.argsort(index, stable=True)
    lengths = torch.bincount(index, minlength=size)
    return torch.segment_reduce(values[order], "sum", lengths=lengths, unsafe=True, initial=0.0)


def walk_mass(graph: CSRGraph, factors: Sequence[float]) -> Tensor:
    """Row sums of ``sum_k a_k A^k`` for k = 1, 2, ..., ``(N,)`` float64."""
    # Numbers of walks grow like powers of the degree: single precision would lose them.
    ones = torch.ones(graph.num_nodes, 1, dtype=torch.float64, device=graph.device)
    return propagate_merge(ones, graph, coefficients=[0.0, *factors])[:, 0]
