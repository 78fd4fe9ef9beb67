"""Random views of subgraphs: feature columns and edges are dropped."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_fraction, check_index, check_int, check_matrix
from graphlab.tag.graphclip.pretraining import noise

__all__ = ["augment_subgraphs"]


def augment_subgraphs(
    x: Tensor,
    edge_index: Tensor,
    batch: Tensor,
    num_graphs: int,
    *,
    feature_p: float = 0.3,
    edge_p: float = 0.2,
    seed: int = 0,
    step: int = 0,
    index: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Zero whole feature columns of every subgraph and drop directed edges.

    Args:
        x (Tensor): ``(N, D)``.
        edge_index (Tensor): ``(2, E)``; the edges of a subgraph follow each other, as in
            :meth:`SubgraphStore.batch`.
        batch (Tensor): Subgraph of every node, ``(N,)`` ascending.
        num_graphs (int): Number of subgraphs B.
        feature_p (float): Probability that a column of a subgraph is zeroed, for all its nodes.
        edge_p (float): Probability that a directed edge is dropped, each direction by itself.
        seed (int): In ``[0, 2**64)``.
        step (int): Views of other steps are independent.
        index (Tensor, optional): Names of the subgraphs, ``(B,)``; 0, 1, ... when missing. The view
            of a subgraph depends on its name, not on its position in the batch.

    Returns:
        tuple[Tensor, Tensor]: New features and the edges that stay.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.
    """
    check_matrix(x, "x", finite=False)
    num_graphs = check_int(num_graphs, "num_graphs", minimum=0)
    batch = check_index(batch, num_graphs, "batch", length=x.size(0))
    edge_index = check_edge_index(edge_index, x.size(0))
    feature_p, edge_p = check_fraction(feature_p, "feature_p"), check_fraction(edge_p, "edge_p")
    if index is None:
        index = torch.arange(num_graphs, device=x.device)
    if bool((batch[edge_index[0]].diff() < 0).any()):
        raise ValueError("edge_index must hold the edges of one subgraph after another")
    return augmented(x, edge_index, batch, index, feature_p, edge_p, seed, step)


def augmented(
    x: Tensor,
    edge_index: Tensor,
    batch: Tensor,
    index: Tensor,
    feature_p: float,
    edge_p: float,
    seed: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    """Augment subgraphs of a store, which need no check; see :func:`augment_subgraphs`."""
    if feature_p > 0:
        columns = noise.keep(index, x.size(1), feature_p, seed, step, noise.FEATURES)
        x = x * columns[batch]
    if edge_p > 0:
        # Both ends are in one subgraph, so the source tells it.
        owner = batch[edge_index[0]]
        name = noise.names(index, owner, torch.bincount(owner, minlength=index.numel()))
        stays = noise.keep(name, 1, edge_p, seed, step, noise.EDGES).squeeze(1)
        edge_index = edge_index[:, stays]
    return x, edge_index
