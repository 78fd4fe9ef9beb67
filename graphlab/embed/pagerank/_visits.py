"""How often the walk of each node visits the others, as sparse rows of small integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from graphlab.ops import SparseRows, random_walk
from graphlab.ops.csr import length_pointers

__all__ = ["Visits"]

_CHUNK = 2**24  # steps in memory at a time


@dataclass(frozen=True, repr=False)
class Visits:
    """Visits of the walk of each node.

    Attributes:
        length (Tensor): Distinct nodes of each walk, int64 ``(N,)``.
        node (Tensor): These nodes, ascending within a walk, int32.
        count (Tensor): Visits of each, at least 1, uint16.
        returns (Tensor): Times each walk was at its start anew, the beginning included, int32
            ``(N,)``.
    """

    length: Tensor
    node: Tensor
    count: Tensor
    returns: Tensor

    def __repr__(self) -> str:
        return f"Visits({self.length.numel()} walks, {self.node.numel()} entries)"

    def __reduce__(self) -> tuple[Callable[..., Visits], tuple[Tensor, ...]]:
        # pickle knows no tensors of uint16: the same bits travel as int16
        return _of_bits, (self.length, self.node, self.count.view(torch.int16), self.returns)

    @cached_property
    def rows(self) -> SparseRows:
        """The visited nodes as the columns of one row per walk."""
        return SparseRows(length_pointers(self.length), self.node)

    def check(self, num_nodes: int) -> None:
        """Require walks of so many nodes.

        Raises:
            TypeError, ValueError, IndexError: If arrays do not fit together, or name other nodes.
        """
        self.rows.check_values()
        shapes = (self.length.shape, self.returns.shape, self.node.shape)
        if shapes != ((num_nodes,), (num_nodes,), self.count.shape):
            raise ValueError(f"visits must be those of {num_nodes} nodes, got shapes {shapes}")
        kinds = (self.length.dtype, self.node.dtype, self.count.dtype, self.returns.dtype)
        if kinds != (torch.int64, torch.int32, torch.uint16, torch.int32):
            raise TypeError(f"visits must be int64, int32, uint16 and int32, got {kinds}")

    def map(self, function: Callable[[Tensor], Tensor]) -> Visits:
        """The visits with a function applied to each array; counts pass as int32."""
        return Visits(
            function(self.length),
            function(self.node),
            function(self.count.int()).to(torch.uint16),
            function(self.returns),
        )


def _of_bits(length: Tensor, node: Tensor, count: Tensor, returns: Tensor) -> Visits:
    """Visits again from counts whose bits are in int16."""
    return Visits(length, node, count.view(torch.uint16), returns)


def count_visits(
    graph: SparseRows, nodes: tuple[int, int], length: int, restart: float, seed: int
) -> Visits:
    """Walk from a range of nodes, in chunks, and count.

    Args:
        graph (SparseRows): Neighbours of every node.
        nodes (tuple[int, int]): First node, and one past the last.
        length (int): Steps of each walk.
        restart (float): Probability of a return to the start.
        seed (int): Seed of the walks.
    """
    chunk = max(_CHUNK // (length + 1), 1)
    parts = []
    for first in range(nodes[0], nodes[1], chunk):
        start = torch.arange(first, min(first + chunk, nodes[1]), device=graph.device)
        parts.append(
            _count(random_walk(graph, start, length=length, restart=restart, seed=seed), start)
        )
    if not parts:
        empty = torch.empty(0, dtype=torch.int32, device=graph.device)
        return Visits(empty.long(), empty, empty.to(torch.uint16), empty)
    columns = zip(
        *((p.length, p.node, p.count.view(torch.int16), p.returns) for p in parts), strict=True
    )
    length_, node, count, returns = (torch.cat(column) for column in columns)
    return _of_bits(length_, node, count, returns)


def _count(walks: Tensor, start: Tensor) -> Visits:
    returned = walks < 0
    returns = returned.sum(dim=1) + 1
    visited = torch.where(returned, start.int().unsqueeze(1), walks).sort(dim=1).values
    first = torch.ones_like(returned)
    first[:, 1:] = visited[:, 1:] != visited[:, :-1]
    begin = first.view(-1).nonzero().view(-1)
    total = torch.tensor([visited.numel()], device=begin.device)
    count = torch.cat([begin, total]).diff()
    return Visits(
        first.sum(dim=1),
        visited.reshape(-1)[begin],
        count.to(torch.int32).to(torch.uint16),
        returns.int(),
    )
