"""Definition of sums and extremes of messages over the typed edges of a graph."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from graphlab.ops.reference.rows import chunks

#: Messages of an edge from u of type t: the product or the sum of their rows.
DISTMULT, TRANSE = 0, 1
#: What becomes of the messages of a row and its boundary.
SUM, MEAN, MAX, MIN, SQUARE_MEAN = 0, 1, 2, 3, 4


def relational_propagate(
    x: Tensor,
    table: Tensor,
    boundary: Tensor,
    rowptr: Tensor,
    source: Tensor,
    type: Tensor,
    rowptr_t: Tensor | None,
    target_t: Tensor | None,
    type_t: Tensor | None,
    typeptr: Tensor | None,
    type_source: Tensor | None,
    type_target: Tensor | None,
    message: int,
    reduce: int,
    even: bool,
) -> Tensor:
    """Messages ``x[source] * table[type]``, or their sum, and the boundary, reduced per row.

    The other orders of the entries serve the derivative alone.

    Returns:
        Tensor: ``(R, B, D)``.
    """
    count = rowptr.diff().to(x.dtype).view(-1, 1, 1) + 1
    if reduce in (MAX, MIN):
        return _extreme(x, table, boundary, rowptr, source, type, message, reduce, even)
    out = boundary.square() if reduce == SQUARE_MEAN else boundary
    for _, row, value in _messages(x, table, rowptr, source, type, message):
        out = out.index_add(0, row, value.square() if reduce == SQUARE_MEAN else value)
    # An operator must return a new tensor, but without messages ``out`` is still the boundary.
    return out.clone() if reduce == SUM else out / count


def _extreme(
    x: Tensor,
    table: Tensor,
    boundary: Tensor,
    rowptr: Tensor,
    source: Tensor,
    type: Tensor,
    message: int,
    reduce: int,
    even: bool,
) -> Tensor:
    graph = rowptr, source, type
    with torch.no_grad():
        out = boundary.detach().clone()
        kind = "amax" if reduce == MAX else "amin"
        for _, row, value in _messages(x, table, *graph, message):
            index = row.view(-1, 1, 1).expand_as(value)
            out.scatter_reduce_(0, index, value, kind, include_self=True)
    if not (torch.is_grad_enabled() and any(t.requires_grad for t in (x, table, boundary))):
        return out
    # The sums below add zeros to the value, but their derivative is that of the rule for ties.
    ones = torch.ones_like(out)
    share, own = relational_shares(ones, out, x, table, boundary, *graph, message, even)
    result = out + own * (boundary - boundary.detach())
    for _, row, value in _messages(x, table, *graph, message):
        part = torch.where(value == out[row], share[row], 0.0) * (value - value.detach())
        result = result.index_add(0, row, part)
    return result


def relational_shares(
    grad: Tensor,
    out: Tensor,
    x: Tensor,
    table: Tensor,
    boundary: Tensor,
    rowptr: Tensor,
    source: Tensor,
    type: Tensor,
    message: int,
    even: bool,
) -> tuple[Tensor, Tensor]:
    """What one tied message, and the boundary, receive of the gradient of an extreme.

    Evenly: what ties shares. Otherwise every tied message receives all that the messages receive,
    which is half of it where the boundary ties too.

    Returns:
        tuple: Of every tied message and of the boundary, ``(R, B, D)`` each.
    """
    ties = torch.zeros_like(out)
    for _, row, value in _messages(x.detach(), table.detach(), rowptr, source, type, message):
        ties = ties.index_add(0, row, (value == out[row]).to(out.dtype))
    own = (boundary.detach() == out).to(out.dtype)
    parts = ties + own if even else (ties > 0).to(out.dtype) + own
    share = torch.where(parts > 0, grad / parts.clamp(min=1), torch.zeros_like(grad))
    return share, share * own


def relational_source_grad(
    share: Tensor,
    out: Tensor,
    x: Tensor,
    table: Tensor,
    rowptr_t: Tensor,
    target_t: Tensor,
    type_t: Tensor,
    message: int,
    reduce: int,
) -> Tensor:
    """Gradient of the sources: ``(M, B, D)``, from the entries by source.

    ``share`` (R, B, D) is the gradient of one message but for what follows from the message itself:
    its value for the mean of squares, whether it is the extreme ``out`` for an extreme.
    """
    grad = torch.zeros_like(x, memory_format=torch.contiguous_format)
    for part, row, value in _messages(x, table, rowptr_t, None, type_t, message):
        target = target_t[part].long()
        weight = _of_message(value, share, out, target, reduce)
        factor = weight * table[type_t[part].long()].unsqueeze(1) if message == DISTMULT else weight
        grad = grad.index_add(0, row, factor)
    return grad


def relational_table_grad(
    share: Tensor,
    out: Tensor,
    x: Tensor,
    table: Tensor,
    typeptr: Tensor,
    type_source: Tensor,
    type_target: Tensor,
    message: int,
    reduce: int,
) -> Tensor:
    """Gradient of the table: ``(T, D)``, from the entries by type; see the gradient above."""
    grad = table.new_zeros(table.shape, dtype=torch.float64)
    for part, row, value in _messages(x, table, typeptr, type_source, None, message):
        weight = _of_message(value, share, out, type_target[part].long(), reduce)
        factor = weight * x[type_source[part].long()] if message == DISTMULT else weight
        grad = grad.index_add(0, row, factor.sum(1, dtype=torch.float64))
    return grad.to(table.dtype)


def _of_message(value: Tensor, share: Tensor, out: Tensor, target: Tensor, reduce: int) -> Tensor:
    """Gradient of messages ``(n, B, D)`` into the given rows."""
    weight = share[target]
    if reduce == SQUARE_MEAN:
        return weight * value
    if reduce in (MAX, MIN):
        return torch.where(value == out[target], weight, torch.zeros_like(weight))
    return weight


def _messages(
    x: Tensor,
    table: Tensor,
    pointers: Tensor,
    source: Tensor | None,
    type: Tensor | None,
    message: int,
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Pieces of the entries, the rows of their pointers, and their messages ``(n, B, D)``.

    Sources or types that are missing are the rows of the pointers.
    """
    known = source if source is not None else type
    total = 0 if known is None else known.numel()
    rows = torch.arange(pointers.numel() - 1, device=pointers.device)
    row = torch.repeat_interleave(rows, pointers.diff(), output_size=total)
    for part in chunks(total, x.size(1) * x.size(2)):
        first = x[row[part] if source is None else source[part].long()]
        second = table[row[part] if type is None else type[part].long()].unsqueeze(1)
        yield part, row[part], first * second if message == DISTMULT else first + second
