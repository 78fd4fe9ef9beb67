"""What a clustering starts from: positives, and a pretrained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from graphlab._random import make_generator
from graphlab.contrastive.clustering.autoencoder import (
    SDCNAutoEncoder,
    pretrain_autoencoder,
    pretrain_encoder,
)
from graphlab.contrastive.clustering.influence import influence_graph
from graphlab.contrastive.clustering.smoothing import smoothed_features
from graphlab.contrastive.sparse_layout import sparse_features
from graphlab.ops import CSRGraph

__all__: list[str] = []


def first_width(encoder: nn.Module) -> int | None:
    """Features that an encoder reads, where that can be told."""
    layers = (module for module in encoder.modules() if isinstance(module, nn.Linear))
    return next((layer.in_features for layer in layers), None)


def positives(
    edge_index: Tensor | CSRGraph, num_nodes: int, order: int, cumulative: bool
) -> CSRGraph:
    """The influence graph of edges, or the prepared one that was given."""
    if not isinstance(edge_index, CSRGraph):
        edge_index = influence_graph(edge_index, num_nodes, order, cumulative)
    if edge_index.num_nodes != num_nodes:
        raise ValueError(
            f"edge_index must be a graph of {num_nodes} nodes, got {edge_index.num_nodes}"
        )
    return edge_index


def autoencoder(
    in_channels: int,
    hidden_channels: Sequence[int] | None,
    out_channels: int,
    smoothed: bool,
    generator: torch.Generator | None = None,
) -> SDCNAutoEncoder:
    """The autoencoder whose first half is the encoder, with its default widths."""
    if hidden_channels is None:
        hidden_channels = (500,) if smoothed else (500, 500, 2000)
    return SDCNAutoEncoder(in_channels, hidden_channels, out_channels, generator=generator)


def pretrained_encoder(
    x: Tensor,
    edge_index: Tensor | CSRGraph,
    hidden_channels: Sequence[int] | None,
    out_channels: int,
    *,
    smoothed: bool,
    hops: int,
    seed: int,
    epochs: int,
    **options: Any,
) -> nn.Module:
    """An encoder that gives averages over the graph, or half an autoencoder.

    Args:
        x (Tensor): Scaled features, dense ``(N, F)``, where the encoder is to be.
        edge_index (Tensor or CSRGraph): As for :func:`smoothed_features`.
        hidden_channels (sequence of int, optional): Hidden widths.
        out_channels (int): Width D.
        smoothed (bool): Whether the averages are the aim.
        hops (int): Averages.
        seed (int): Of weights, shuffles and SVD.
        epochs (int): Passes over the rows; 0 for none.
        **options: Of :func:`pretrain_encoder`: ``lr``, ``batch_size``, ``callback``.
    """
    generator = make_generator(seed, "cpu")
    model = autoencoder(x.size(1), hidden_channels, out_channels, smoothed, generator)
    model.to(x.device, x.dtype)
    options |= {"epochs": epochs, "generator": generator}
    if not smoothed:
        return pretrain_autoencoder(model, x, **options).encoder
    if epochs:
        dim = min(out_channels, *x.shape)
        target = smoothed_features(x, edge_index, hops=hops, dim=dim, features="dense", seed=seed)
        target = nn.functional.pad(target, (0, out_channels - dim))
        pretrain_encoder(model.encoder, sparse_features(x), target, **options)
    return model.encoder
