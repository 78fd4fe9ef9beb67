"""Sums of rows of several small tables, looked up by integers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab._autograd import refuse_transforms
from graphlab.ops.csr import SparseRows, row_pointers
from graphlab.ops.propagation import propagate

__all__ = ["sum_of_rows"]


def sum_of_rows(tables: Tensor, ids: Tensor) -> Tensor:
    r"""Sum :math:`\sum_j T_{j, p_{ij}}` of one row of every table, for checked arguments.

    Args:
        tables (Tensor): T, floating point ``(k, C, D)``.
        ids (Tensor): p, int64 ``(N, k)`` in ``[0, C)``.

    Returns:
        Tensor: ``(N, D)``. The gradient flows to ``tables``.

    Complexity: O(N k D) time, forward and backward; no temporaries of that size.
    """
    refuse_transforms("sum_of_rows")
    out: Tensor = _SumOfRows.apply(tables, ids)  # type: ignore[no-untyped-call]
    return out


class _SumOfRows(torch.autograd.Function):
    """Lookup with a row sum for its backward: that of torch is several times slower."""

    @staticmethod
    def forward(ctx: Any, tables: Tensor, ids: Tensor) -> Tensor:
        ctx.save_for_backward(ids)
        k, ctx.rows, width = tables.shape
        first = torch.arange(k, device=ids.device) * ctx.rows
        return F.embedding_bag(ids + first, tables.reshape(k * ctx.rows, width), mode="sum")

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (ids,) = ctx.saved_tensors
        parts = []
        for column in ids.t():
            # Narrow keys sort by counting.
            key = column.to(torch.int16) if ctx.rows < 2**15 else column
            value, order = torch.sort(key, stable=True)
            rows = SparseRows(row_pointers(value, ctx.rows), order.int(), num_cols=grad.size(0))
            parts.append(propagate(grad.contiguous(), rows))
        return torch.stack(parts), None
