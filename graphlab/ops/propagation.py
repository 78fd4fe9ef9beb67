"""Sparse row sums and their iteration: the engine of FastRP and of topological concentration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._autograd import refuse_transforms
from graphlab._checks import check_matrix, check_real, check_same_device
from graphlab.ops import reference
from graphlab.ops._loose_rows import takes_loose_rows
from graphlab.ops.csr import SparseRows, check_rows, scaled_weight, transpose
from graphlab.ops.library import call, define

__all__ = ["propagate", "propagate_dot", "propagate_merge", "propagate_squares"]

_STORAGE = (torch.float32, torch.float64, torch.bfloat16)
_NO_GRADIENT = "propagate has no derivative with respect to weight and row_scale: detach them"
#: Row pointers, columns, weights and scales of the rows, as the operators take them.
_Graph = tuple[Tensor, Tensor, Tensor | None, Tensor | None]


def _transposed(
    rowptr: Tensor, col: Tensor, weight: Tensor | None, row_scale: Tensor | None, num_cols: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Rows of the transpose of ``diag(row_scale) A``."""
    rowptr_t, row, order = transpose(rowptr, col, num_cols)
    return rowptr_t, row, scaled_weight(weight, row_scale, row, order)


def _refuse_graph_gradient(ctx: Any, first: int) -> None:
    if any(ctx.needs_input_grad[first : first + 2]):
        raise NotImplementedError(_NO_GRADIENT)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    h, rowptr, col, weight, row_scale = inputs
    ctx.save_for_backward(rowptr, col, weight, row_scale)
    ctx.num_cols = h.shape[0]


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    _refuse_graph_gradient(ctx, 3)
    rowptr, col, weight, row_scale = ctx.saved_tensors
    graph_t = _transposed(rowptr, col, weight, row_scale, ctx.num_cols)
    grad_h = call("propagate", grad.contiguous(), *graph_t, None)
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
        grad_h = call("propagate", scaled, *graph_t, None)
    if ctx.needs_input_grad[1]:
        sums = call("propagate", h, rowptr, col, weight, row_scale)
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


@takes_loose_rows(1)
def propagate(h: Tensor, rows: SparseRows, *, transposed: SparseRows | None = None) -> Tensor:
    r"""Sparse matrix times dense rows, scaled.

    .. math:: H_i = s_i \sum_{j \in \mathcal{N}(i)} w_{ij} h_j

    Args:
        h (Tensor): ``(M, D)`` float32, float64 or bfloat16 (which is a storage format: the sums
            are float32).
        rows (SparseRows): The matrix: N rows, M columns, E entries.
        transposed (SparseRows, optional): Its transpose, where a training keeps it: ``backward``
            then sorts nothing.

    Returns:
        Tensor: ``(N, D)``, dtype of ``h``; zero for an empty row.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: From ``backward``, if a weight or a scale wants a gradient.
            The derivative to ``h`` is the same operator on the transpose, of any order.

    Complexity: O(E D) time, no temporaries; backward sorts the E columns unless it is given
    ``transposed``.
    Determinism: bitwise for a given device, whatever the number of threads and of columns.

    Example:
        >>> rows = SparseRows.from_edge_index(torch.tensor([[0, 0], [0, 1]]), 2)
        >>> propagate(torch.tensor([[1.0], [2.0]]), rows).tolist()
        [[3.0], [0.0]]
    """
    graph = _check_graph(h, "h", rows)
    if transposed is None:
        out: Tensor = call("propagate", h, *graph)
        return out
    graph_t = _check_transposed(h, rows, transposed)
    refuse_transforms("propagate")
    out = _BothWays.apply(h, graph, graph_t)  # type: ignore[no-untyped-call]
    return out


class _BothWays(torch.autograd.Function):
    """Product with a matrix whose transpose is known; the operator alone would sort for it."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, graph: _Graph, graph_t: _Graph) -> Tensor:
        ctx.graphs = graph, graph_t
        return call("propagate", h, *graph)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        graph, graph_t = ctx.graphs
        # By itself again: a derivative of any order stays on prepared matrices.
        return _BothWays.apply(grad.contiguous(), graph_t, graph), None, None  # type: ignore[no-untyped-call]


@takes_loose_rows(2)
def propagate_dot(h: Tensor, other: Tensor, rows: SparseRows) -> Tensor:
    r"""Inner products of propagated rows with other rows; the propagated rows are never stored.

    .. math:: r_i = s_i \sum_{j \in \mathcal{N}(i)} w_{ij} \langle h_j, o_i \rangle

    Args:
        h (Tensor): ``(M, D)``, see :func:`propagate`.
        other (Tensor): ``(N, D)``, dtype of ``h``.
        rows (SparseRows): The matrix: N rows, M columns.

    Returns:
        Tensor: ``(N,)``; float32 for bfloat16 rows, else dtype of ``h``. Products are added in
        float64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
        NotImplementedError: From ``backward``, if a weight or a scale wants a gradient.

    Complexity: O(E D) time.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    graph = _check_graph(h, "h", rows)
    check_matrix(other, "other", rows=rows.num_rows, cols=h.size(1), finite=False)
    if other.dtype != h.dtype:
        raise TypeError(f"other must have the dtype of h, {h.dtype}, got {other.dtype}")
    check_same_device(h=h, other=other)
    out: Tensor = call("propagate_dot", h, other, *graph)
    return out


@takes_loose_rows(1)
def propagate_merge(
    start: Tensor,
    rows: SparseRows,
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
        rows (SparseRows): The square matrix A with its scales s.
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
    graph = _check_square(start, rows)
    numbers = _check_coefficients(coefficients)
    if squares is not None:
        used = _used(numbers)
        check_matrix(squares, "squares", rows=used, cols=start.size(0), finite=False)
        check_same_device(start=start, squares=squares)
        squares = squares.double()
    out: Tensor = call("propagate_merge", start, *graph, numbers, bool(normalize), squares)
    return out


@takes_loose_rows(1)
def propagate_squares(start: Tensor, rows: SparseRows, *, coefficients: Sequence[float]) -> Tensor:
    """Squared row norms of the powers that :func:`propagate_merge` merges, for a column panel.

    Added up over all panels with :func:`graphlab.ops.reference.add_blocks` (in the order of the
    columns, panels starting at multiples of 16), they are the ``squares`` of ``propagate_merge``,
    which then gives every panel the bits that it has in the whole matrix.

    Args:
        start (Tensor): ``(N, D)``, columns of the panel.
        rows (SparseRows): The square matrix, as for ``propagate_merge``.
        coefficients (Sequence[float]): As for ``propagate_merge``.

    Returns:
        Tensor: ``(K, N, ceil(D / 16))`` float64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(q E D) time.
    Determinism: bitwise for a given device, whatever the number of threads.
    """
    graph = _check_square(start, rows)
    out: Tensor = call("propagate_squares", start, *graph, _check_coefficients(coefficients))
    return out


def _check_square(start: Tensor, rows: SparseRows) -> _Graph:
    graph = _check_graph(start, "start", rows)
    if rows.num_rows != rows.num_cols:
        raise ValueError(f"rows must be square, got {rows.num_rows} x {rows.num_cols}")
    return graph


def _check_graph(h: Tensor, name: str, rows: SparseRows) -> _Graph:
    """Check everything; return the matrix with its values in the dtype of the sums."""
    check_matrix(h, name, finite=False)
    if h.dtype not in _STORAGE:
        raise TypeError(f"{name} must be float32, float64 or bfloat16, got {h.dtype}")
    check_rows(rows, "rows")
    if h.size(0) != rows.num_cols:
        raise ValueError(
            f"{name} must have {rows.num_cols} rows, one per column of the matrix, "
            f"got shape {tuple(h.shape)}"
        )
    check_same_device(**{name: h}, rows=rows.rowptr)
    rows.check_values()
    return _values(rows, _wide(h.dtype))


def _check_transposed(h: Tensor, rows: SparseRows, transposed: SparseRows) -> _Graph:
    check_rows(transposed, "transposed")
    sizes = (transposed.num_rows, transposed.num_cols, transposed.num_edges)
    if sizes != (rows.num_cols, rows.num_rows, rows.num_edges):
        raise ValueError(f"transposed must be the transpose of {rows}, got {transposed}")
    graph = _values(rows, _wide(h.dtype))
    if any(t is not None and t.requires_grad for t in graph[2:]):
        raise NotImplementedError(_NO_GRADIENT)
    transposed.check_values()
    return _values(transposed, _wide(h.dtype))


def _values(rows: SparseRows, dtype: torch.dtype) -> _Graph:
    weight, row_scale = (
        None if value is None else value.to(dtype) for value in (rows.weight, rows.row_scale)
    )
    return rows.rowptr, rows.col, weight, row_scale


def _check_coefficients(coefficients: Sequence[float]) -> list[float]:
    if isinstance(coefficients, (str, bytes)) or not isinstance(coefficients, Iterable):
        kind = type(coefficients).__name__
        raise TypeError(f"coefficients must be a sequence of numbers, got {kind}")
    return [check_real(c, f"coefficients[{k}]") for k, c in enumerate(coefficients)]
