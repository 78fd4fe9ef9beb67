"""The Triton kernels of :mod:`graphlab.ops.tensor_cores`; Triton is imported when they are made.

A program owns a tile of rows of ``a`` and walks over the rows of ``b``. Rows and columns count in
64 bits where they are multiplied. Names in capitals are constants of a compilation; ``DIAGONAL`` is
0 (keep), 1 (exclude) or 2 (logit zero).
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__: list[str] = []

#: Triton's language, which it looks for among the globals of a kernel.
tl: Any = None


@cache
def kernels() -> tuple[Any, Any]:
    """The kernels of the log-sums and of their gradient."""
    global tl
    import triton
    import triton.language

    tl = triton.language

    @triton.jit  # type: ignore[untyped-decorator]
    def logsum_kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202
        a, b, b_weight, out, n, m, dim, scale,  # noqa: ANN001
        DIAGONAL: tl.constexpr, WEIGHTED: tl.constexpr, PRODUCT: tl.constexpr, HALF: tl.constexpr,
        ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
    ):  # fmt: skip
        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        at = tl.arange(0, WIDTH)
        left = tl.load(
            a + row.to(tl.int64)[:, None] * dim + at[None, :],
            mask=(row[:, None] < n) & (at[None, :] < dim),
            other=0.0,
        )
        if HALF:
            left = left.to(tl.bfloat16)
        top = tl.full([ROWS], float("-inf"), tl.float32)
        total = tl.zeros([ROWS], tl.float64)
        for start in range(0, m, COLUMNS):
            column = start + tl.arange(0, COLUMNS)
            right = tl.load(
                b + column.to(tl.int64)[:, None] * dim + at[None, :],
                mask=(column[:, None] < m) & (at[None, :] < dim),
                other=0.0,
            )
            if HALF:
                right = right.to(tl.bfloat16)
            logit = scale * tl.dot(left, tl.trans(right), input_precision=PRODUCT)
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

    @triton.jit  # type: ignore[untyped-decorator]
    def gradient_kernel(  # type: ignore[no-untyped-def]  # noqa: ANN202
        a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight, out, n, m, dim, scale,  # noqa: ANN001
        DIAGONAL: tl.constexpr, HAS_ROWS: tl.constexpr, ROWS_WEIGHTED: tl.constexpr,
        HAS_COLUMNS: tl.constexpr, COLUMNS_WEIGHTED: tl.constexpr, PRODUCT: tl.constexpr,
        HALF: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
    ):  # fmt: skip
        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        at = tl.arange(0, WIDTH)
        place = row.to(tl.int64)[:, None] * dim + at[None, :]
        held = (row[:, None] < n) & (at[None, :] < dim)
        left = tl.load(a + place, mask=held, other=0.0)
        if HALF:
            left = left.to(tl.bfloat16)
        if HAS_ROWS:
            own_grad = tl.load(row_grad + row, mask=row < n, other=0.0)
            own_lse = tl.load(row_lse + row, mask=row < n, other=0.0)
        if HAS_COLUMNS and COLUMNS_WEIGHTED:
            own_weight = tl.load(a_weight + row, mask=row < n, other=0.0)
        sums = tl.zeros([ROWS, WIDTH], tl.float32)
        for start in range(0, m, COLUMNS):
            column = start + tl.arange(0, COLUMNS)
            there = column < m
            right = tl.load(
                b + column.to(tl.int64)[:, None] * dim + at[None, :],
                mask=there[:, None] & (at[None, :] < dim),
                other=0.0,
            )
            if HALF:
                right = right.to(tl.bfloat16)
            logit = scale * tl.dot(left, tl.trans(right), input_precision=PRODUCT)
            share = tl.zeros([ROWS, COLUMNS], tl.float32)
            if HAS_ROWS:
                # The sum of nothing has no shares.
                none = own_lse[:, None] == float("-inf")
                part = tl.where(none, 0.0, tl.exp(logit - own_lse[:, None]))
                if ROWS_WEIGHTED:
                    part *= tl.load(b_weight + column, mask=there, other=0.0)[None, :]
                share += own_grad[:, None] * part
            if HAS_COLUMNS:
                grad = tl.load(col_grad + column, mask=there, other=0.0)
                lse = tl.load(col_lse + column, mask=there, other=0.0)
                none = lse[None, :] == float("-inf")
                part = tl.where(none, 0.0, tl.exp(logit - lse[None, :]))
                if COLUMNS_WEIGHTED:
                    part *= own_weight[:, None]
                share += grad[None, :] * part
            share = tl.where(there[None, :], share, 0.0)
            if DIAGONAL != 0:
                share = tl.where(row[:, None] == column[None, :], 0.0, share)
            if HALF:
                sums += tl.dot(share.to(tl.bfloat16), right)
            else:
                sums += tl.dot(share, right, input_precision=PRODUCT)
        tl.store(out + place, scale * sums, mask=held)

    return logsum_kernel, gradient_kernel
