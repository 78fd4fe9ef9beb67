"""Segments of rows grouped by size, so that dense work on them pads little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from graphlab.ops.reference.rows import CHUNK_ELEMENTS

#: Sizes are rounded up to a multiple of this, at least: fewer groups, little padding.
_STEP = 4


class Bucket(NamedTuple):
    """Segments of similar size as rows of one table.

    Attributes:
        node: Row of every position, ``(G, n)``; padding repeats the first row of the segment.
        mask: ``(G, n)``, true where there is a row of its own; None if every position has one.
    """

    node: Tensor
    mask: Tensor | None

    def held(self, values: Tensor) -> Tensor:
        """Values of the positions that are no padding: ``(G, n, ...)`` to ``(rows, ...)``."""
        return values.flatten(0, 1) if self.mask is None else values[self.mask]

    def cut(self, elements: int = CHUNK_ELEMENTS) -> Iterator[Bucket]:
        """Parts whose tables of n x n values stay within a number of elements."""
        rows = max(1, elements // max(1, self.node.size(1) ** 2))
        for start in range(0, self.node.size(0), rows):
            part = slice(start, start + rows)
            yield Bucket(self.node[part], None if self.mask is None else self.mask[part])


def make_buckets(pointers: Tensor) -> list[Bucket]:
    """Group segments whose rounded size is equal; segments without rows are left out.

    The rounding step grows with the size, so padding stays below a quarter and the number of groups
    logarithmic.

    Args:
        pointers: ``(B + 1,)``: first row of every segment, and the number of rows.

    Returns:
        list[Bucket]: Together they hold every row exactly once.
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
        position = torch.arange(widest, device=size.device)
        mask = position < size[chosen, None]
        node = pointers[chosen, None] + torch.where(mask, position, 0)
        buckets.append(Bucket(node, None if bool(mask.all()) else mask))
    return buckets
