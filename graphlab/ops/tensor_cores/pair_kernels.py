"""Log-sums over pairs of rows and their gradient, as kernels for Triton.

A program owns a tile of rows of ``a`` and walks over the rows of ``b``, ``COLUMNS`` at a time; no
matrix of pairs is stored. Rows are read in chunks of ``WIDTH`` of their ``dim`` numbers. Names in
capitals are constants of a compilation: ``DIAGONAL`` is 0 (keep), 1 (exclude) or 2 (logit zero),
``PRODUCT`` says how float32 is multiplied, and with ``HALF`` factors are rounded to bfloat16.
Places in memory count in 64 bits.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from graphlab.ops.tensor_cores.translation import translate

if TYPE_CHECKING:
    import triton.language as tl
else:
    tl = None  # until the kernels are translated

__all__: list[str] = []


@cache
def kernels() -> tuple[Any, Any]:
    """The kernels of the log-sums and of their gradient."""
    parts = (read_tile, logits_of, row_shares, column_shares)
    return translate(globals(), *parts, logsum_kernel, gradient_kernel)[-2:]


def read_tile(
    table: tl.tensor,
    row: tl.tensor,
    rows: tl.tensor,
    first: tl.tensor,
    dim: tl.tensor,
    WIDTH: tl.constexpr,
    HALF: tl.constexpr,
) -> tl.tensor:
    """``WIDTH`` numbers from ``first`` on of some rows; zeros beyond the ends."""
    at = first + tl.arange(0, WIDTH)
    place = row.to(tl.int64)[:, None] * dim + at[None, :]
    held = (row[:, None] < rows) & (at[None, :] < dim)
    values = tl.load(table + place, mask=held, other=0.0)
    if HALF:
        values = values.to(tl.bfloat16)
    return values


def logits_of(
    a: tl.tensor,
    b: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    dim: tl.tensor,
    scale: tl.tensor,
    PRODUCT: tl.constexpr,
    HALF: tl.constexpr,
    CHUNKS: tl.constexpr,
    WIDTH: tl.constexpr,
) -> tl.tensor:
    """``scale <a_i, b_j>`` of a tile of rows and columns, chunk by chunk."""
    left = read_tile(a, row, n, 0, dim, WIDTH, HALF)
    right = read_tile(b, column, m, 0, dim, WIDTH, HALF)
    product = tl.dot(left, tl.trans(right), input_precision=PRODUCT)
    if CHUNKS > 1:
        for first in range(WIDTH, dim, WIDTH):
            left = read_tile(a, row, n, first, dim, WIDTH, HALF)
            right = read_tile(b, column, m, first, dim, WIDTH, HALF)
            product = tl.dot(left, tl.trans(right), product, input_precision=PRODUCT)
    return scale * product


def logsum_kernel(
    a: tl.tensor,
    b: tl.tensor,
    b_weight: tl.tensor,
    out: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    dim: tl.tensor,
    scale: tl.tensor,
    DIAGONAL: tl.constexpr,
    WEIGHTED: tl.constexpr,
    PRODUCT: tl.constexpr,
    HALF: tl.constexpr,
    CHUNKS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """``log sum_j v_j exp(scale <a_i, b_j>)`` by a running maximum and a float64 sum."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    top = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float64)
    for start in range(0, m, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        logit = logits_of(a, b, row, column, n, m, dim, scale, PRODUCT, HALF, CHUNKS, WIDTH)
        if DIAGONAL == 1:
            logit = tl.where(row[:, None] == column[None, :], float("-inf"), logit)
        if DIAGONAL == 2:
            logit = tl.where(row[:, None] == column[None, :], 0.0, logit)
        if WEIGHTED:
            logit += tl.log(tl.load(b_weight + column, mask=column < m, other=1.0))[None, :]
        logit = tl.where(column[None, :] < m, logit, float("-inf"))
        higher = tl.maximum(top, tl.max(logit, 1))
        # An infinite maximum is no base: with zero, sums of nothing and of infinity come out.
        base = tl.where(tl.abs(higher) == float("inf"), 0.0, higher)
        sums = tl.sum(tl.exp(logit - base[:, None]), 1)
        total = total * tl.exp(top - base) + sums
        top = tl.where(tl.abs(higher) == float("inf"), higher, base)
    base = tl.where(tl.abs(top) == float("inf"), 0.0, top)
    tl.store(out + row, base + tl.log(total).to(tl.float32), mask=row < n)


def row_shares(
    logit: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    grad: tl.tensor,
    lse: tl.tensor,
    weight: tl.tensor,
    WEIGHTED: tl.constexpr,
) -> tl.tensor:
    """Gradients of the rows' log-sums times the share of every pair; sums of nothing have none."""
    own = tl.load(lse + row, mask=row < n, other=0.0)[:, None]
    share = tl.where(own == float("-inf"), 0.0, tl.exp(logit - own))
    if WEIGHTED:
        share *= tl.load(weight + column, mask=column < m, other=0.0)[None, :]
    return tl.load(grad + row, mask=row < n, other=0.0)[:, None] * share


def column_shares(
    logit: tl.tensor,
    row: tl.tensor,
    column: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    grad: tl.tensor,
    lse: tl.tensor,
    weight: tl.tensor,
    WEIGHTED: tl.constexpr,
) -> tl.tensor:
    """The same of the columns' log-sums."""
    # Its own function: one for both sides, with places of two dimensions, takes more registers
    # than there are for rows of 128 numbers.
    own = tl.load(lse + column, mask=column < m, other=0.0)[None, :]
    share = tl.where(own == float("-inf"), 0.0, tl.exp(logit - own))
    if WEIGHTED:
        share *= tl.load(weight + row, mask=row < n, other=0.0)[:, None]
    return tl.load(grad + column, mask=column < m, other=0.0)[None, :] * share


def gradient_kernel(
    a: tl.tensor,
    b: tl.tensor,
    row_grad: tl.tensor,
    row_lse: tl.tensor,
    b_weight: tl.tensor,
    col_grad: tl.tensor,
    col_lse: tl.tensor,
    a_weight: tl.tensor,
    out: tl.tensor,
    n: tl.tensor,
    m: tl.tensor,
    dim: tl.tensor,
    scale: tl.tensor,
    DIAGONAL: tl.constexpr,
    HAS_ROWS: tl.constexpr,
    ROWS_WEIGHTED: tl.constexpr,
    HAS_COLUMNS: tl.constexpr,
    COLUMNS_WEIGHTED: tl.constexpr,
    PRODUCT: tl.constexpr,
    HALF: tl.constexpr,
    CHUNKS: tl.constexpr,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    PANEL: tl.constexpr,
) -> None:
    """Gradient to ``a``, ``PANEL`` of its numbers: shares of pairs times the rows of ``b``."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    panel = tl.program_id(1) * PANEL
    sums = tl.zeros([ROWS, PANEL], tl.float32)
    for start in range(0, m, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        logit = logits_of(a, b, row, column, n, m, dim, scale, PRODUCT, HALF, CHUNKS, WIDTH)
        share = tl.zeros([ROWS, COLUMNS], tl.float32)
        if HAS_ROWS:
            share += row_shares(
                logit, row, column, n, m, row_grad, row_lse, b_weight, ROWS_WEIGHTED
            )
        if HAS_COLUMNS:
            share += column_shares(
                logit, row, column, n, m, col_grad, col_lse, a_weight, COLUMNS_WEIGHTED
            )
        share = tl.where(column[None, :] < m, share, 0.0)
        if DIAGONAL != 0:
            share = tl.where(row[:, None] == column[None, :], 0.0, share)
        right = read_tile(b, column, m, panel, dim, PANEL, HALF)
        if HALF:
            sums += tl.dot(share.to(tl.bfloat16), right)
        else:
            sums = tl.dot(share, right, sums, input_precision=PRODUCT)
    at = panel + tl.arange(0, PANEL)
    place = row.to(tl.int64)[:, None] * dim + at[None, :]
    tl.store(out + place, scale * sums, mask=(row[:, None] < n) & (at[None, :] < dim))
