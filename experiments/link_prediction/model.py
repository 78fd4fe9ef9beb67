"""Link predictors: two convolutions, and an MLP on products of embeddings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GCNConv, GraphConv

from graphlab.ops import SparseRows, propagate

from .presets import Config


class LinkPredictor(nn.Module):
    """Two convolutions with given edge weights, and an MLP on products of embeddings."""

    def __init__(self, config: Config, encoder: str, num_features: int, num_nodes: int) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.embedding = None if num_features else nn.Embedding(num_nodes, hidden)
        sizes = [num_features or hidden, hidden, hidden]
        # GraphConv adds weighted neighbours and a root term: with weights 1 / degree it is SAGE.
        self.convs = nn.ModuleList(
            GCNConv(a, b, normalize=False, add_self_loops=False)
            if encoder == "gcn"
            else GraphConv(a, b)
            for a, b in pairwise(sizes)
        )
        self.normalize = config.normalize and encoder == "sage"
        self.decoder = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def encode(self, x: Tensor | SparseRows | None, edge_index: Tensor, weight: Tensor) -> Tensor:
        """Embeddings ``(N, D)``."""
        h: Any = x if self.embedding is None else self.embedding.weight
        for layer, conv in enumerate(self.convs):
            sparse = isinstance(h, SparseRows)
            h = of_words(conv, h, edge_index, weight) if sparse else conv(h, edge_index, weight)
            h = F.normalize(h) if self.normalize else h
            h = F.relu(h) if layer + 1 < len(self.convs) else h
        out: Tensor = h
        return out

    def score(self, h: Tensor, pairs: Tensor) -> Tensor:
        """Logits of pairs of nodes."""
        out: Tensor = self.decoder(h[pairs[0]] * h[pairs[1]]).squeeze(1)
        return out


def of_words(conv: Any, x: SparseRows, edge_index: Tensor, weight: Tensor) -> Tensor:
    """A convolution of sparse features: their zeros are not multiplied, only products travel."""
    if isinstance(conv, GCNConv):
        h = propagate(conv.lin.weight.t(), x)
        out: Tensor = conv.propagate(edge_index, x=h, edge_weight=weight) + conv.bias
        return out
    h = propagate(conv.lin_rel.weight.t(), x)
    out = conv.propagate(edge_index, x=(h, h), edge_weight=weight, size=None)
    out = out + conv.lin_rel.bias + propagate(conv.lin_root.weight.t(), x)
    return out
