"""Draws without replacement inside groups, all groups at once."""

from __future__ import annotations

import torch
from torch import Tensor


def rank_in_group(group: Tensor, key: Tensor) -> Tensor:
    """Position of every entry among those of its group, by ascending key, int64 ``(M,)``.

    Equal keys keep their order. O(M log M).
    """
    order = key.argsort(stable=True)
    # Two stable sorts, by key and then by group, are one sort by (group, key).
    order = order[group[order].argsort(stable=True)]
    sorted_group = group[order]
    position = torch.arange(group.numel(), device=group.device)
    first = torch.ones_like(position, dtype=torch.bool)
    first[1:] = sorted_group[1:] != sorted_group[:-1]
    # The running maximum carries the first position of a group to all its members.
    start = torch.where(first, position, 0).cummax(0).values
    rank = torch.empty_like(position)
    rank[order] = position - start
    return rank


def sample_in_group(group: Tensor, budget: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw up to ``budget[g]`` entries of every group g, uniformly without replacement.

    Args:
        group (Tensor): Group of each entry ``(M,)``, values in ``[0, len(budget))``.
        budget (Tensor): Most entries per group ``(G,)`` int64.
        generator (torch.Generator): Source of the draw.

    Returns:
        Tensor: Which entries were drawn, bool ``(M,)``.
    """
    # The smallest of independent uniform keys are a uniform draw without replacement.
    key = torch.rand(group.numel(), generator=generator, device=generator.device)
    return rank_in_group(group, key.to(group.device)) < budget[group]
