"""Sparse row sums and their iteration: the engine of FastRP and of topological concentration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_matrix,
    check_pointers,
    check_range,
    check_same_device,
    check_tensor,
)
from graphlab.ops import reference
from graphlab.ops.library import define

__all__ = ["propagate", "propagate_dot", "propagate_merge", "propagate_squares"]

_STORAGE = (torch.float32, torch.float64, torch.bfloat16)


def _transposed(
    rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None, num_columns: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Rows of the transpose of ``diag(row_scale) A``."""
    order = torch.argsort(col, stable=True)
    borders = torch.arange(num_columns + 1, device=col.device, dtype=col.dtype)
    row = reference.csr_rows(rowptr, col.numel())
    value = weight
    if row_scale is not None:
        value = row_scale[row] if weight is None else weight * row_scale[row]
    rowptr_t = torch.searchsorted(col[order], borders)
    return rowptr_t, row[order].int(), None if value is None else value[order]


def _refuse_graph_gradient(ctx: Any, first: int) -> None:
    if any(ctx.needs_input_grad[first : first + 2]):
        raise NotImplementedError(
            "propagate has no derivative with respect to weight and row_scale: detach them"
        )


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    h, rowptr, col, weight, row_scale = inputs
    ctx.save_for_backward(rowptr, col, weight, row_scale)
    ctx.num_columns = h.shape[0]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    _refuse_graph_gradient(ctx, 3)
    rowptr, col, weight, row_scale = ctx.saved_tensors
    graph_t = _transposed(rowptr, col, weight, row_scale, ctx.num_columns)
    grad_h = torch.ops.graphlab.propagate(grad.contiguous(), *graph_t, None)
    return grad_h, None, None, None, None


def _dot_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _dot_backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    _refuse_graph_gradient(ctx, 4)
    h, other, rowptr, col, weight, row_scale = ctx.saved_tensors
    column = grad.unsqueeze(1)
    grad_h = grad_other = None
    if ctx.needs_input_grad[0]:
        graph_t = _transposed(rowptr, col, weight, row_scale, h.shape[0])
        scaled = (column * other).to(h.dtype).contiguous()
        grad_h = torch.ops.graphlab.propagate(scaled, *graph_t, None)
    if ctx.needs_input_grad[1]:
        sums = torch.ops.graphlab.propagate(h, rowptr, col, weight, row_scale)
        grad_other = (column * sums).to(other.dtype)
    return grad_h, grad_other, None, None, None, None


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float32 if dtype == torch.bfloat16 else dtype


def _used(coefficients: Sequence[float]) -> int:
    return sum(c != 0 for c in coefficients)


_GRAPH = "Tensor rowptr, Tensor col, Tensor? weight, Tensor? row_scale"
define(
    f"propagate(Tensor h, {_GRAPH}) -> Tensor",
    reference.propagate,
    lambda h, rowptr, *_: h.new_empty((rowptr.shape[0] - 1, h.shape[1])),
    setup_context=_setup,
    backward=_backward,
)
define(
    f"propagate_dot(Tensor h, Tensor other, {_GRAPH}) -> Tensor",
    reference.propagate_dot,
    lambda h, other, rowptr, *_: h.new_empty((rowptr.shape[0] - 1,), dtype=_wide(h.dtype)),
    setup_context=_dot_setup,
    backward=_dot_backward,
)
define(
    f"propagate_merge(Tensor start, {_GRAPH}, float[] coefficients, bool normalize, "
    "Tensor? squares) -> Tensor",
    reference.propagate_merge,
    lambda start, *_: start.new_empty(start.shape, dtype=_wide(start.dtype)),
)
define(
    f"propagate_squares(Tensor start, {_GRAPH}, float[] coefficients) -> Tensor",
    reference.propagate_squares,
    lambda start, rowptr, col, weight, row_scale, coefficients: start.new_empty(
        (
            _used(coefficients),
            start.shape[0],
            (start.shape[1] + reference.SQUARE_BLOCK - 1) // reference.SQUARE_BLOCK,
        ),
        dtype=torch.float64,
    ),
)


def propagate(
    h: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None = None,
    row_scale: Tensor | None = None,
) -> Tensor:
    r"""Sparse matrix times dense rows, scaled.

    .. math:: H_i = s_i \sum_{j \in \mathcal{N}(i)} w_{ij} h_j

    Args:
        h (Tensor): ``(M, D)`` float32, float64 or bfloat16 (which is a storage format: the sums
            are float32).
        rowptr (Tensor): Row pointers, int64 ``(N + 1,)``.
        col (Tensor): Columns in ``[0, M)``, int32 ``(E,)``.
        weight (Tensor, optional): ``(E,)``; ones when missing.
        row_scale (Tensor, optional): ``(N,)``; ones when missing.

    Returns:
        Tensor: ``(N, D)``, dtype of ``h``; zero for an empty row.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: From ``backward``, if ``weight`` or ``row_scale`` wants a gradient.
            The derivative to ``h`` is the same operator on the transpose, of any order.

    Complexity: O(E D) time, no temporaries; backward sorts the E columns.
    Determinism: bitwise for a given device, whatever the number of threads and of columns.
    """
    weight, row_scale = _check_graph(h, "h", rowptr, col, weight, row_scale)
    out: Tensor = torch.ops.graphlab.propagate(h, rowptr, col, weight, row_scale)
    return out


def propagate_dot(
    h: Tensor,
    other: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None = None,
    row_scale: Tensor | None = None,
) -> Tensor:
    r"""Inner products of propagated rows with other rows; the propagated rows are never stored.

    .. math:: r_i = s_i \sum_{j \in \mathcal{N}(i)} w_{ij} \langle h_j, o_i \rangle

    Args:
        h (Tensor): ``(M, D)``, see :func:`propagate`.
        other (Tensor): ``(N, D)``, dtype of ``h``.
        rowptr (Tensor): int64 ``(N + 1,)``.
        col (Tensor): int32 ``(E,)``.
        weight (Tensor, optional): ``(E,)``.
        row_scale (Tensor, optional): ``(N,)``.

    Returns:
        Tensor: ``(N,)``; float32 for bfloat16 rows, else dtype of ``h``. Products are added in
        float64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: From ``backward``, if ``weight`` or ``row_scale`` wants a gradient.

    Complexity: O(E D) time.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    weight, row_scale = _check_graph(h, "h", rowptr, col, weight, row_scale)
    check_matrix(other, "other", rows=rowptr.numel() - 1, cols=h.size(1), finite=False)
    if other.dtype != h.dtype:
        raise TypeError(f"other must have the dtype of h, {h.dtype}, got {other.dtype}")
    check_same_device(h=h, other=other)
    out: Tensor = torch.ops.graphlab.propagate_dot(h, other, rowptr, col, weight, row_scale)
    return out


def propagate_merge(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None = None,
    row_scale: Tensor | None = None,
    *,
    coefficients: Sequence[float],
    normalize: bool = False,
    squares: Tensor | None = None,
) -> Tensor:
    r"""Weighted sum of the powers of a sparse matrix applied to a matrix, in one pass per power.

    .. math:: U = \sum_{k=0}^{q} c_k \, N(H_k), \qquad H_0 = \text{start}, \quad
        H_k = s \circ (A H_{k-1})

    N is the identity, or divides every row by its Euclidean norm (zero rows stay zero); what is
    propagated is never normalised. Orders with coefficient zero are propagated only, and nothing
    beyond the last other one.

    Args:
        start (Tensor): ``(N, D)`` float32, float64 or bfloat16 (storage of the powers; the result
            is then float32).
        rowptr (Tensor): int64 ``(N + 1,)``.
        col (Tensor): int32 ``(E,)``, in ``[0, N)``.
        weight (Tensor, optional): ``(E,)``; ones when missing.
        row_scale (Tensor, optional): ``(N,)``; ones when missing.
        coefficients (Sequence[float]): :math:`c_0, \dots, c_q`, finite.
        normalize (bool): Whether N divides by norms.
        squares (Tensor, optional): ``(K, N)`` float64, squared norms for the K orders with a
            coefficient other than zero, where ``start`` is a panel of the columns; see
            :func:`propagate_squares`.

    Returns:
        Tensor: ``(N, D)``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: From ``backward``: use :func:`propagate` where a gradient is needed.

    Complexity: O(q E D) time; two ``(N, D)`` buffers beside the result (none for one power).
    Determinism: bitwise for a given device, whatever the number of threads; and, given
    ``squares``, of columns.
    """
    weight, row_scale = _check_square(start, rowptr, col, weight, row_scale)
    numbers = _check_coefficients(coefficients)
    if squares is not None:
        rows, used = start.size(0), _used(numbers)
        check_matrix(squares, "squares", rows=used, cols=rows, finite=False)
        check_same_device(start=start, squares=squares)
        squares = squares.double()
    out: Tensor = torch.ops.graphlab.propagate_merge(
        start, rowptr, col, weight, row_scale, numbers, bool(normalize), squares
    )
    return out


def propagate_squares(
    start: Tensor,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None = None,
    row_scale: Tensor | None = None,
    *,
    coefficients: Sequence[float],
) -> Tensor:
    """Squared row norms of the powers that :func:`propagate_merge` merges, for a column panel.

    Added up over all panels with :func:`graphlab.ops.reference.add_blocks` (in the order of the
    columns, panels starting at multiples of 16), they are the ``squares`` of ``propagate_merge``,
    which then gives every panel the bits that it has in the whole matrix.

    Args:
        start (Tensor): ``(N, D)``, columns of the panel.
        rowptr (Tensor): int64 ``(N + 1,)``.
        col (Tensor): int32 ``(E,)``.
        weight (Tensor, optional): ``(E,)``.
        row_scale (Tensor, optional): ``(N,)``.
        coefficients (Sequence[float]): As for ``propagate_merge``.

    Returns:
        Tensor: ``(K, N, ceil(D / 16))`` float64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(q E D) time.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    weight, row_scale = _check_square(start, rowptr, col, weight, row_scale)
    out: Tensor = torch.ops.graphlab.propagate_squares(
        start, rowptr, col, weight, row_scale, _check_coefficients(coefficients)
    )
    return out


def _check_square(
    start: Tensor, rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    pair = _check_graph(start, "start", rowptr, col, weight, row_scale)
    if start.size(0) != rowptr.numel() - 1:
        raise ValueError(
            f"start must have {rowptr.numel() - 1} rows, one per row of the graph, "
            f"got shape {tuple(start.shape)}"
        )
    return pair


def _check_graph(
    h: Tensor,
    name: str,
    rowptr: Tensor,
    col: Tensor,
    weight: Tensor | None,
    row_scale: Tensor | None,
) -> tuple[Tensor | None, Tensor | None]:
    """Check everything; return weight and row_scale in the dtype of the sums."""
    check_matrix(h, name, finite=False)
    if h.dtype not in _STORAGE:
        raise TypeError(f"{name} must be float32, float64 or bfloat16, got {h.dtype}")
    if check_tensor(col, "col").dtype != torch.int32 or col.dim() != 1:
        raise TypeError(f"col must be int32 and 1-D, got {col.dtype} {tuple(col.shape)}")
    check_pointers(rowptr, col.numel(), "rowptr")
    check_same_device(**{name: h}, rowptr=rowptr, col=col, weight=weight, row_scale=row_scale)
    check_range(col, h.size(0), "col")
    return (
        _check_vector(weight, "weight", col.numel(), h.dtype),
        _check_vector(row_scale, "row_scale", rowptr.numel() - 1, h.dtype),
    )


def _check_vector(
    value: Tensor | None, name: str, length: int, storage: torch.dtype
) -> Tensor | None:
    if value is None:
        return None
    if not check_tensor(value, name).is_floating_point() or value.shape != (length,):
        raise ValueError(
            f"{name} must be floating point of shape ({length},), "
            f"got {value.dtype} {tuple(value.shape)}"
        )
    return value.to(_wide(storage))


def _check_coefficients(coefficients: Sequence[float]) -> list[float]:
    numbers = [float(c) for c in coefficients]
    for k, number in enumerate(numbers):
        if not math.isfinite(number):
            raise ValueError(f"coefficients must be finite, but coefficients[{k}] = {number}")
    return numbers
