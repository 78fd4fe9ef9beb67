"""The toy graph of the tests: planted groups, known to the features and to the edges."""

from __future__ import annotations

import torch
from torch_geometric.data import Data

PARTS = ("train", "val", "test")


def planted(
    num_nodes: int = 60,
    num_groups: int = 3,
    *,
    dim: int = 12,
    noise: float = 0.5,
    draws: int | None = None,
    stray: float = 0.0,
    seed: int = 0,
) -> Data:
    """An undirected graph without self-loops whose nodes fall into groups of one size.

    Args:
        num_nodes (int): Number of nodes N; node i belongs to group ``i % num_groups``.
        num_groups (int): Number of groups.
        dim (int): Number of features; one of them is raised by one per group.
        noise (float): Standard deviation of the normal noise on all features.
        draws (int, optional): Pairs of nodes that are drawn; those inside a group become edges
            where the first node comes before the second. ``12 * num_nodes`` by default.
        stray (float): Share of the other pairs that become edges, too.
        seed (int): Seed of all draws.

    Returns:
        Data: ``x`` (N, dim), ``y`` (N,), ``edge_index`` with both directions, and the masks
        ``train_mask``, ``val_mask``, ``test_mask``, of a third of the nodes each.
    """
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(num_nodes) % num_groups
    x = torch.eye(num_groups, dim)[y] + noise * torch.randn(num_nodes, dim, generator=generator)
    count = 12 * num_nodes if draws is None else draws
    pairs = torch.randint(num_nodes, (2, count), generator=generator)
    kept = y[pairs[0]] == y[pairs[1]]
    if stray > 0:
        kept |= torch.rand(count, generator=generator) < stray
    pairs = pairs[:, kept & (pairs[0] < pairs[1])].unique(dim=1)
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    data = Data(x=x, y=y, edge_index=edge_index, num_nodes=num_nodes)
    order = torch.randperm(num_nodes, generator=generator)
    for name, part in zip(PARTS, order.tensor_split(3), strict=True):
        data[f"{name}_mask"] = torch.zeros(num_nodes, dtype=torch.bool).index_fill_(0, part, True)
    return data
