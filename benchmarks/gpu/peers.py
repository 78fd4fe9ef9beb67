"""Other ways to compute an operator: torch's own functions, other packages, and eager expressions.

``equals`` compute the same numbers. ``products`` are matrix products of the same shape, a yardstick
that stores what the operator never does and takes no exponential.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, get_args

import torch
from torch import Tensor

from benchmarks.baselines.pamc import positive_sums
from benchmarks.gpu.device import product
from graphlab.ops import reference
from graphlab.ops.tensor_cores import attention, pairs

__all__ = ["CUBLAS", "FIRST", "OURS", "peers"]

CUBLAS = "cuBLAS"
OURS = "graphlab"
FIRST = "first output alone"
Call = Callable[[], Any]


def peers(op: str, args: tuple[Any, ...]) -> dict[str, Call]:
    """Functions by name.

    Those that begin with ``cuBLAS`` are products of the same shape, those with ``graphlab`` what
    the library runs instead of the operator where Triton is there.
    """
    calls = {"pure torch, in chunks": lambda: getattr(reference, op)(*args)}
    if op in _MORE:
        calls |= _MORE[op](*args)
    return calls


# --- edges and clusters ---------------------------------------------------------------------------


def _edge_index(rowptr: Tensor, col: Tensor) -> Tensor:
    return torch.stack([reference.csr_rows(rowptr, col.numel()), col.long()])


def _edge_sum(
    z: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor, *rest: Any
) -> dict[str, Call]:
    edges = _edge_index(rowptr, col)
    return {f"eager, E x D gathers, {FIRST}": lambda: positive_sums(z, edges, weight, rest[-2])}


def _edge_backward(
    grad: Tensor, kept: Tensor, z: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor, *rest: Any
) -> dict[str, Call]:
    leaf, edges = z.detach().clone().requires_grad_(), _edge_index(rowptr, col)

    # The tape is built once: the operator's backward has no forward in it either.
    @cache
    def sums() -> Tensor:
        return positive_sums(leaf, edges, weight, rest[-1])

    return {
        "eager, E x D gathers": lambda: torch.autograd.grad(sums(), leaf, grad, retain_graph=True)
    }


def _cluster_sum(x: Tensor, cluster: Tensor, clusters: int) -> dict[str, Call]:
    index = cluster[:, None].expand_as(x)
    calls: dict[str, Call] = {
        "torch.scatter_reduce": lambda: x.new_zeros(clusters, x.size(1)).scatter_reduce(
            0, index, x, "sum"
        )
    }
    try:
        package = importlib.import_module("torch_scatter")
    except (ImportError, OSError):
        return calls
    calls["torch_scatter"] = lambda: package.scatter_sum(x, cluster, 0, dim_size=clusters)
    return calls


# --- pairs ----------------------------------------------------------------------------------------


def _products(a: Tensor, b: Tensor) -> dict[str, Call]:
    narrow = a.bfloat16(), b.bfloat16().t()
    return {
        f"{CUBLAS} float32": lambda: product(a, b.t(), tf32=False),
        f"{CUBLAS} tf32": lambda: product(a, b.t(), tf32=True),
        f"{CUBLAS} bfloat16": lambda: product(*narrow, tf32=False),
    }


def _by_precision(run: Callable[[pairs.Precision], Any], *rows: Tensor) -> dict[str, Call]:
    """Triton's kernels, one call for every precision of their products."""
    if not pairs.usable(*rows):
        return {}
    return {
        f"{OURS} on tensor cores, {precision}": partial(run, precision)
        for precision in get_args(pairs.Precision)
    }


def _ways(shape: str, expression: Callable[..., Any], *args: Tensor) -> dict[str, Call]:
    """An expression that stores the pairs: eager, with products in TF32, and compiled for a GPU."""
    ways = {
        f"eager, {shape}": lambda: _at_precision(expression, args, tf32=False),
        f"eager TF32, {shape}": lambda: _at_precision(expression, args, tf32=True),
    }
    if args[0].is_cuda:
        compiled = torch.compile(expression)
        ways[f"torch.compile, {shape}"] = lambda: _at_precision(compiled, args, tf32=False)
        # A function of its own: a compiled one keeps the precision that it was compiled with.
        narrow = torch.compile(lambda *values: expression(*values))
        ways[f"torch.compile TF32, {shape}"] = lambda: _at_precision(narrow, args, tf32=True)
    return ways


def _at_precision(run: Callable[..., Any], args: tuple[Tensor, ...], *, tf32: bool) -> Any:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        return run(*args)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _pairs(
    x: Tensor,
    y: Tensor,
    x_weight: Tensor | None,
    y_weight: Tensor | None,
    scale: float,
    diagonal: int,
    columns: bool,
) -> dict[str, Call]:
    def triton(precision: pairs.Precision) -> tuple[Tensor, Tensor]:
        weights = x_weight, y_weight
        return pairs.pairwise_logsumexp(x, y, *weights, scale, diagonal, columns, precision)

    def sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        logits = scale * (x @ y.t())
        return torch.logsumexp(logits, 1), torch.logsumexp(logits, 0)

    ours = _by_precision(triton, x, y)
    return {**ours, **_ways("N x M", sums, x, y), **_products(x, y)}


def _self(x: Tensor, weight: Tensor | None, scale: float, diagonal: int) -> dict[str, Call]:
    def triton(precision: pairs.Precision) -> Tensor:
        return pairs.self_logsumexp(x, weight, scale, diagonal, precision)

    def sums(x: Tensor) -> Tensor:
        logits = scale * (x @ x.t())
        return torch.logsumexp(logits.fill_diagonal_(-torch.inf), 1)

    return {**_by_precision(triton, x), **_ways("N x N", sums, x), **_products(x, x)}


def _pairs_backward(x: Tensor, y: Tensor, *rest: Any) -> dict[str, Call]:
    row_grad, row_lse, _, col_grad, col_lse, _, scale, diagonal = rest

    def triton(precision: pairs.Precision) -> Tensor:
        return pairs.gradient(x, y, rest[:3], rest[3:6], scale, diagonal, precision)

    def gradient(x: Tensor, y: Tensor) -> Tensor:
        logits = scale * (x @ y.t())
        share = row_grad[:, None] * torch.exp(logits - row_lse[:, None])
        share = share + col_grad * torch.exp(logits - col_lse)
        out: Tensor = scale * (share @ y)
        return out

    ours = _by_precision(triton, x, y)
    return {**ours, **_ways("N x M", gradient, x, y), **_products(x, y)}


# --- sparse sums and random numbers ---------------------------------------------------------------


def _sparse(h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None) -> Any:
    values = torch.ones(col.numel(), dtype=h.dtype, device=h.device) if weight is None else weight
    shape = (rowptr.numel() - 1, h.size(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        return torch.sparse_csr_tensor(rowptr, col.long(), values, shape, check_invariants=False)


def _scaled(sums: Tensor, scale: Tensor | None) -> Tensor:
    return sums if scale is None else scale[:, None] * sums


def _propagate(
    h: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, scale: Tensor | None
) -> dict[str, Call]:
    matrix = _sparse(h, rowptr, col, weight)
    # On a GPU torch multiplies by cuSPARSE.
    calls: dict[str, Call] = {"torch.sparse": lambda: _scaled(matrix @ h, scale)}
    try:
        package = importlib.import_module("torch_scatter")
    except (ImportError, OSError):
        return calls
    index = col.long()
    calls["torch_scatter"] = lambda: _scaled(package.segment_csr(h[index], rowptr), scale)
    return calls


def _propagate_dot(h: Tensor, other: Tensor, *matrix: Any) -> dict[str, Call]:
    sparse, scale = _sparse(h, *matrix[:3]), matrix[3]
    return {"torch.sparse": lambda: (_scaled(sparse @ h, scale) * other).sum(1)}


def _propagate_merge(start: Tensor, *rest: Any) -> dict[str, Call]:
    sparse, scale, coefficients = _sparse(start, *rest[:3]), rest[3], rest[4]

    def run() -> Tensor:
        state, out = start, torch.zeros_like(start)
        for coefficient in coefficients[1:]:
            state = _scaled(sparse @ state, scale)
            if coefficient != 0:
                out += coefficient * torch.nn.functional.normalize(state, dim=1)
        return out

    return {"torch.sparse": run}


def _projection(factor: Tensor, *rest: Any) -> dict[str, Call]:
    start, stop, sparsity, scale = rest[-4:]

    def run() -> Tensor:
        drawn = torch.rand(factor.numel(), stop - start, device=factor.device)
        low, high = 0.5 / sparsity, 1 - 0.5 / sparsity
        out: Tensor = scale * factor[:, None] * ((drawn >= high).float() - (drawn < low).float())
        return out

    return {"torch.rand and comparisons (other numbers)": run}


# --- attention ------------------------------------------------------------------------------------


def _padded(ptr: Tensor, heads: int) -> Callable[[Tensor], Tensor]:
    """SDPA of torch on segments padded to the longest one; padding is part of the work."""
    count = ptr.diff()
    column = torch.arange(int(count.max()), device=ptr.device)
    there = column < count[:, None]
    mask = there[:, None, None, :]

    def run(qkv: Tensor) -> Tensor:
        table = qkv.new_zeros(*there.shape, qkv.size(1))
        table[there] = qkv
        query, key, value = table.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
        out = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return out.transpose(1, 2).flatten(2)[there]

    return run


def _attention(qkv: Tensor, ptr: Tensor, heads: int) -> dict[str, Call]:
    run = _padded(ptr, heads)
    calls: dict[str, Call] = {f"torch SDPA, padded, {FIRST}": lambda: run(qkv)}
    if qkv.is_cuda:
        flex = _flex(qkv, ptr, heads)
        calls[f"flex attention, {FIRST}"] = lambda: flex(qkv)
    half = qkv.half()
    if attention.usable(half, ptr, heads):
        calls[f"{OURS} on tensor cores, float16"] = lambda: attention.attend(half, ptr, heads)
    return calls


def _flex(qkv: Tensor, ptr: Tensor, heads: int) -> Callable[[Tensor], Tensor]:
    """Flex attention over all rows, with a mask of blocks that is made once."""
    flex = importlib.import_module("torch.nn.attention.flex_attention")
    rows = torch.arange(qkv.size(0), device=qkv.device)
    segment = torch.bucketize(rows, ptr[1:], right=True)

    def same(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return segment[query] == segment[key]

    size = qkv.size(0)
    mask = flex.create_block_mask(same, None, None, size, size, device=qkv.device)
    compiled: Any = torch.compile(flex.flex_attention)

    def run(table: Tensor) -> Tensor:
        query, key, value = table.unflatten(1, (3, heads, -1)).permute(1, 2, 0, 3)[:, None]
        out: Tensor = compiled(query, key, value, block_mask=mask)
        return out[0].transpose(0, 1).flatten(1)

    return run


def _attention_backward(
    grad: Tensor,
    grad_lse: Tensor,
    qkv: Tensor,
    ptr: Tensor,
    result: Tensor,
    lse: Tensor,
    heads: int,
) -> dict[str, Call]:
    leaf, run = qkv.detach().clone().requires_grad_(), _padded(ptr, heads)

    @cache
    def out() -> Tensor:
        return run(leaf)

    calls: dict[str, Call] = {
        "torch SDPA, padded": lambda: torch.autograd.grad(out(), leaf, grad, retain_graph=True)
    }
    half = qkv.half()
    if attention.usable(half, ptr, heads):
        calls[f"{OURS} on tensor cores, float16"] = lambda: attention.attend_backward(
            grad, grad_lse, half, ptr, result, lse, heads
        )
    return calls


_MORE: dict[str, Callable[..., dict[str, Call]]] = {
    "edge_cosine_sum": _edge_sum,
    "edge_cosine_sum_backward": _edge_backward,
    "cluster_sum": _cluster_sum,
    "pairwise_logsumexp": _pairs,
    "pairwise_logsumexp_backward": _pairs_backward,
    "self_logsumexp": _self,
    "propagate": _propagate,
    "propagate_dot": _propagate_dot,
    "propagate_merge": _propagate_merge,
    "random_projection": _projection,
    "segment_attention": _attention,
    "segment_attention_backward": _attention_backward,
}
