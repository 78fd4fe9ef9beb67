"""The largest entries of every row, of equal ones the first."""

from __future__ import annotations

import torch
from torch import Tensor

__all__: list[str] = []


def top_columns(score: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Values and columns ``(B, k)`` of the largest entries, as a stable sort of the rows has them.

    ``torch.topk`` leaves open which of equal entries it takes; a sort of whole rows costs twenty
    times as much.

    Args:
        score (Tensor): ``(B, N)`` without NaN.
        k (int): In [0, N].
    """
    value, column = torch.topk(score, k, dim=1)
    if k == 0 or score.size(0) == 0:
        return value, column
    least = value[:, -1:]
    # Rows where more entries than are wanted equal the last of them.
    torn = ((score >= least).sum(dim=1) > k).nonzero().view(-1)
    if torn.numel():
        rows, edge = score[torn], least[torn]
        equal = rows == edge
        above = rows > edge
        left = k - above.sum(dim=1, keepdim=True)
        chosen = above | (equal & (equal.cumsum(dim=1) <= left))
        column[torn] = chosen.nonzero()[:, 1].view(-1, k)
    column = column.sort(dim=1).values
    value = score.gather(1, column)
    order = torch.sort(value, dim=1, descending=True, stable=True).indices
    return value.gather(1, order), column.gather(1, order)
