"""Definition of ranks and of best rows among all products, without the matrix of products."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._top_columns import top_columns
from graphlab.ops.reference.pairwise import EXCLUDE
from graphlab.ops.reference.rows import chunks

#: Odd factors of a hash, one for every place of a row in turn: rows of equal hashes are compared.
_FACTORS = (-7046029254386353131, -4417276706812531889, 1609587929392839161, -8796714831421723037)


def pairwise_rank(
    x: Tensor,
    y: Tensor,
    truth: Tensor,
    truth_ptr: Tensor | None,
    filter_ptr: Tensor | None,
    filter: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Other rows of y with a greater product than a truth, and with the same, ``(truths,)``.

    Equal rows of y have equal products: each of them is multiplied once.
    """
    first, copy = _distinct_rows(y)
    twins = first.numel() < y.size(0)
    distinct = y[first] if twins else y
    greater, equal = torch.zeros_like(truth), torch.zeros_like(truth)
    for rows in chunks(x.size(0), 3 * y.size(0)):
        score = x[rows] @ distinct.t()
        score = score[:, copy] if twins else score
        first_truth, row = _truths_of(rows, truth_ptr, truth.device)
        bar = score[row, truth[first_truth : first_truth + row.numel()]]
        block(score, rows, filter_ptr, filter, torch.nan)
        for part in chunks(row.numel(), 3 * y.size(0)):
            at = slice(first_truth + part.start, first_truth + part.stop)
            others = score[row[part]].scatter_(1, truth[at, None], torch.nan)
            greater[at] = (others > bar[part, None]).sum(1)
            equal[at] = (others == bar[part, None]).sum(1)
    return greater, equal


def _truths_of(rows: slice, ptr: Tensor | None, device: torch.device) -> tuple[int, Tensor]:
    """The first truth of some rows, and the row of each of their truths within these rows."""
    every = torch.arange(rows.stop - rows.start, device=device)
    if ptr is None:
        return rows.start, every
    part = ptr[rows.start : rows.stop + 1]
    return int(part[0]), torch.repeat_interleave(every, part.diff())


def _distinct_rows(y: Tensor) -> tuple[Tensor, Tensor]:
    """A row for each group of equal ones, and the group of every row."""
    if y.numel() == 0:
        every = torch.arange(y.size(0), device=y.device)
        return every[: min(1, y.size(0))], torch.zeros_like(every)
    bits = (y + 0.0).contiguous()  # the sum turns -0.0, which equals 0.0, into it
    bits = bits.view(torch.int64 if bits.dtype == torch.float64 else torch.int32).long()
    place = torch.arange(y.size(1), device=y.device)
    factor = torch.tensor(_FACTORS, device=y.device)[place % len(_FACTORS)] + 2 * place
    mixed = (bits ^ (bits >> 15)) * factor
    _, group = (mixed ^ (mixed >> 29)).sum(1).unique(return_inverse=True)
    first = _any_member(group)
    if not bool((y[first][group] == y).all()):  # different rows, one hash
        _, group = (y + 0.0).unique(dim=0, return_inverse=True)
        first = _any_member(group)
    return first, group


def _any_member(group: Tensor) -> Tensor:
    """The last member of every group."""
    first = torch.zeros(int(group.max()) + 1, dtype=torch.int64, device=group.device)
    every = torch.arange(group.numel(), device=group.device)
    return first.scatter_reduce(0, group, every, "amax")


def block(
    score: Tensor,
    rows: slice,
    ptr: Tensor | None,
    columns: Tensor | None,
    value: float = -torch.inf,
) -> None:
    """Write ``value`` where a row of the filter names a column; ``rows`` are the scores'."""
    if ptr is None or columns is None:
        return
    part = ptr[rows.start : rows.stop + 1]
    row = torch.repeat_interleave(torch.arange(len(part) - 1, device=score.device), part.diff())
    score[row, columns[part[0] : part[-1]]] = value


def pairwise_topk(
    x: Tensor,
    y: Tensor,
    k: int,
    diagonal: int,
    filter_ptr: Tensor | None,
    filter: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Largest products of every row of x and their rows of y, ``(rows of x, k)``; -inf and -1."""
    value = x.new_full((x.size(0), k), -torch.inf)
    index = torch.full((x.size(0), k), -1, dtype=torch.int64, device=x.device)
    width = min(k, y.size(0))
    for rows in chunks(x.size(0), y.size(0)):
        score = x[rows] @ y.t()
        if diagonal == EXCLUDE:
            at = torch.arange(rows.start, min(rows.stop, y.size(0)), device=x.device)
            score[at - rows.start, at] = -torch.inf
        block(score, rows, filter_ptr, filter)
        best, column = top_columns(score, width)
        value[rows, :width] = best
        index[rows, :width] = column.masked_fill(best == -torch.inf, -1)
    return value, index
