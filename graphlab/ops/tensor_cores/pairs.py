"""Log-sum-exp over pairs on the tensor cores of a GPU.

The products of the CUDA kernels run on float32 multipliers. Here they run on tensor cores: as three
products in TF32, whose error is that of float32, or as one in TF32 or bfloat16. As in the kernels
no matrix of pairs is stored, and the backward pass computes the logits again.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from torch import Tensor

from graphlab._autograd import first_order
from graphlab.ops.tensor_cores.pair_kernels import kernels
from graphlab.ops.tensor_cores.translation import launch, on_gpu

__all__: list[str] = []

#: What the products keep: about 21, 10 or 7 bits of the mantissa.
Precision = Literal["float32", "tf32", "bfloat16"]
_PRODUCT: dict[Precision, str] = {"float32": "tf32x3", "tf32": "tf32", "bfloat16": "tf32"}
#: Columns up to which rows are multiplied here: the gradient computes logits anew per panel.
WIDEST = 512
_Side = tuple[Tensor | None, Tensor | None, Tensor | None]


def usable(*tensors: Tensor) -> bool:
    """Whether rows can be multiplied here: float32 on a GPU, few enough columns, Triton there."""
    if any(t.dtype != torch.float32 or t.size(1) > WIDEST for t in tensors):
        return False
    return on_gpu(*tensors)


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
    precision: Precision,
) -> tuple[Tensor, Tensor]:
    """As :func:`graphlab.ops.reference.pairwise_logsumexp`, with a derivative."""
    options = (scale, diagonal, columns, precision)
    out: tuple[Tensor, Tensor] = _Pairs.apply(x, y, x_weight, y_weight, *options)  # type: ignore[no-untyped-call]
    return out


def self_logsumexp(
    x: Tensor, weight: Tensor | None, scale: float, diagonal: int, precision: Precision
) -> Tensor:
    """As :func:`graphlab.ops.reference.self_logsumexp`, with a derivative."""
    out: Tensor = _Self.apply(x, weight, scale, diagonal, precision)  # type: ignore[no-untyped-call]
    return out


class _Pairs(torch.autograd.Function):
    """Rows and, if wanted, columns."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        y: Tensor,
        x_weight: Tensor | None,
        y_weight: Tensor | None,
        scale: float,
        diagonal: int,
        columns: bool,
        precision: Precision,
    ) -> tuple[Tensor, Tensor]:
        x, y = x.contiguous(), y.contiguous()
        rules = scale, diagonal, precision
        row = logsum(x, y, y_weight, *rules)
        column = logsum(y, x, x_weight, *rules) if columns else x.new_empty(0)
        ctx.save_for_backward(x, y, x_weight, y_weight, row, column)
        ctx.columns, ctx.rules = columns, rules
        return row, column

    @staticmethod
    @first_order
    def backward(ctx: Any, row_grad: Tensor, col_grad: Tensor) -> tuple[Tensor | None, ...]:
        x, y, x_weight, y_weight, row, column = ctx.saved_tensors
        rows: _Side = (row_grad.contiguous(), row, y_weight)
        cols: _Side = (col_grad.contiguous(), column, x_weight)
        cols = cols if ctx.columns else (None, None, None)
        x_wanted, y_wanted = ctx.needs_input_grad[:2]
        grad_x = gradient(x, y, rows, cols, *ctx.rules) if x_wanted else None
        grad_y = gradient(y, x, cols, rows, *ctx.rules) if y_wanted else None
        return grad_x, grad_y, None, None, None, None, None, None


class _Self(torch.autograd.Function):
    """Pairs of rows of one matrix: one backward pass serves the row and the column role."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        scale: float,
        diagonal: int,
        precision: Precision,
    ) -> Tensor:
        x = x.contiguous()
        ctx.rules = scale, diagonal, precision
        row = logsum(x, x, weight, *ctx.rules)
        ctx.save_for_backward(x, weight, row)
        return row

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, row = ctx.saved_tensors
        side: _Side = (grad.contiguous(), row, weight)
        return gradient(x, x, side, side, *ctx.rules), None, None, None, None


def tiles(dim: int, *, backward: bool) -> dict[str, int]:
    """Rows and columns of a tile, numbers of a row that are read at a time, warps.

    Chosen so that no kernel spills on sm_90 for rows that begin at multiples of 64 bytes.
    """
    width = 32 if dim > 128 else max(16, 1 << (dim - 1).bit_length())
    tile = {"WIDTH": width, "CHUNKS": math.ceil(dim / width), "num_warps": 8}
    if backward:  # sums of a tile's gradient stay in registers: fewer columns at a time
        return {"ROWS": 64, "COLUMNS": 32, "PANEL": 128 if dim > 128 else width, **tile}
    side = 64 if 64 < dim <= 128 else 128
    return {"ROWS": side, "COLUMNS": side, **tile}


def logsum(
    a: Tensor,
    b: Tensor,
    b_weight: Tensor | None,
    scale: float,
    diagonal: int,
    precision: Precision,
) -> Tensor:
    """Log-sum-exp of the rows of ``scale a b^T``, ``(N,)``."""
    a, b = widened_rows(a, b)
    out = a.new_empty(a.size(0))
    tile = tiles(a.size(1), backward=False)
    launch(
        kernels()[0],
        (math.ceil(a.size(0) / tile["ROWS"]),),
        *(a, b, a if b_weight is None else b_weight.contiguous(), out),
        *sizes(a, b),
        scale,
        like=a,
        DIAGONAL=diagonal,
        WEIGHTED=b_weight is not None,
        **products(precision),
        **tile,
    )
    return out


def gradient(
    a: Tensor,
    b: Tensor,
    rows: _Side,
    cols: _Side,
    scale: float,
    diagonal: int,
    precision: Precision,
) -> Tensor:
    """Gradient to ``a`` of its rows' and of b's columns' log-sums, ``(N, D)``."""
    dim = a.size(1)
    a, b = widened_rows(a, b)
    out = torch.empty_like(a)
    tile = tiles(a.size(1), backward=True)
    parts = (*rows, *cols)  # gradient, log-sum and weight of either side; `a` where there is none
    launch(
        kernels()[1],
        (math.ceil(a.size(0) / tile["ROWS"]), math.ceil(a.size(1) / tile["PANEL"])),
        *(a, b, *(a if part is None else part.contiguous() for part in parts), out),
        *sizes(a, b),
        scale,
        like=a,
        DIAGONAL=diagonal,
        HAS_ROWS=rows[0] is not None,
        ROWS_WEIGHTED=rows[2] is not None,
        HAS_COLUMNS=cols[0] is not None,
        COLUMNS_WEIGHTED=cols[2] is not None,
        **products(precision),
        **tile,
    )
    return out[:, :dim]


def widened_rows(*tables: Tensor) -> tuple[Tensor, ...]:
    """Tables with columns of zeros up to a multiple of 16, for loads of 16 bytes at a time."""
    missing = -tables[0].size(1) % 16
    if missing == 0:
        return tables
    return tuple(torch.nn.functional.pad(table, (0, missing)) for table in tables)


def sizes(a: Tensor, b: Tensor) -> tuple[int, int, int]:
    """Rows of both sides, and their columns."""
    return a.size(0), b.size(0), a.size(1)


def products(precision: Precision) -> dict[str, Any]:
    """How a kernel multiplies."""
    return {"PRODUCT": _PRODUCT[precision], "HALF": precision == "bfloat16"}
