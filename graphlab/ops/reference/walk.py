"""Definition of the random walks with restart, and of the subgraphs they traverse."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlab._random import philox_uint32
from graphlab.ops.csr import row_pointers
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


def walk_subgraphs(walks: Tensor, max_nodes: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Subgraphs ``(node_ptr, node, edge_ptr, edge, root)`` of the edges that walks traverse.

    A walk ends before it would visit more than ``max_nodes`` distinct nodes; negative: no limit.
    Nodes ascend and edges are sorted, both directions, each once; a walk without a step is its
    start with a self-loop.
    """
    count, width = walks.shape
    moved = walks >= 0
    row = torch.arange(count, device=walks.device)[:, None].expand(count, width)
    position = torch.where(moved, walks, walks[:, :1]).long()
    if max_nodes >= 0:
        # The number of visited nodes never falls along a walk, so that all steps from the first
        # node too many on are dropped.
        kept = _visited(row, position) <= max_nodes
        moved, position = moved & kept, torch.where(kept, position, position[:, :1])
    size = int(position.max()) + 1 if count else 1
    member, rank = torch.unique(row * size + position, return_inverse=True)
    node_ptr = row_pointers(member // size, count)
    local = rank - node_ptr[row]
    source, target = local[:, :-1][moved[:, 1:]], local[:, 1:][moved[:, 1:]]
    alone = ~moved[:, 1:].any(1)
    loop = local[alone, 0]
    owner = torch.cat([row[:, 1:][moved[:, 1:]]] * 2 + [row[alone, 0]])
    ends = torch.cat([source, target, loop]), torch.cat([target, source, loop])
    edge = torch.unique((owner * width + ends[0]) * width + ends[1])
    return (
        node_ptr,
        (member % size).int(),
        row_pointers(edge // width**2, count),
        torch.stack([edge // width % width, edge % width]).to(local_dtype(width)),
        local[:, 0].int(),
    )


def local_dtype(width: int) -> torch.dtype:
    """The shorter integers that number the nodes of a walk of ``width`` positions."""
    return torch.int16 if width <= 2**15 else torch.int32


def _visited(row: Tensor, position: Tensor) -> Tensor:
    """Number of distinct nodes that a walk has seen up to each of its positions."""
    size = int(position.max()) + 1 if position.numel() else 1
    member, rank = torch.unique(row * size + position, return_inverse=True)
    step = torch.arange(position.size(1), device=position.device).expand_as(position)
    first = step.new_full(member.shape, position.size(1))
    first = first.scatter_reduce(0, rank.flatten(), step.flatten(), "amin")
    return (first[rank] == step).cumsum(1)
