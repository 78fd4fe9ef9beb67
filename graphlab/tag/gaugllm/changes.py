"""Differences of two edge sets of the same nodes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import check_edge_index
from graphlab._repr import short_repr

__all__ = ["EdgeChanges", "edge_changes"]


@short_repr
@dataclass(frozen=True)
class EdgeChanges:
    """Counts of distinct directed edges; an undirected edge counts twice.

    Attributes:
        before (int): Edges before.
        added (int): Edges that were not there.
        deleted (int): Edges that are gone.
        isolated (int): Nodes that had an edge and have none any more.
    """

    before: int
    added: int
    deleted: int
    isolated: int

    @property
    def after(self) -> int:
        """Edges after."""
        return self.before + self.added - self.deleted

    @property
    def share(self) -> float:
        """Edges added or deleted, relative to those before; 0 without edges."""
        return (self.added + self.deleted) / self.before if self.before else 0.0


def edge_changes(before: Tensor, after: Tensor, num_nodes: int) -> EdgeChanges:
    """Count what was added and deleted.

    Args:
        before (Tensor): Edges ``(2, E)``.
        after (Tensor): Edges ``(2, E')``.
        num_nodes (int): N.

    Returns:
        EdgeChanges: The counts.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(E log E).

    Example:
        >>> edge_changes(torch.tensor([[0, 1], [1, 0]]), torch.tensor([[0], [2]]), 3)
        EdgeChanges(before=2, added=1, deleted=2, isolated=1)
    """
    sets = [
        (edges[0] * num_nodes + edges[1]).unique()
        for edges in (
            check_edge_index(before, num_nodes, "before"),
            check_edge_index(after, num_nodes, "after"),
        )
    ]
    old, new = sets
    # Both sides hold distinct keys, so counts of common ones tell added and deleted apart.
    kept = int(torch.isin(new, old).sum())
    touched = [torch.zeros(num_nodes, dtype=torch.bool, device=old.device) for _ in sets]
    for mask, keys in zip(touched, sets, strict=True):
        mask[keys // num_nodes] = True
        mask[keys % num_nodes] = True
    lost = int((touched[0] & ~touched[1]).sum())
    return EdgeChanges(old.numel(), new.numel() - kept, old.numel() - kept, lost)
