"""Definition of the random walks with restart."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab._random import philox_uint32
from graphlab.ops.reference.rows import chunks


def random_walk(
    rowptr: Tensor, col: Tensor, start: Tensor, seed: int, stream: int, length: int, restart: float
) -> Tensor:
    """Walks of ``length`` steps from the nodes ``start``; int32 ``(P, length + 1)``.

    Column 0 is the start. Step t draws the words of columns 2 t and 2 t + 1 of the row named by the
    start. The walk returns to its start if the first word is below ``floor(restart * 2**32 + 1/2)``
    or the present node has no neighbour, which is written as -1; otherwise the second word u
    chooses neighbour ``floor(u * degree / 2**32)``.
    """
    walks = torch.empty(start.numel(), length + 1, dtype=torch.int32, device=start.device)
    limit = math.floor(restart * 2.0**32 + 0.5)
    for part in chunks(start.numel(), 64 * (length + 1)):
        words = philox_uint32(seed % 2**64, start[part], 0, 2 * length, stream)
        home = start[part]
        at = home
        walks[part, 0] = home.int()
        for step in range(length):
            first = rowptr[at]
            degree = rowptr[at + 1] - first
            back = (words[:, 2 * step] < limit) | (degree == 0)
            chosen = first + ((words[:, 2 * step + 1] * degree) >> 32)
            following = col[torch.where(back, 0, chosen)].long() if col.numel() else home
            at = torch.where(back, home, following)
            walks[part, step + 1] = torch.where(back, -1, at).int()
    return walks
