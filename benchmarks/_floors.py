"""The least time each operator can take on a device: bytes moved, operations done, and the slower.

For every operator with a CUDA kernel the work is read off its arguments (values are never looked
at, so meta tensors do): bytes that any algorithm must move once, rows gathered at random,
multiply-adds counted as two operations, and exponentials. What is counted is the operator, not our
kernel: a second pass over the data, padding and scratch are the kernel's own fault.

A gathered row costs whole sectors of 32 bytes. A table that fits the cache is read once; of a
larger one the cache holds a share, and any policy hits with that share when entries name rows
independently and uniformly. Graphs with hubs or locality can beat this part of a floor.

Integer work (Philox, searches in rows) is not counted: floors of ``random_projection``,
``random_walk``, ``walk_overlap`` and ``distinct_ends`` know memory alone and are loose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

__all__ = ["FORMULAS", "Device", "Gather", "Work", "floor_seconds", "traffic", "work_of"]

SECTOR = 32
#: sm_80 and sm_90 start 128 float32 multiply-adds and 16 exponentials a clock and multiprocessor:
#: an exponential takes the place of eight multiply-adds, that is of sixteen operations.
OPERATIONS_PER_EXPONENTIAL = 16
SQUARE_BLOCK = 16  # columns per partial sum of propagate_squares


@dataclass(frozen=True)
class Gather:
    """Rows read at random.

    Attributes:
        rows: Number of reads.
        row_bytes: Size of a row.
        table_bytes: Size of all rows there are.
    """

    rows: int
    row_bytes: int
    table_bytes: int


@dataclass(frozen=True)
class Work:
    """What an operator must do at least.

    Attributes:
        bytes: Read or written once, in order.
        flops: Additions and multiplications.
        exponentials: Exponentials.
        gathers: Rows read at random, on top of ``bytes``.
    """

    bytes: int
    flops: int = 0
    exponentials: int = 0
    gathers: tuple[Gather, ...] = ()


@dataclass(frozen=True)
class Device:
    """What a device was measured to do.

    Attributes:
        bytes_per_s: Of a copy, reads and writes together.
        flops_per_s: Of a matrix product in the operator's type.
        cache_bytes: Last cache before the memory.
    """

    bytes_per_s: float
    flops_per_s: float
    cache_bytes: int


def traffic(work: Work, cache_bytes: int) -> float:
    """Bytes between memory and a cache of a size."""
    return work.bytes + sum(_gathered(gather, cache_bytes) for gather in work.gathers)


def _gathered(gather: Gather, cache_bytes: int) -> float:
    read = gather.rows * -(-gather.row_bytes // SECTOR) * SECTOR
    once = min(read, gather.table_bytes)
    if gather.table_bytes <= cache_bytes:
        return once
    return once + (read - once) * (1 - cache_bytes / gather.table_bytes)


def floor_seconds(work: Work, device: Device) -> float:
    """Time of the slowest of memory, multiply-adds and exponentials, each at full speed."""
    operations = max(work.flops, OPERATIONS_PER_EXPONENTIAL * work.exponentials)
    memory = traffic(work, device.cache_bytes) / device.bytes_per_s
    return max(memory, operations / device.flops_per_s)


def work_of(op: str, args: tuple[Any, ...]) -> Work:
    """Work of one call of an operator.

    Raises:
        KeyError: If the operator has no formula.
    """
    return FORMULAS[op](*args)


def size(*tensors: Tensor | None) -> int:
    """Bytes of the tensors that are there."""
    return sum(t.numel() * t.element_size() for t in tensors if t is not None)


def _rows(count: int, *tables: Tensor | None) -> Gather:
    """A gather of whole rows of tables that are read at the same places."""
    found = [table for table in tables if table is not None]
    nodes = max(1, found[0].size(0))
    return Gather(count, size(*found) // nodes, size(*found))


# --- edges ----------------------------------------------------------------------------------------


def edge_cosine_sum(
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Work:
    """Unit rows: 3 N D; a dot product and a sum per entry."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(rowptr, col, weight) + nodes * z.element_size()
    return Work(moved, flops, entries, (_rows(entries, z),))


def edge_cosine_sum_backward(
    grad: Tensor,
    z: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
    scale: Tensor | None,
    tau: float,
) -> Work:
    """The dot products again, a multiple of a row per entry, and the projection of every row."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 8 * nodes * dim + entries * (4 * dim + 5)
    moved = size(rowptr, col, weight, weight_t, z)
    tables = (z, grad) if weight_t is not None else (z, grad, scale)
    return Work(moved, flops, entries, (_rows(entries, *tables),))


def edge_cosine_weight_grad(
    grad: Tensor, z: Tensor, rowptr: Tensor, col: Tensor, tau: float
) -> Work:
    """A dot product per entry, which is written."""
    nodes, dim = z.shape
    entries = col.numel()
    flops = 3 * nodes * dim + entries * (2 * dim + 2)
    moved = size(rowptr, col, grad) + entries * z.element_size()
    return Work(moved, flops, entries, (_rows(entries, z),))


# --- clusters -------------------------------------------------------------------------------------


def cluster_sum(x: Tensor, cluster: Tensor, num_clusters: int) -> Work:
    """One addition per value."""
    moved = size(x, cluster) + num_clusters * x.size(1) * x.element_size()
    return Work(moved, x.numel())


def cluster_gather(x: Tensor, cluster: Tensor) -> Work:
    """A row per node; nothing is computed."""
    written = cluster.numel() * x.size(1) * x.element_size()
    return Work(size(cluster) + written, 0, 0, (_rows(cluster.numel(), x),))


def cluster_outer(x: Tensor, cluster: Tensor, num_clusters: int) -> Work:
    """Half of the D x D products, diagonal included: the moments are symmetric."""
    nodes, dim = x.shape
    moved = size(x, cluster) + num_clusters * dim * dim * x.element_size()
    return Work(moved, nodes * dim * (dim + 1))


def cluster_outer_backward(grad: Tensor, x: Tensor, cluster: Tensor) -> Work:
    """A product with the D x D matrix of the cluster per node, symmetrised once per cluster."""
    nodes, dim = x.shape
    return Work(size(grad, x, cluster, x), 2 * nodes * dim * dim + grad.numel())


# --- pairs ----------------------------------------------------------------------------------------


def pairwise_logsumexp(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
) -> Work:
    """A dot product and an exponential per pair; row and column sums can share both."""
    pairs = x.size(0) * y.size(0)
    results = x.size(0) + (y.size(0) if columns else 0)
    moved = size(x, y, y_weight, x_weight if columns else None) + results * x.element_size()
    return Work(moved, 2 * pairs * x.size(1), pairs)


def self_logsumexp(x: Tensor, weight: Tensor | None, scale: float, diagonal: int) -> Work:
    """Pairs in either order have one logit: half of them, and the diagonal."""
    nodes, dim = x.shape
    pairs = nodes * (nodes + 1) // 2
    return Work(size(x, weight) + nodes * x.element_size(), 2 * pairs * dim, pairs)


def pairwise_logsumexp_backward(
    a: Tensor,
    b: Tensor,
    row_grad: Tensor | None,
    row_lse: Tensor | None,
    b_weight: Tensor | None,
    col_grad: Tensor | None,
    col_lse: Tensor | None,
    a_weight: Tensor | None,
    scale: float,
    diagonal: int,
) -> Work:
    """The dot products again, one exponential per side, and the product of shares with b."""
    pairs = a.size(0) * b.size(0)
    sides = int(row_grad is not None) + int(col_grad is not None)
    moved = size(a, b, row_grad, row_lse, b_weight, col_grad, col_lse, a_weight, a)
    return Work(moved, 4 * pairs * a.size(1), sides * pairs)


# --- meta-nodes -----------------------------------------------------------------------------------


def meta_logsumexp(u: Tensor, count: Tensor, mean: Tensor, cov: Tensor | None, tau: float) -> Work:
    """A linear term per pair; with moments also a quadratic form of a symmetrised matrix."""
    dim, pairs = u.size(1), u.size(0) * mean.size(0)
    per_pair = 2 * dim if cov is None else dim * (dim + 1) + 4 * dim
    moved = size(u, count, mean, cov) + u.size(0) * u.element_size()
    return Work(moved, pairs * per_pair, pairs)


def meta_logsumexp_backward(
    grad: Tensor,
    lse: Tensor,
    u: Tensor,
    count: Tensor,
    mean: Tensor,
    cov: Tensor | None,
    tau: float,
) -> Work:
    """Logit, gradient to the row and to the mean; with moments one product S u and one u u^T."""
    dim, pairs = u.size(1), u.size(0) * mean.size(0)
    # S u serves the logit and the gradient to u; u u^T is symmetric.
    per_pair = 6 * dim if cov is None else 2 * dim * dim + dim * (dim + 1) + 8 * dim
    moved = size(grad, lse, u, count, mean, cov) + size(u, mean, cov)
    return Work(moved, pairs * per_pair, pairs)


# --- sparse sums and random numbers ---------------------------------------------------------------


def propagate(
    h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None
) -> Work:
    """A multiple of a row per entry; row factors at the end."""
    rows, dim, entries = rowptr.numel() - 1, h.size(1), col.numel()
    flops = entries * dim * _per_value(weight) + (0 if row_scale is None else rows * dim)
    moved = size(rowptr, col, weight, row_scale) + rows * dim * h.element_size()
    return Work(moved, flops, 0, (_rows(entries, h),))


def propagate_dot(
    h: Tensor,
    other: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
) -> Work:
    """Rows of the sum are used where they arise: one number per row is written."""
    rows, dim, entries = rowptr.numel() - 1, h.size(1), col.numel()
    flops = entries * dim * _per_value(weight) + 2 * rows * dim
    flops += 0 if row_scale is None else rows
    moved = size(other, rowptr, col, weight, row_scale) + rows * _wide(h)
    return Work(moved, flops, 0, (_rows(entries, h),))


def propagate_merge(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
    normalize: bool,
    squares: Tensor | None,
) -> Work:
    """Powers one after the other; the last one need not be stored."""
    base = _powers(start, rowptr, col, weight, row_scale, coefficients)
    used, norms = _used(coefficients), normalize and squares is None
    flops = used * start.numel() * (4 if norms else 2)
    moved = start.numel() * _wide(start) + size(squares)
    return Work(base.bytes + moved, base.flops + flops, 0, base.gathers)


def propagate_squares(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
) -> Work:
    """Powers one after the other; sums of squares of 16 columns are written in float64."""
    base = _powers(start, rowptr, col, weight, row_scale, coefficients)
    used, blocks = _used(coefficients), -(-start.size(1) // SQUARE_BLOCK)
    moved = used * start.size(0) * blocks * 8
    return Work(base.bytes + moved, base.flops + 2 * used * start.numel(), 0, base.gathers)


def _powers(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
    coefficients: list[float],
) -> Work:
    steps = max((k for k, c in enumerate(coefficients) if c != 0), default=0)
    if steps == 0:
        return Work(size(start))
    one = propagate(start, rowptr, col, weight, row_scale)
    return Work(steps * one.bytes - size(start), steps * one.flops, 0, steps * one.gathers)


def _used(coefficients: list[float]) -> int:
    return sum(c != 0 for c in coefficients)


def _per_value(weight: Tensor | None) -> int:
    return 1 if weight is None else 2


def _wide(tensor: Tensor) -> int:
    return max(4, tensor.element_size())  # bfloat16 sums are float32


def random_projection(
    factor: Tensor,
    node: Tensor | None,
    seed: int,
    stream: int,
    start: int,
    stop: int,
    sparsity: float,
    scale: float,
) -> Work:
    """Every entry is written once."""
    written = factor.numel() * (stop - start) * factor.element_size()
    return Work(size(factor, node) + written)


def random_walk(
    rowptr: Tensor,
    col: Tensor,
    start: Tensor,
    seed: int,
    stream: int,
    length: int,
    restart: float,
) -> Work:
    """A row pointer pair and a neighbour per step that is no return."""
    count = start.numel()
    steps = int(count * length * (1 - restart))
    reads = (Gather(steps, 16, size(rowptr)), Gather(steps, 4, size(col)))
    return Work(size(start) + count * (length + 1) * 4, 0, 0, reads)


# --- intervals ------------------------------------------------------------------------------------


def interval_propagate(
    low: Tensor,
    high: Tensor,
    rowptr: Tensor,
    col: Tensor,
    entry_low: Tensor,
    entry_high: Tensor,
    *transpose: Tensor,
) -> Work:
    """Both ends of a row per entry."""
    rows, dim, entries = rowptr.numel() - 1, low.size(1), col.numel()
    moved = size(rowptr, col, entry_low, entry_high) + 2 * rows * dim * low.element_size()
    return Work(moved, 4 * entries * dim, 0, (_rows(entries, low, high),))


def interval_propagate_backward(
    grad_low: Tensor,
    grad_high: Tensor,
    low: Tensor,
    high: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_low_t: Tensor,
    entry_high_t: Tensor,
) -> Work:
    """Both gradients of a row per entry of the transpose; signs of the ends are read in order."""
    entries, dim = col_t.numel(), low.size(1)
    moved = size(rowptr_t, col_t, entry_low_t, entry_high_t) + 2 * size(low, high)
    return Work(moved, 4 * entries * dim, 0, (_rows(entries, grad_low, grad_high),))


def edge_bound(
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    *transpose: Tensor,
) -> Work:
    """One dot product per entry, two with radii."""
    entries, dim = col.numel(), weight.size(1)
    moved = size(weight, rowptr, col) + entries * weight.element_size()
    flops = entries * dim * (2 if radius is None else 4)
    return Work(moved, flops, 0, (_rows(entries, center, radius),))


def edge_bound_backward(
    grad: Tensor,
    weight: Tensor,
    center: Tensor,
    radius: Tensor | None,
    rowptr: Tensor,
    col: Tensor,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Work:
    """Sums over the rows and over the columns of the pattern, without atomics."""
    entries, dim = col.numel(), weight.size(1)
    moved = size(rowptr, col, rowptr_t, col_t, entry_t, grad, weight, center, radius)
    flops = entries * dim * (4 if radius is None else 8)
    reads = (_rows(entries, center, radius), _rows(entries, weight), _rows(entries, grad))
    return Work(moved, flops, 0, reads)


def budget_minimum(
    value: Tensor,
    rowptr: Tensor,
    col: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size_: Tensor,
    budget: Tensor,
    *rest: Any,
) -> Work:
    """A multiple of a row per entry; the search for the largest ones is not counted."""
    rows, dim, entries = rowptr.numel() - 1, value.size(1), col.numel()
    moved = size(rowptr, col, kind, size_, budget) + 4 * rows * dim * value.element_size()
    return Work(moved, 2 * entries * dim, 0, (_rows(entries, value, positive, negative),))


def budget_minimum_backward(
    grad: Tensor,
    value: Tensor,
    choice: Tensor,
    rowptr: Tensor,
    kind: Tensor,
    positive: Tensor,
    negative: Tensor,
    size_: Tensor,
    power: float,
    rowptr_t: Tensor,
    col_t: Tensor,
    entry_t: Tensor,
) -> Work:
    """Gradient and the three numbers of the choice per entry of the transpose."""
    entries, dim = col_t.numel(), value.size(1)
    moved = size(rowptr_t, col_t, entry_t, kind, positive, negative) + 2 * size(value)
    table = size(grad, choice, size_)
    row = Gather(entries, table // max(1, rowptr.numel() - 1), table)
    return Work(moved, 3 * entries * dim, 0, (row,))


# --- walks ----------------------------------------------------------------------------------------


def walk_overlap(
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    pair_rowptr: Tensor,
    pair_col: Tensor,
    num_hops: int,
    beta: float,
    distinct: bool,
) -> Work:
    """The graph and the pairs once: how much of the rows is searched depends on the graph."""
    return Work(size(rowptr, col, weight, pair_rowptr, pair_col) + 8 * pair_col.numel())


def distinct_ends(rowptr: Tensor, col: Tensor, num_hops: int) -> Work:
    """The graph once and a number per node and hop."""
    return Work(size(rowptr, col) + 8 * num_hops * (rowptr.numel() - 1))


# --- attention ------------------------------------------------------------------------------------


def segment_attention(qkv: Tensor, ptr: Tensor, heads: int) -> Work:
    """A dot product, an exponential and a multiple of a value per pair of a segment and head."""
    channels, pairs = qkv.size(1) // 3, _fewest_pairs(qkv, ptr)
    results = qkv.size(0) * (channels + heads) * qkv.element_size()
    return Work(size(qkv, ptr) + results, 4 * pairs * channels, heads * pairs)


def segment_attention_backward(
    grad: Tensor,
    grad_lse: Tensor,
    qkv: Tensor,
    ptr: Tensor,
    out: Tensor,
    lse: Tensor,
    heads: int,
) -> Work:
    """Five products of the size of the logits: weights, their derivative, and a sum per side."""
    channels, pairs = qkv.size(1) // 3, _fewest_pairs(qkv, ptr)
    moved = size(grad, grad_lse, qkv, ptr, out, lse, qkv)
    return Work(moved, 10 * pairs * channels + 2 * out.numel(), heads * pairs)


def _fewest_pairs(qkv: Tensor, ptr: Tensor) -> int:
    """Those of segments of one size: no other split into as many has fewer."""
    return qkv.size(0) ** 2 // max(1, ptr.numel() - 1)


FORMULAS: dict[str, Callable[..., Work]] = {
    formula.__name__: formula
    for formula in (
        edge_cosine_sum,
        edge_cosine_sum_backward,
        edge_cosine_weight_grad,
        cluster_sum,
        cluster_gather,
        cluster_outer,
        cluster_outer_backward,
        pairwise_logsumexp,
        pairwise_logsumexp_backward,
        self_logsumexp,
        meta_logsumexp,
        meta_logsumexp_backward,
        propagate,
        propagate_dot,
        propagate_merge,
        propagate_squares,
        random_projection,
        random_walk,
        interval_propagate,
        interval_propagate_backward,
        edge_bound,
        edge_bound_backward,
        budget_minimum,
        budget_minimum_backward,
        walk_overlap,
        distinct_ends,
        segment_attention,
        segment_attention_backward,
    )
}
