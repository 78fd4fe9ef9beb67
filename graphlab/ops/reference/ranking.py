"""Definition of ranks and of best rows among all products, without the matrix of products."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._top_columns import top_columns
from graphlab.ops.reference.pairwise import EXCLUDE
from graphlab.ops.reference.rows import chunks

#: Odd factors, one for every place of a row in turn, by which equal rows are found.
_FACTORS = (-7046029254386353131, -4417276706812531889, 1609587929392839161, -8796714831421723037)


def pairwise_rank(
    x: Tensor, y: Tensor, truth: Tensor, filter_ptr: Tensor | None, filter: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Other rows of y with a greater product than the truth, and with the same, ``(rows of x,)``.

    Equal rows of y have equal products: each of them is multiplied once.
    """
    first, copy = _distinct_rows(y)
    twins = first.numel() < y.size(0)
    distinct = y[first] if twins else y
    greater = torch.zeros(x.size(0), dtype=torch.int64, device=x.device)
    equal = torch.zeros_like(greater)
    for rows in chunks(x.size(0), 2 * y.size(0)):
        score = x[rows] @ distinct.t()
        score = score[:, copy] if twins else score
        own = truth[rows, None]
        bar = score.gather(1, own)
        score.scatter_(1, own, -torch.inf)
        block(score, rows, filter_ptr, filter)
        greater[rows] = (score > bar).sum(1)
        equal[rows] = (score == bar).sum(1)
    return greater, equal


def _distinct_rows(y: Tensor) -> tuple[Tensor, Tensor]:
    """A row for each group of equal ones, and the group of every row."""
    if y.numel() == 0:
        every = torch.arange(y.size(0), device=y.device)
        return every[: min(1, y.size(0))], torch.zeros_like(every)
    bits = (y + 0.0).contiguous()  # negative zeros are zeros
    bits = bits.view(torch.int64 if bits.dtype == torch.float64 else torch.int32).long()
    place = torch.arange(y.size(1), device=y.device)
    factor = torch.tensor(_FACTORS, device=y.device)[place % len(_FACTORS)] + 2 * place
    mixed = (bits ^ (bits >> 15)) * factor
    _, group = (mixed ^ (mixed >> 29)).sum(1).unique(return_inverse=True)
    first = _any_member(group)
    if not bool((y[first][group] == y).all()):  # two rows with one sum
        _, group = (y + 0.0).unique(dim=0, return_inverse=True)
        first = _any_member(group)
    return first, group


def _any_member(group: Tensor) -> Tensor:
    """The last member of every group."""
    first = torch.zeros(int(group.max()) + 1, dtype=torch.int64, device=group.device)
    every = torch.arange(group.numel(), device=group.device)
    return first.scatter_reduce(0, group, every, "amax")


def block(score: Tensor, rows: slice, ptr: Tensor | None, columns: Tensor | None) -> None:
    """Write -inf where a row of the filter names a column; ``rows`` are those of the scores."""
    if ptr is None or columns is None:
        return
    part = ptr[rows.start : rows.stop + 1]
    row = torch.repeat_interleave(torch.arange(len(part) - 1, device=score.device), part.diff())
    score[row, columns[part[0] : part[-1]]] = -torch.inf


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
