"""Attention within segments in half precision and its gradient, as kernels for Triton.

A program owns a tile of rows, whatever segments they belong to, and one head. It walks over the
rows of those segments, ``COLUMNS`` at a time; ``first`` and ``stop`` tell of every row where its
segment begins and ends, and pairs of different segments get no share.

Queries, keys and values keep their type, and products of two of them are exact. What is multiplied
with them is float32, shares and gradients: it goes in two parts of eleven bits, which TF32 holds as
it holds a number in half precision, so that the result has the error of float32. A number that is
not finite must stay in its segment, but zero times it is not zero: such numbers are taken out of
the products, and what they meet becomes NaN. Names in capitals are constants of a compilation.
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
def kernels() -> tuple[Any, ...]:
    """The kernels of the result and of the gradients to queries, keys and values."""
    parts = (place_of, read_head, reach_of, exact_product, weigh)
    whole = (forward_kernel, query_kernel, key_kernel, value_kernel)
    return translate(globals(), *parts, *whole)[-len(whole) :]


def place_of(
    row: tl.tensor, rows: tl.tensor, stride: tl.tensor, first: tl.tensor, width: tl.tensor,
    WIDTH: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Where ``width`` numbers from ``first`` on stand in rows of ``stride``, and which are held."""
    at = tl.arange(0, WIDTH)
    place = row.to(tl.int64)[:, None] * stride + first + at[None, :]
    return place, (row[:, None] < rows) & (at[None, :] < width)


def read_head(
    table: tl.tensor, row: tl.tensor, rows: tl.tensor, stride: tl.tensor, first: tl.tensor,
    width: tl.tensor, WIDTH: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """What one head has in some rows; zeros beyond the ends."""
    place, held = place_of(row, rows, stride, first, width, WIDTH)
    return tl.load(table + place, mask=held, other=0.0)


def reach_of(first: tl.tensor, stop: tl.tensor, row: tl.tensor, rows: tl.tensor) -> tl.tensor:
    """Begin and end of the segments of a tile's rows, and of all of them together."""
    begin = tl.load(first + row, mask=row < rows, other=2147483647)
    end = tl.load(stop + row, mask=row < rows, other=0)
    return begin, end, tl.min(begin, 0), tl.max(end, 0)


def exact_product(left: tl.tensor, right: tl.tensor) -> tl.tensor:
    """float32 times what TF32 holds exactly."""
    high = (left.to(tl.int32, bitcast=True) & -8192).to(tl.float32, bitcast=True)
    product = tl.dot(left - high, right, input_precision="tf32")
    return tl.dot(high, right, product, input_precision="tf32")


def weigh(
    sums: tl.tensor, share: tl.tensor, table: tl.tensor, there: tl.tensor, EXACT: tl.constexpr
) -> tl.tensor:
    """Add the rows of a table by their shares; ``there`` are the pairs that may meet."""
    table = table.to(tl.float32)
    fine = tl.abs(table) < float("inf")
    clean = tl.where(fine, table, 0.0)
    if EXACT:
        sums += exact_product(share, clean)
    else:
        sums = tl.dot(share, clean, sums, input_precision="tf32x3")
    lost = tl.where(fine, 0.0, 1.0)
    if tl.max(tl.max(lost, 1), 0) > 0:
        met = tl.dot(tl.where(there, 1.0, 0.0), lost, input_precision="tf32")
        sums = tl.where(met > 0, float("nan"), sums)
    return sums


def forward_kernel(
    qkv: tl.tensor, first: tl.tensor, stop: tl.tensor, out: tl.tensor, lse: tl.tensor,
    rows: tl.tensor, heads: tl.tensor, width: tl.tensor, scale: tl.tensor,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """Results and log-sums of a tile of rows and one head."""
    row, head = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.program_id(1)
    begin, end, low, high = reach_of(first, stop, row, rows)
    channels = heads * width
    query = read_head(qkv, row, rows, 3 * channels, head * width, width, WIDTH)
    top = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float64)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for start in range(low, high, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        there = (column[None, :] >= begin[:, None]) & (column[None, :] < end[:, None])
        key = read_head(qkv, column, rows, 3 * channels, channels + head * width, width, WIDTH)
        logit = scale * tl.dot(query, tl.trans(key))
        logit = tl.where(there, logit, float("-inf"))
        higher = tl.maximum(top, tl.max(logit, 1))
        # An infinite maximum is no base: with zero, what is not finite comes out as NaN.
        base = tl.where(tl.abs(higher) == float("inf"), 0.0, higher)
        share = tl.where(there, tl.exp(logit - base[:, None]), 0.0)
        factor = tl.exp(top - base)
        total = total * factor + tl.sum(share, 1)
        value = read_head(
            qkv, column, rows, 3 * channels, 2 * channels + head * width, width, WIDTH
        )
        sums = weigh(sums * factor[:, None], share, value, there, True)
        top = tl.where(tl.abs(higher) == float("inf"), higher, base)
    base = tl.where(tl.abs(top) == float("inf"), 0.0, top)
    # A row of no segment is NaN.
    total = tl.where(begin < end, total, float("nan"))
    tl.store(lse + row.to(tl.int64) * heads + head, base + tl.log(total).to(tl.float32), row < rows)
    place, held = place_of(row, rows, channels, head * width, width, WIDTH)
    tl.store(out + place, sums / total.to(tl.float32)[:, None], held)


def query_kernel(
    grad: tl.tensor, grad_lse: tl.tensor, qkv: tl.tensor, first: tl.tensor, stop: tl.tensor,
    out: tl.tensor, lse: tl.tensor, level: tl.tensor, grad_qkv: tl.tensor,
    rows: tl.tensor, heads: tl.tensor, width: tl.tensor, scale: tl.tensor,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """Gradient to a tile of queries; it also leaves ``level``, ``<grad, out> - grad_lse``."""
    row, head = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.program_id(1)
    begin, end, low, high = reach_of(first, stop, row, rows)
    channels = heads * width
    query = read_head(qkv, row, rows, 3 * channels, head * width, width, WIDTH)
    given = read_head(grad, row, rows, channels, head * width, width, WIDTH)
    result = read_head(out, row, rows, channels, head * width, width, WIDTH)
    place = row.to(tl.int64) * heads + head
    own_level = tl.sum(given * result, 1) - tl.load(grad_lse + place, row < rows, 0.0)
    tl.store(level + place, own_level, row < rows)
    top = tl.load(lse + place, row < rows, 0.0)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for start in range(low, high, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        there = (column[None, :] >= begin[:, None]) & (column[None, :] < end[:, None])
        key = read_head(qkv, column, rows, 3 * channels, channels + head * width, width, WIDTH)
        value = read_head(
            qkv, column, rows, 3 * channels, 2 * channels + head * width, width, WIDTH
        )
        share = tl.exp(scale * tl.dot(query, tl.trans(key)) - top[:, None])
        slope = exact_product(given, tl.trans(value.to(tl.float32))) - own_level[:, None]
        slope = tl.where(there, share * slope, 0.0)
        sums = weigh(sums, slope, key, there, True)
    sums = tl.where(begin[:, None] < end[:, None], scale * sums, float("nan"))
    place, held = place_of(row, rows, 3 * channels, head * width, width, WIDTH)
    tl.store(grad_qkv + place, sums, held)


def key_kernel(
    grad: tl.tensor, qkv: tl.tensor, first: tl.tensor, stop: tl.tensor,
    lse: tl.tensor, level: tl.tensor, grad_qkv: tl.tensor,
    rows: tl.tensor, heads: tl.tensor, width: tl.tensor, scale: tl.tensor,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """Gradient to a tile of keys; columns are queries here."""
    row, head = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.program_id(1)
    begin, end, low, high = reach_of(first, stop, row, rows)
    channels = heads * width
    key = read_head(qkv, row, rows, 3 * channels, channels + head * width, width, WIDTH)
    value = read_head(qkv, row, rows, 3 * channels, 2 * channels + head * width, width, WIDTH)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for start in range(low, high, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        there = (column[None, :] >= begin[:, None]) & (column[None, :] < end[:, None])
        query = read_head(qkv, column, rows, 3 * channels, head * width, width, WIDTH)
        given = read_head(grad, column, rows, channels, head * width, width, WIDTH)
        place = column.to(tl.int64) * heads + head
        top = tl.load(lse + place, column < rows, 0.0)
        own_level = tl.load(level + place, column < rows, 0.0)
        share = tl.exp(scale * tl.dot(key, tl.trans(query)) - top[None, :])
        slope = tl.trans(exact_product(given, tl.trans(value.to(tl.float32))))
        slope = tl.where(there, share * (slope - own_level[None, :]), 0.0)
        sums = weigh(sums, slope, query, there, True)
    sums = tl.where(begin[:, None] < end[:, None], scale * sums, float("nan"))
    place, held = place_of(row, rows, 3 * channels, channels + head * width, width, WIDTH)
    tl.store(grad_qkv + place, sums, held)


def value_kernel(
    grad: tl.tensor, qkv: tl.tensor, first: tl.tensor, stop: tl.tensor,
    lse: tl.tensor, grad_qkv: tl.tensor,
    rows: tl.tensor, heads: tl.tensor, width: tl.tensor, scale: tl.tensor,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, WIDTH: tl.constexpr,
) -> None:  # fmt: skip
    """Gradient to a tile of values; with that to the keys it would not fit the registers."""
    row, head = tl.program_id(0) * ROWS + tl.arange(0, ROWS), tl.program_id(1)
    begin, end, low, high = reach_of(first, stop, row, rows)
    channels = heads * width
    key = read_head(qkv, row, rows, 3 * channels, channels + head * width, width, WIDTH)
    sums = tl.zeros([ROWS, WIDTH], tl.float32)
    for start in range(low, high, COLUMNS):
        column = start + tl.arange(0, COLUMNS)
        there = (column[None, :] >= begin[:, None]) & (column[None, :] < end[:, None])
        query = read_head(qkv, column, rows, 3 * channels, head * width, width, WIDTH)
        given = read_head(grad, column, rows, channels, head * width, width, WIDTH)
        top = tl.load(lse + column.to(tl.int64) * heads + head, column < rows, 0.0)
        share = tl.exp(scale * tl.dot(key, tl.trans(query)) - top[None, :])
        sums = weigh(sums, tl.where(there, share, 0.0), given, there, False)
    sums = tl.where(begin[:, None] < end[:, None], sums, float("nan"))
    place, held = place_of(row, rows, 3 * channels, 2 * channels + head * width, width, WIDTH)
    tl.store(grad_qkv + place, sums, held)
