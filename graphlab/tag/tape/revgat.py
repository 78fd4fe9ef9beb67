"""A reversible graph attention network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_edge_index, check_fraction, check_int, check_matrix

__all__ = ["RevGAT"]


class RevGAT(nn.Module):
    """Graph attention whose middle layers are recomputed in the backward instead of stored.

    Built from PyG's ``GroupAddRev`` and ``GATConv``. As in TAPE's setting: attention reads the
    source alone, three heads, two groups, residual connections at both ends, dropout masks shared
    by all layers, Mish. Other than there: LayerNorm instead of BatchNorm in the reversible blocks
    (their recomputation would count running statistics again), and edges are dropped once per step
    instead of once per layer, for the same reason.

    Args:
        in_channels (int): Columns of the features.
        hidden_channels (int): Columns per head.
        out_channels (int): Number of classes C.
        num_layers (int): Layers, at least 2; all but the first and the last are reversible.
        heads (int): Attention heads; ``heads * hidden_channels`` must be divisible by ``groups``.
        groups (int): Groups of the reversible layers, at least 2.
        dropout (float): Share of hidden values dropped.
        input_dropout (float): Share of features dropped.
        edge_dropout (float): Share of edges dropped in training.

    Shapes:
        x: ``(N, in_channels)``.
        edge_index: ``(2, E)``.
        output: Logits ``(N, C)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(L (E + N h) h) time for L layers of width h; memory does not grow with L.

    Reference: G. Li, M. Mueller, B. Ghanem, V. Koltun: "Training Graph Neural Networks with 1000
    Layers", ICML 2021, arXiv:2106.07476.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int = 4,
        *,
        heads: int = 3,
        groups: int = 2,
        dropout: float = 0.5,
        input_dropout: float = 0.25,
        edge_dropout: float = 0.3,
    ) -> None:
        super().__init__()
        from torch_geometric.nn.models.rev_gnn import GroupAddRev

        layers = check_int(num_layers, "num_layers", minimum=2)
        groups = check_int(groups, "groups", minimum=2)
        heads = check_int(heads, "heads", minimum=1)
        hidden = check_int(hidden_channels, "hidden_channels", minimum=1)
        width = heads * hidden
        if hidden % groups:
            raise ValueError(f"hidden_channels must be divisible by groups={groups}, got {hidden}")
        self.dropout = check_fraction(dropout, "dropout")
        self.input_dropout = check_fraction(input_dropout, "input_dropout")
        self.edge_dropout = check_fraction(edge_dropout, "edge_dropout")
        self.in_channels = in_channels
        self.first = _attention(check_int(in_channels, "in_channels", minimum=1), hidden, heads)
        self.first_residual = nn.Linear(in_channels, width, bias=False)
        self.blocks = nn.ModuleList(
            GroupAddRev(nn.ModuleList(_Block(width // groups, heads) for _ in range(groups)))
            for _ in range(layers - 2)
        )
        self.norm = nn.BatchNorm1d(width)
        out_channels = check_int(out_channels, "out_channels", minimum=1)
        self.last = _attention(width, out_channels, 1)
        self.last_residual = nn.Linear(width, out_channels, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the logits.

        Args:
            x (Tensor): Features ``(N, in_channels)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: Logits ``(N, C)``.

        Raises:
            TypeError, ValueError, IndexError: If the features have another width, or
                ``edge_index`` is none, or names unknown nodes.
        """
        check_matrix(x, "x", cols=self.in_channels, finite=False)
        check_edge_index(edge_index, x.size(0))
        x = F.dropout(x, self.input_dropout, self.training)
        if self.training and self.edge_dropout:
            # Once per step: the reversible layers recompute their forward and must meet the same
            # edges.
            kept = torch.rand(edge_index.size(1), device=x.device) >= self.edge_dropout
            edge_index = edge_index[:, kept]
        h = self.first((x, None), edge_index) + self.first_residual(x)
        # One mask for all layers, already scaled by 1 / (1 - p), for the same reason.
        mask = F.dropout(torch.ones_like(h), self.dropout, self.training)
        for block in self.blocks:
            h = block(h, edge_index, mask)
        # The only BatchNorm is outside the reversible blocks, where it runs once per step.
        h = F.mish(self.norm(h)) * mask
        out: Tensor = self.last((h, None), edge_index) + self.last_residual(h)
        return out


class _Block(nn.Module):
    """Addition of a reversible layer to one group of columns."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = _attention(width, width // heads, heads)

    def forward(self, x: Tensor, edge_index: Tensor, mask: Tensor) -> Tensor:
        h = F.mish(self.norm(x)) * mask
        out: Tensor = self.conv((h, None), edge_index)
        return out


def _attention(in_channels: int, out_channels: int, heads: int) -> nn.Module:
    """Attention that reads the source alone: the pair (x, None) has no target to read."""
    from torch_geometric.nn import GATConv

    conv: nn.Module = GATConv(in_channels, out_channels, heads)
    del conv.att_dst
    conv.register_parameter("att_dst", None)
    return conv
