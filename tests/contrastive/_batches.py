"""Mini-batches of the form that PyG's NeighborLoader gives, without the library it needs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch_geometric.data import Data


def neighbor_batches(data: Data, size: int, hops: int, most: int | None = None) -> Iterator[Data]:
    """Batches of ``NeighborLoader(data, [most or -1] * hops, batch_size=size)``.

    Seeds come first, then the neighbours in the order in which they were found; edges lead into
    the nodes that they were sampled for.
    """
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(int(data.num_nodes), generator=generator)
    for seeds in order.split(size):
        nodes, frontier, taken = seeds, seeds, []
        for _ in range(hops):
            taken.append(_sampled(data.edge_index, frontier, most, generator))
            sources = data.edge_index[0, taken[-1]].unique()
            frontier = sources[~torch.isin(sources, nodes)]
            nodes = torch.cat([nodes, frontier])
        local = torch.full((int(data.num_nodes),), -1)
        local[nodes] = torch.arange(nodes.numel())
        edge = torch.cat(taken)
        batch = Data(x=data.x[nodes], edge_index=local[data.edge_index[:, edge]])
        batch.n_id, batch.batch_size = nodes, seeds.numel()
        if "edge_weight" in data:
            batch.edge_weight = data.edge_weight[edge]
        yield batch


def _sampled(
    edge_index: Tensor, frontier: Tensor, most: int | None, generator: torch.Generator
) -> Tensor:
    """Numbers of edges into the frontier, at most so many of each node."""
    edge = torch.isin(edge_index[1], frontier).nonzero().view(-1)
    if most is None:
        return edge
    edge = edge[torch.randperm(edge.numel(), generator=generator)]
    return torch.cat([edge[edge_index[1, edge] == node][:most] for node in frontier])
