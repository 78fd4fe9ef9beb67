"""Draws and counts that the augmentations share."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_int, plain
from graphlab._random import derive_seed


class DrawStream:
    """Generators of the calls that are given none: each goes on where the one before ended."""

    def __init__(self, seed: int) -> None:
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**63 - 1)
        self._calls = 0

    def generator(self, given: torch.Generator | None) -> torch.Generator:
        """The given generator, or that of the next call: a CPU generator, on every device."""
        if given is not None:
            if not isinstance(given, torch.Generator):
                raise TypeError(
                    f"generator must be a torch.Generator or None, got {type(given).__name__}"
                )
            return given
        made = torch.Generator().manual_seed(derive_seed(self.seed, self._calls))
        self._calls += 1
        return made


def drop_mask(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Entries that survive being dropped with the given probabilities, bool."""
    draw = torch.rand(probability.shape, generator=generator, device=generator.device)
    return draw.to(probability.device) >= probability


def budget_from(expected: Tensor, degree: Tensor) -> Tensor:
    """Expected numbers of drops rounded half to even, every node left one edge."""
    return torch.minimum(expected.round().long(), (degree.long() - 1).clamp(min=0))


def in_degree(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Number of edges that enter each node, float32 ``(N,)``."""
    return torch.bincount(edge_index[1], minlength=num_nodes).float()


def pair_number(edge_index: Tensor) -> Tensor:
    """Number of the unordered pair of every edge, ``(E,)``: both directions share one."""
    low, high = plain(edge_index).long().aminmax(dim=0)
    size = int(high.max()) + 1 if high.numel() else 1
    number: Tensor = torch.unique(low * size + high, return_inverse=True)[1]
    return number
