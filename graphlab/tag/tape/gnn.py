"""The networks of TAPE's members."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_choice, check_fraction, check_int, check_matrix
from graphlab.tag.tape.adjacency import SharedAdjacency
from graphlab.tag.tape.ranked_encoder import RankedPredictionEncoder

__all__ = ["MemberNetwork"]

KINDS = ("gcn", "sage", "mlp")


class MemberNetwork(nn.Module):
    """GCN, GraphSAGE (mean) or MLP: convolution, batch norm, ReLU, dropout; the last one bare.

    Values and parameter names are those of the authors' networks, whose checkpoints load as they
    are. Computed differently: the adjacency matrix is shared instead of normalised by every layer,
    features are projected before they are spread, and ranked predictions go through the fused path
    of :class:`RankedPredictionEncoder`.

    Args:
        kind (str): ``"gcn"``, ``"sage"`` or ``"mlp"``.
        in_channels (int): Columns of the features; the encoder's where there is one.
        hidden_channels (int): Columns between layers.
        out_channels (int): Number of classes C.
        num_layers (int): Layers, at least 2.
        dropout (float): Share dropped behind every layer but the last.
        encoder (RankedPredictionEncoder, optional): Encoder of ranked predictions, which are then
            the input.

    Shapes:
        x: ``(N, in_channels)``, or ids ``(N, k)`` with an encoder.
        graph: A :class:`SharedAdjacency` of the kind, or ``edge_index`` ``(2, E)``; any for MLP.
        output: Logits ``(N, C)``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(E h + N h (in + L h)) for L layers of width h; O(E h k + N h (k + L h)) with an
    encoder.
    """

    def __init__(
        self,
        kind: Literal["gcn", "sage", "mlp"],
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int = 4,
        dropout: float = 0.0,
        encoder: RankedPredictionEncoder | None = None,
    ) -> None:
        super().__init__()
        check_choice(kind, "kind", KINDS)
        self.kind = kind
        first = in_channels if encoder is None else encoder.out_channels
        hidden = check_int(hidden_channels, "hidden_channels", minimum=1)
        layers = check_int(num_layers, "num_layers", minimum=2)
        self.dropout = check_fraction(dropout, "dropout")
        self.encoder = encoder
        widths = [check_int(first, "in_channels", minimum=1), *[hidden] * (layers - 1)]
        self.in_channels = widths[0]
        widths.append(check_int(out_channels, "out_channels", minimum=1))
        self.convs = nn.ModuleList(_convolution(kind, *pair) for pair in pairwise(widths))
        self.bns = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:-1])

    def forward(self, x: Tensor, graph: SharedAdjacency | Tensor | None = None) -> Tensor:
        """Return the logits.

        Args:
            x (Tensor): Features or ids of ranked classes; see the class.
            graph (SharedAdjacency or Tensor, optional): The graph; not read by an MLP.

        Returns:
            Tensor: Logits ``(N, C)``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed, or the features have
                another width.
        """
        if self.encoder is None:  # which checks ids itself
            check_matrix(x, "x", cols=self.in_channels, finite=False, csr=True)
        if self.kind == "mlp":
            graph = None
        elif isinstance(graph, Tensor):
            graph = SharedAdjacency.build(graph, x.size(0), self.kind)
        elif graph is None or graph.kind != self.kind:
            raise ValueError(f"graph must be edge_index or a SharedAdjacency of {self.kind!r}")
        h = self._layer(0, x, graph)
        for i, norm in enumerate(self.bns):
            # Norm before ReLU, and nothing behind the last layer: the order of the authors'
            # networks.
            h = F.dropout(norm(h).relu(), self.dropout, self.training)
            h = self._layer(i + 1, h, graph)
        return h

    def _layer(self, i: int, x: Tensor, graph: SharedAdjacency | None) -> Tensor:
        conv: Any = self.convs[i]
        project: Any = F.linear if i or self.encoder is None else self.encoder.project
        out: Tensor
        if graph is None:
            out = project(x, conv.weight, conv.bias)
            return out
        if self.kind == "gcn":
            # Projected before it is spread, as in GCNConv: edges then carry h columns instead of d.
            out = graph @ project(x, conv.lin.weight) + conv.bias
            return out
        # The mean of projected rows is the projected mean, so SAGEConv's order may be turned round.
        spread = graph @ project(x, conv.lin_l.weight)
        out = spread + conv.lin_l.bias + project(x, conv.lin_r.weight)
        return out


def _convolution(kind: str, in_channels: int, out_channels: int) -> nn.Module:
    """PyG's layer, of which names, shapes and initial values are used."""
    from torch_geometric.nn import GCNConv, SAGEConv

    layers = {"gcn": GCNConv, "sage": SAGEConv, "mlp": nn.Linear}
    layer: nn.Module = layers[kind](in_channels, out_channels)
    return layer
