"""Messages over the typed edges of a knowledge graph, reduced at their targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_matrix,
    check_same_device,
    check_tensor,
)
from graphlab.ops import reference
from graphlab.ops.library import call, define
from graphlab.ops.relational_rows import (
    RelationalRows,
    check_relational_rows,
    entries_by_source,
    entries_by_type,
)

__all__ = ["relational_propagate"]

Message = Literal["distmult", "transe"]
Reduction = Literal["sum", "mean", "max", "min", "square_mean"]
Ties = Literal["even", "reference"]

_MESSAGES: dict[Message, int] = {"distmult": reference.DISTMULT, "transe": reference.TRANSE}
_REDUCTIONS: dict[Reduction, int] = {
    "sum": reference.SUM,
    "mean": reference.MEAN,
    "max": reference.MAX,
    "min": reference.MIN,
    "square_mean": reference.SQUARE_MEAN,
}
_TIES: tuple[Ties, ...] = ("even", "reference")


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, message, reduce, even = inputs
    ctx.save_for_backward(output, *tensors)
    ctx.rules = message, reduce, even


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    out, x, table, boundary, rowptr, source, kind, *orders = ctx.saved_tensors
    message, reduce, even = ctx.rules
    graph = rowptr, source, kind
    share = own = grad.contiguous()
    if reduce in (reference.MEAN, reference.SQUARE_MEAN):
        share = own = grad / (rowptr.diff().to(grad.dtype).view(-1, 1, 1) + 1)
        if reduce == reference.SQUARE_MEAN:
            share = 2 * share
            own = share * boundary
    elif reduce in (reference.MAX, reference.MIN):
        share, own = call(
            "relational_shares", share, out, x, table, boundary, *graph, message, even
        )
    grad_x = grad_table = None
    if ctx.needs_input_grad[0]:
        by_source = orders[:3] if orders[0] is not None else entries_by_source(*graph, x.shape[0])
        grad_x = call("relational_source_grad", share, out, x, table, *by_source, message, reduce)
    if ctx.needs_input_grad[1]:
        by_type = orders[3:] if orders[3] is not None else entries_by_type(*graph, table.shape[0])
        grad_table = call("relational_table_grad", share, out, x, table, *by_type, message, reduce)
    return (grad_x, grad_table, own, *(None,) * 12)


_ROWS = "Tensor rowptr, Tensor source, Tensor type"
_ORDERS = (
    "Tensor? rowptr_t, Tensor? target_t, Tensor? type_t, "
    "Tensor? typeptr, Tensor? type_source, Tensor? type_target"
)
define(
    f"relational_propagate(Tensor x, Tensor table, Tensor boundary, {_ROWS}, {_ORDERS}, "
    "int message, int reduce, bool even) -> Tensor",
    reference.relational_propagate,
    lambda x, table, boundary, *_: x.new_empty(boundary.shape),
    setup_context=_setup,
    backward=_backward,
)
define(
    f"relational_shares(Tensor grad, Tensor out, Tensor x, Tensor table, Tensor boundary, {_ROWS}, "
    "int message, bool even) -> (Tensor, Tensor)",
    reference.relational_shares,
    lambda grad, *_: (grad.new_empty(grad.shape), grad.new_empty(grad.shape)),
)
define(
    "relational_source_grad(Tensor share, Tensor out, Tensor x, Tensor table, Tensor rowptr_t, "
    "Tensor target_t, Tensor type_t, int message, int reduce) -> Tensor",
    reference.relational_source_grad,
    lambda share, out, x, *_: x.new_empty(x.shape),
)
define(
    "relational_table_grad(Tensor share, Tensor out, Tensor x, Tensor table, Tensor typeptr, "
    "Tensor type_source, Tensor type_target, int message, int reduce) -> Tensor",
    reference.relational_table_grad,
    lambda share, out, x, table, *_: table.new_empty(table.shape),
)


def relational_propagate(
    x: Tensor,
    table: Tensor,
    rows: RelationalRows,
    boundary: Tensor,
    *,
    message: Message = "distmult",
    reduce: Reduction = "sum",
    ties: Ties = "even",
) -> Tensor:
    r"""Messages over typed edges, reduced at every target together with a boundary.

    .. math:: H_v = \bigoplus \big(\{ m(x_u, T_t) : u \xrightarrow{t} v \} \cup \{ b_v \}\big),
        \qquad m(x, T) = x \odot T \text{ or } x + T

    The layer of NBFNet, ULTRA and GFM-RAG, and without a boundary (zeros) the sums of DistMult and
    TransE messages of relational GNNs. B queries share the graph and the rows of the types.

    Args:
        x (Tensor): Rows of the sources, floating point ``(M, B, D)``; half precision is read as
            float32.
        table (Tensor): Row of every type, floating point ``(T, D)``.
        rows (RelationalRows): Edges by target: N rows, M columns, T types.
        boundary (Tensor): One more message into every target, floating point
            ``(N, B, D)``.
        message (str): ``"distmult"``, products; or ``"transe"``, sums.
        reduce (str): ``"sum"``; ``"mean"``, divided by the in-degree + 1; ``"max"``; ``"min"``; or
            ``"square_mean"``, the mean of the squares, from which standard deviations follow
            (``"mean"``, ``"max"``, ``"min"`` and these are the statistics of PNA).
        ties (str): Who receives the gradient of an extreme that several messages reach. ``"even"``:
            all share it, as in ``torch.amax``. ``"reference"``: as in the kernels of NBFNet, each
            tied edge receives all of it; where the boundary ties too, it receives half and each
            tied edge the other half.

    Returns:
        Tensor: ``(N, B, D)``, float64 if an argument is, else float32. The gradient flows to ``x``,
        ``table`` and ``boundary``; it has no derivative itself.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(E B D) time, O(N B D + T D) memory; nothing of size E B D is stored. Backward
    reads the edges by source and by type, orders that ``rows`` keeps.
    Determinism: bitwise for a given device where compiled, whatever the number of threads.

    Example:
        >>> rows = RelationalRows.from_edge_index(
        ...     torch.tensor([[0, 1], [1, 1]]), torch.tensor([0, 0]), 2, 1
        ... )
        >>> x, table = torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([[3.0]])
        >>> relational_propagate(x, table, rows, torch.zeros(2, 1, 1)).flatten().tolist()
        [0.0, 9.0]
    """
    check_relational_rows(rows, "rows")
    _check_cube(x, "x", rows.num_cols)
    size = x.shape[1:]
    check_matrix(table, "table", rows=rows.num_types, cols=size[1], finite=False)
    _check_cube(boundary, "boundary", rows.num_rows, size)
    rules = (
        _MESSAGES[check_choice(message, "message", tuple(_MESSAGES))],
        _REDUCTIONS[check_choice(reduce, "reduce", tuple(_REDUCTIONS))],
        check_choice(ties, "ties", _TIES) == "even",
    )
    check_same_device(x=x, table=table, boundary=boundary, rows=rows.rows.rowptr)
    rows.check_values()
    wide = torch.float64 in (x.dtype, table.dtype, boundary.dtype)
    values = (v.to(torch.float64 if wide else torch.float32) for v in (x, table, boundary))
    graph = rows.rows.rowptr, rows.rows.col, rows.type
    orders: Sequence[Tensor | None] = (None,) * 6
    if torch.is_grad_enabled() and (x.requires_grad or table.requires_grad):
        orders = (*rows.by_source, *rows.by_type)
    out: Tensor = call("relational_propagate", *values, *graph, *orders, *rules)
    return out


def _check_cube(x: Tensor, name: str, rows: int, size: Sequence[int] | None = None) -> None:
    """Require rows ``(rows, B, D)``, optionally of given B and D."""
    if not check_tensor(x, name).is_floating_point():
        raise TypeError(f"{name} must be floating point, got dtype {x.dtype}")
    if x.dim() != 3:
        raise ValueError(f"{name} must be 3-D (rows, batch, features), got shape {tuple(x.shape)}")
    if x.size(0) != rows or (size is not None and x.shape[1:] != size):
        expected = f"{rows} rows" if size is None else f"shape {(rows, *size)}"
        raise ValueError(f"{name} must have {expected}, got shape {tuple(x.shape)}")
