"""Encoders that each backbone starts from; their sizes are the caller's."""

from __future__ import annotations

from torch import Tensor, nn
from torch_geometric.nn import GATConv, GCNConv, Sequential

_CONV = "x, edge_index -> x"
_HEADS = 4

#: Backbones whose default encoder begins with a convolution that reads sparse features, and which
#: change features by whole columns or rows at most. (GraphMAE writes tokens into them.)
READ_SPARSE = ("bgrl", "gbt", "graphcl", "s2gae")


class LayerCodes(nn.Module):
    """Two graph convolutions of the same width whose codes are both returned, for S2GAE."""

    num_levels = 2

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = GCNConv(in_channels, out_channels)
        self.second = GCNConv(out_channels, out_channels)

    def forward(self, x: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Return both layers' codes ``(N, out_channels)``."""
        one = self.first(x, edge_index).relu()
        return one, self.second(one, edge_index)


def default_encoder(backbone: str, in_channels: int, out_channels: int) -> nn.Module:
    """The encoder that a backbone's authors use, at another width."""
    if backbone == "s2gae":
        return LayerCodes(in_channels, out_channels)
    if backbone == "gbt":
        layers = [
            (GCNConv(in_channels, 2 * out_channels), _CONV),
            nn.BatchNorm1d(2 * out_channels),
            nn.PReLU(),
            (GCNConv(2 * out_channels, out_channels), _CONV),
        ]
    elif backbone == "graphmae":
        # Widths that four heads do not divide are computed by one.
        heads = _HEADS if out_channels % _HEADS == 0 else 1
        width = out_channels // heads
        layers = [
            (GATConv(in_channels, width, heads), _CONV),
            nn.PReLU(),
            (GATConv(out_channels, width, heads), _CONV),
        ]
    else:
        norm = [nn.BatchNorm1d(out_channels)] if backbone == "bgrl" else []
        layers = [(GCNConv(in_channels, out_channels), _CONV), *norm, nn.PReLU()]
    encoder: nn.Module = Sequential("x, edge_index", layers)
    return encoder
