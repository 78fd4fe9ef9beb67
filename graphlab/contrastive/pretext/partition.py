"""Parts of a graph that hang together, and their centres."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._random import random_order
from graphlab.contrastive.pretext.hop_targets import reversed_rows
from graphlab.ops import hop_distances

__all__ = ["Centers", "part_centers", "partition_nodes"]

Centers = Literal["medoid", "degree"]

_ROUNDS = 5
# Members whose distances to the others decide who is the medoid of a large part.
_PIVOTS = 512


def partition_nodes(
    edge_index: Tensor, num_nodes: int, count: int, generator: torch.Generator
) -> Tensor:
    """Cut a graph into parts around nodes that are drawn, then moved inwards (Lloyd's algorithm).

    Args:
        edge_index (Tensor): ``(2, E)``, both directions.
        num_nodes (int): N.
        count (int): Number of parts K, at most N.
        generator (torch.Generator): Draws the first centres.

    Returns:
        Tensor: int64 ``(N,)`` in ``[0, K)``, -1 for nodes that no centre reaches.

    Complexity: O(E H) time for parts of radius H.

    Source: Bell, "Algebraic multigrid for discrete differential forms", 2008 (on graphs).
    """
    linked = torch.zeros(num_nodes, dtype=torch.bool, device=edge_index.device)
    linked[edge_index.flatten()] = True
    order = random_order(num_nodes, generator, edge_index.device)
    # Nodes with edges first: a part around a node without any would be that node alone.
    seeds = torch.cat([order[linked[order]], order[~linked[order]]])[:count]
    part = _nearest(edge_index, num_nodes, seeds)
    for _ in range(_ROUNDS):
        seeds = _innermost(edge_index, part, seeds)
        part = _nearest(edge_index, num_nodes, seeds)
    return part


def _nearest(edge_index: Tensor, num_nodes: int, seeds: Tensor) -> Tensor:
    """The nearest of some seeds, the one of the smaller number among equals."""
    source, target = edge_index
    unknown = seeds.numel()
    part = torch.full((num_nodes,), unknown, device=edge_index.device)
    part[seeds] = torch.arange(unknown, device=edge_index.device)
    while True:
        wave = (part[source] < unknown) & (part[target] == unknown)
        if not bool(wave.any()):
            return torch.where(part == unknown, -1, part)
        part = part.scatter_reduce(0, target[wave], part[source[wave]], "amin")


def _innermost(edge_index: Tensor, part: Tensor, seeds: Tensor) -> Tensor:
    """The member of each part that is farthest from its border, the smallest of several."""
    source, target = edge_index
    border = torch.zeros_like(part, dtype=torch.bool)
    border[target[part[source] != part[target]]] = True
    depth = torch.where(border, 0, -1)
    level = 0
    while True:
        wave = (depth[source] == level) & (depth[target] < 0)
        if not bool(wave.any()):
            break
        level += 1
        depth[target[wave]] = level
    # A part without a border, a whole component, stays where it is.
    result = seeds.clone()
    inside = (part >= 0) & (depth >= 0)
    node = torch.arange(part.numel(), device=part.device)[inside]
    key = (depth[inside] + 1) * part.numel() - node
    best = key.new_full((seeds.numel(),), -1).scatter_reduce(0, part[inside], key, "amax")
    found = best >= 0
    result[found] = (-best[found]) % part.numel()
    return result


def part_centers(
    edge_index: Tensor, part: Tensor, count: int, centers: Centers, generator: torch.Generator
) -> Tensor:
    """One node for each part.

    Args:
        edge_index (Tensor): ``(2, E)``, both directions.
        part (Tensor): int64 ``(N,)``: part of every node, -1 for none; no part is empty.
        count (int): Number of parts K.
        centers (str): ``"medoid"``: the least mean number of hops to the members of its part,
            within the part (to 512 drawn ones of a larger part); ``"degree"``: the most edges.
        generator (torch.Generator): Draws members of large parts.

    Returns:
        Tensor: int64 ``(K,)``; the smallest node of several.
    """
    if centers == "degree":
        score = -edge_index[1].bincount(minlength=part.numel()).double()
    else:
        score = _mean_hops(edge_index, part, count, generator)
    found = [torch.where(part == k, score, torch.inf).argmin() for k in range(count)]
    return torch.stack(found)


def _mean_hops(edge_index: Tensor, part: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Mean number of hops to the members of the own part, float64 ``(N,)``."""
    within = part[edge_index[0]] == part[edge_index[1]]
    result = torch.zeros(part.numel(), dtype=torch.float64, device=part.device)
    local = torch.empty_like(part)
    for k in range(count):
        members = (part == k).nonzero()[:, 0]
        local[members] = torch.arange(members.numel(), device=part.device)
        edges = local[edge_index[:, within & (part[edge_index[0]] == k)]]
        drawn = random_order(members.numel(), generator, part.device)
        pivots = drawn[:_PIVOTS].sort().values
        hops = hop_distances(pivots, reversed_rows(edges, members.numel()))
        result[members] = torch.where(hops < 0, members.numel(), hops).double().mean(0)
    return result
