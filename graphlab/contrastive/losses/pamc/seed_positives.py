"""Positives of the seeds of a mini-batch, as PyG's loaders give it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_index,
    check_int,
    check_tensor,
)

__all__ = ["seed_positives"]


def seed_positives(batch: Any, degree: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    r"""Edges of a batch of ``NeighborLoader`` as the positives of :meth:`PamCLoss.share`.

    A batch holds edges from sampled neighbours *into* the nodes that they were sampled for, and
    the seeds are its first ``batch_size`` nodes. PamC has the anchor in row 0. So the edges into
    seeds are taken and turned round; edges into further nodes, whose neighbourhoods are cut, are
    left out. The batch as it is, or only turned round, gives another loss.

    Args:
        batch (Data): With ``edge_index`` ``(2, E)`` and ``batch_size``; ``edge_weight`` ``(E,)``
            is taken along.
        degree (Tensor, optional): In-degree (or sum of weights) of every node of the whole graph,
            ``(N,)``, where the loader samples: the edges of a seed are weighted so that they stand
            for all of its edges, and :math:`P_i` is unbiased. Needs ``batch.n_id``.

    Returns:
        tuple: ``(2, P)``, row 0 the seed in ``[0, batch_size)``, row 1 its neighbour in the
        batch; and the weights ``(P,)`` or None.

    Raises:
        TypeError, ValueError, IndexError: If the batch has no seeds or an attribute is malformed.

    Complexity: O(E).

    Example:
        >>> from torch_geometric.data import Data
        >>> edges = torch.tensor([[1, 2, 3, 0], [0, 0, 2, 1]])
        >>> seed_positives(Data(edge_index=edges, num_nodes=4, batch_size=1))
        (tensor([[0, 0],
                [1, 2]]), None)
    """
    edge_index, seeds = getattr(batch, "edge_index", None), getattr(batch, "batch_size", None)
    if edge_index is None or seeds is None:
        raise ValueError(
            "batch must have edge_index and batch_size, as those of NeighborLoader have, got "
            f"{type(batch).__name__}"
        )
    count = int(batch.num_nodes)
    seeds = check_int(seeds, "batch.batch_size", minimum=1, maximum=count)
    edges = check_edge_index(edge_index, count, "batch.edge_index")
    weight = getattr(batch, "edge_weight", None)
    if weight is not None:
        weight = check_edge_weight(weight, edges.size(1), "batch.edge_weight")
    into = edges[1] < seeds
    positives = edges[:, into].flip(0)
    weight = None if weight is None else weight[into]
    return positives, weight if degree is None else _scaled(batch, positives, weight, degree, seeds)


def _scaled(
    batch: Any, positives: Tensor, weight: Tensor | None, degree: Tensor, seeds: int
) -> Tensor:
    """Weights that stand for all edges of a seed, of which a part was sampled."""
    if getattr(batch, "n_id", None) is None:
        raise ValueError("batch must have n_id, the numbers of its nodes, to read degree")
    count = check_tensor(degree, "degree").numel()
    degree = check_edge_weight(degree, count, "degree").to(positives.device)
    number = check_index(batch.n_id[:seeds], degree.numel(), "batch.n_id")
    kept = torch.ones_like(positives[0], dtype=degree.dtype) if weight is None else weight
    sampled = kept.new_zeros(seeds).index_add(0, positives[0], kept)
    factor = degree[number].to(kept.dtype) / torch.where(sampled > 0, sampled, 1.0)
    return kept * factor[positives[0]]
