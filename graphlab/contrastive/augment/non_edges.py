"""Pairs of nodes without an edge, drawn uniformly."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_int
from graphlab._sorted import sort_values
from graphlab.contrastive.augment._draws import DrawStream

__all__ = ["sample_non_edges"]

_ROUNDS = 50  # a graph that still has too few free pairs after so many draws is nearly complete


def sample_non_edges(
    edge_index: Tensor,
    num_nodes: int,
    count: int,
    *,
    generator: torch.Generator | None = None,
    seed: int = 0,
) -> Tensor:
    """Ordered pairs that are neither edges nor loops, uniformly, with repetition.

    Args:
        edge_index (Tensor): Edges ``(2, E)``.
        num_nodes (int): N, at least 2.
        count (int): Pairs to draw.
        generator (torch.Generator, optional): Source of the draw.
        seed (int): Seed of the draw where no generator is given.

    Returns:
        Tensor: ``(2, count)`` int64.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or (nearly) all pairs are
            edges.

    Complexity: O((E + count) log E) expected time, unless the graph is dense.
    """
    num_nodes = check_int(num_nodes, "num_nodes", minimum=2)
    count = check_int(count, "count", minimum=0)
    edges = check_edge_index(edge_index, num_nodes)
    generator = DrawStream(seed).generator(generator)
    keys = sort_values(edges[0] * num_nodes + edges[1]).unique_consecutive()
    drawn = keys.new_empty(0)
    for _ in range(_ROUNDS):
        missing = count - drawn.numel()
        if missing <= 0:
            break
        # Pairs without loops: the second end skips the first. Twice as many as are missing, so that
        # one round is nearly always enough in a sparse graph.
        draw = torch.randint(
            num_nodes * (num_nodes - 1),
            (2 * missing,),
            generator=generator,
            device=generator.device,
        ).to(keys.device)
        row = draw // (num_nodes - 1)
        col = draw % (num_nodes - 1)
        key = row * num_nodes + col + (col >= row)
        drawn = torch.cat([drawn, key[~torch.isin(key, keys)]])
    if drawn.numel() < count:
        raise ValueError(f"edge_index leaves too few of {num_nodes} nodes' pairs to draw {count}")
    drawn = drawn[:count]
    return torch.stack([drawn // num_nodes, drawn % num_nodes])
