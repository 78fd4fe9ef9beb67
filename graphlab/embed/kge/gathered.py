"""A table and some of its rows, whose gradients meet in one matrix."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []


class _TableAndRows(torch.autograd.Function):
    """The table itself and rows of it.

    The gradient of ``table[index]`` is a matrix as large as the table; with a table of 10^4 rows
    and a batch of 100 triples, filling and adding such matrices takes longer than the loss.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(index)
        return table.view_as(table), table.index_select(0, index)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (index,) = ctx.saved_tensors
        if index.is_cuda:  # index_add adds in any order there
            return grads[0].index_put((index,), grads[1], accumulate=True), None
        return grads[0].index_add(0, index, grads[1]), None


def table_and_rows(table: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """A table ``(N, D)`` and its rows ``(B, D)``, to be used together in one loss."""
    table, rows = _TableAndRows.apply(table, index)  # type: ignore[no-untyped-call]
    return table, rows
