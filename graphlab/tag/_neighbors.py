"""Neighbourhoods of some nodes, sampled layer by layer: what a step on a large graph sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlab._checks import check_int
from graphlab.ops import SparseRows

__all__: list[str] = []


class Neighborhood(NamedTuple):
    """Nodes that messages reach some seeds from, and the edges they take.

    Attributes:
        node (Tensor): Nodes, int64 ``(n,)``, the seeds first.
        edge_index (Tensor): Positions in ``node`` of source and target, ``(2, e)``.
        num_seeds (int): Number of seeds.
    """

    node: Tensor
    edge_index: Tensor
    num_seeds: int


def check_neighbors(value: Any, layers: int | None = None) -> tuple[int, ...]:
    """Neighbours per node and layer: ten in each of ``layers`` when missing; -1 for all.

    Raises:
        TypeError, ValueError: If they are no list of such numbers.
    """
    if value is None:
        return (10,) * (2 if layers is None else layers)
    if isinstance(value, (str, int)) or not isinstance(value, Sequence) or not value:
        raise TypeError(f"num_neighbors must be a list of numbers, one per layer, got {value!r}")
    for i, number in enumerate(value):
        if check_int(number, f"num_neighbors[{i}]", minimum=-1) == 0:
            raise ValueError(f"num_neighbors[{i}] must be -1 (all) or at least 1, got 0")
    return tuple(value)


class NeighborSampler:
    """Draws neighbourhoods along incoming edges, without replacement.

    Every node is expanded once, in the first layer that reaches it, as in PyG's loader, which needs
    a compiled package for it.

    Args:
        edge_index (Tensor): ``(2, E)`` checked edges, messages from row 0 to row 1.
        num_nodes (int): Number of nodes N.

    Complexity: O(E log E) once; a draw costs O(reached nodes and edges), and memory O(N).
    """

    def __init__(self, edge_index: Tensor, num_nodes: int) -> None:
        edges = edge_index.cpu()
        self.num_nodes = num_nodes
        self.rows = SparseRows.from_edge_index(edges.flip(0), num_nodes)
        # Position of a node in the neighbourhood under way; -1 elsewhere.
        self._place = torch.full((num_nodes,), -1, dtype=torch.int32, device="cpu")

    @property
    def degree(self) -> Tensor:
        """Incoming edges of every node, int64 ``(N,)``."""
        return self.rows.rowptr.diff()

    def sample(
        self, seeds: Tensor, num_neighbors: Sequence[int], generator: torch.Generator
    ) -> Neighborhood:
        """Draw the neighbourhood of some seeds.

        Args:
            seeds (Tensor): Different nodes, int64 ``(S,)``.
            num_neighbors (Sequence[int]): Edges per node and layer, from the seeds outwards; -1 for
                all.
            generator (torch.Generator): Of the draws.
        """
        node, frontier = [seeds], seeds
        self._place[seeds] = torch.arange(seeds.numel(), dtype=torch.int32, device="cpu")
        count, ends = seeds.numel(), []
        for number in num_neighbors:
            source, target = self._draw(frontier, number, generator)
            fresh = source[self._place[source] < 0].unique()
            self._place[fresh] = torch.arange(
                count, count + fresh.numel(), dtype=torch.int32, device="cpu"
            )
            ends.append(torch.stack([self._place[source], self._place[target]]))
            node.append(fresh)
            count, frontier = count + fresh.numel(), fresh
        reached = torch.cat(node)
        self._place[reached] = -1
        edges = torch.cat(ends, 1) if ends else torch.empty(2, 0, device="cpu")
        return Neighborhood(reached, edges.long(), seeds.numel())

    def _draw(self, node: Tensor, number: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Source and target of drawn incoming edges."""
        first, degree = self.rows.rowptr[node], self.rows.rowptr[node + 1] - self.rows.rowptr[node]
        whole = degree <= number if number >= 0 else torch.ones_like(degree, dtype=torch.bool)
        entry = [_runs(first[whole], degree[whole])]
        target = [node[whole].repeat_interleave(degree[whole])]
        some = ~whole
        if bool(some.any()):
            chosen = distinct_positions(degree[some], number, generator)
            entry.append((first[some, None] + chosen).flatten())
            target.append(node[some].repeat_interleave(number))
        return self.rows.col[torch.cat(entry)].long(), torch.cat(target)

    def induced(self, node: Tensor, rows: SparseRows | None = None) -> Tensor:
        """All edges among some nodes, as positions in ``node``, ``(2, e)``.

        Args:
            node (Tensor): Different nodes, int64 ``(n,)``.
            rows (SparseRows, optional): Other edges among the same nodes, by target.
        """
        graph = self.rows if rows is None else rows
        first, degree = graph.rowptr[node], graph.rowptr[node + 1] - graph.rowptr[node]
        place = torch.arange(node.numel(), dtype=torch.int32, device="cpu")
        self._place[node] = place
        source = self._place[graph.col[_runs(first, degree)].long()]
        target = place.repeat_interleave(degree)
        self._place[node] = -1
        inside = source >= 0
        return torch.stack([source[inside], target[inside]]).long()

    def restricted(self, pairs: Tensor, node: Tensor) -> Tensor:
        """Those of some pairs ``(2, P)`` whose both ends are in ``node``, as positions there."""
        self._place[node] = torch.arange(node.numel(), dtype=torch.int32, device="cpu")
        found = self._place[pairs]
        self._place[node] = -1
        return found[:, (found >= 0).all(0)].long()


def _runs(first: Tensor, length: Tensor) -> Tensor:
    """``first[i], first[i] + 1, ...``, ``length[i]`` numbers each."""
    shift = first - (length.cumsum(0) - length)
    total = int(length.sum())
    return torch.arange(total, device="cpu") + shift.repeat_interleave(length, output_size=total)


def distinct_positions(size: Tensor, number: int, generator: torch.Generator) -> Tensor:
    """``number`` different positions below each size, uniform among all such sets, ``(R, number)``.

    Floyd's method: one draw a position, whatever the size, and no list of all.

    Args:
        size (Tensor): int64 ``(R,)``, each at least ``number``.
        number (int): Positions.
        generator (torch.Generator): Of the draws.
    """
    chosen = torch.full((size.numel(), number), -1, dtype=torch.int64, device="cpu")
    for i in range(number):
        last = size - number + i  # the largest position that may be drawn now
        draw = torch.rand(size.numel(), dtype=torch.float64, device="cpu", generator=generator)
        position = (draw * (last + 1)).long().clamp(max=last)
        taken = (chosen[:, :i] == position[:, None]).any(1)
        chosen[:, i] = torch.where(taken, last, position)
    return chosen
