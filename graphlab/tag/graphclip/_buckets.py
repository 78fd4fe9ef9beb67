"""Graphs of a batch grouped by size, so that dense work pads little."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

#: Sizes are rounded up to a multiple of this, at least: fewer groups, little padding.
_STEP = 4


class Bucket(NamedTuple):
    """Graphs of similar size as rows of one table.

    Attributes:
        node: Node of every place, ``(G, n)``; padding repeats the first node of the graph.
        mask: ``(G, n)``, true where there is a node; None if every place has one.
    """

    node: Tensor
    mask: Tensor | None


def graph_pointers(batch: Tensor, num_graphs: int) -> Tensor:
    """First node of every graph and the number of nodes, ``(B + 1,)``, for a sorted ``batch``."""
    borders = torch.arange(num_graphs + 1, device=batch.device)
    return torch.searchsorted(batch, borders)


def make_buckets(pointers: Tensor) -> list[Bucket]:
    """Group graphs whose rounded size is equal; graphs without nodes are left out.

    The rounding step grows with the size, so padding stays below a quarter and the number of groups
    logarithmic.

    Args:
        pointers: ``(B + 1,)`` as of :func:`graph_pointers`.

    Returns:
        list[Bucket]: Together they hold every node exactly once.
    """
    size = pointers.diff()
    step = torch.exp2((size.clamp(min=1).double() / (4 * _STEP)).log2().ceil().clamp(min=0)).long()
    step = step * _STEP
    rounded = (size + step - 1) // step * step
    buckets = []
    for width in rounded.unique().tolist():
        if width == 0:
            continue
        chosen = (rounded == width).nonzero().squeeze(1)
        widest = int(size[chosen].max())
        place = torch.arange(widest, device=size.device)
        mask = place < size[chosen, None]
        node = pointers[chosen, None] + torch.where(mask, place, 0)
        buckets.append(Bucket(node, None if bool(mask.all()) else mask))
    return buckets
