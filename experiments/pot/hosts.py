"""The hosts that POT is added to, each with a new encoder."""

from __future__ import annotations

from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, Sequential

from graphlab.contrastive import COSTA, GCA, GRACE, CentralityDropEdge, ProGCL, TwoViewModel

from .presets import Config


def build(config: Config, data: Data) -> TwoViewModel:
    """The host with a new encoder; the runner has seeded the generators."""
    width = config.out_channels
    activation = nn.PReLU() if config.activation == "prelu" else nn.ReLU()
    encoder = gcn_encoder(data.num_features, width, activation)
    channels = (encoder, width, config.proj_channels)
    edge_index, count, rates = data.edge_index, int(data.num_nodes), config.drop_edge
    if config.host == "grace":
        return GRACE(
            *channels,
            drop_edge=rates,
            temperature=config.temperature,
            num_anchors=config.num_anchors,
        )
    if config.host == "costa":
        return COSTA(*channels, drop_edge=rates, temperature=config.temperature)
    if config.host == "gca":
        return GCA(
            *channels,
            edge_index=edge_index,
            num_nodes=count,
            drop_rate=rates,
            temperature=config.temperature,
            num_anchors=config.num_anchors,
        )
    if config.host == "progcl":
        drops = [CentralityDropEdge(edge_index, count, p, "eigenvector") for p in rates]
        return ProGCL(
            *channels,
            drop_edge=drops,
            start_epoch=config.start_epoch,
            temperature=config.temperature,
        )
    raise ValueError(f"host must be grace, gca, progcl or costa, got {config.host!r}")


def gcn_encoder(num_features: int, width: int, activation: nn.Module) -> nn.Module:
    """Two graph convolutions, the first twice as wide; one activation serves both."""
    layers = [
        (GCNConv(num_features, 2 * width), "x, edge_index -> x"),
        activation,
        (GCNConv(2 * width, width), "x, edge_index -> x"),
        activation,
    ]
    encoder: nn.Module = Sequential("x, edge_index", layers)
    return encoder
