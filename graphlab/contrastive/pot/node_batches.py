"""Batches of nodes, taken in turn from random orders."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._random import make_generator, random_order

__all__ = ["NodeBatches"]


class NodeBatches:
    """Batches that visit every node once before any comes again.

    Args:
        size (int, optional): Nodes per batch; all of them if missing.
        least (int): Fewest nodes that a batch may have: what is left of an order is skipped if it
            has fewer.
        seed (int or torch.Generator): Source of the orders.
    """

    def __init__(self, size: int | None, least: int, seed: int | torch.Generator) -> None:
        self._size, self._least, self._seed = size, least, seed
        self._generator: torch.Generator | None = None
        self._order: Tensor | None = None

    def next(self, count: int) -> Tensor | None:
        """Nodes of the next batch on the CPU, or None where that is all ``count`` nodes."""
        if self._size is None or self._size >= count:
            return None
        if self._generator is None:
            self._generator = make_generator(self._seed, torch.device("cpu"))
        if self._order is None or self._order.numel() < self._least:
            self._order = random_order(count, self._generator, "cpu")
        nodes, self._order = self._order[: self._size], self._order[self._size :]
        return nodes
