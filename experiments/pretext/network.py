"""The network of the pretext experiment, on inputs that are propagated once."""

from __future__ import annotations

from typing import NamedTuple

import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlab.ops import SparseRows, propagate

from .presets import Config


class Propagated(NamedTuple):
    """Features after one normalised propagation, as sparse rows, and their transpose."""

    rows: SparseRows
    transposed: SparseRows

    @classmethod
    def of(cls, x: Tensor, edge_index: Tensor) -> Propagated:
        """D^-1/2 (A + I) D^-1/2 X."""
        edges, weight = gcn_norm(edge_index, num_nodes=x.size(0), dtype=x.dtype)
        source, target = edges.cpu().numpy()
        adjacency = sp.csr_array((weight.cpu().numpy(), (target, source)), shape=(len(x),) * 2)
        product = (adjacency @ sp.csr_array(x.cpu().numpy())).sorted_indices().tocoo()
        entries = (product.row, product.col, product.data)
        row, col, value = (torch.from_numpy(part).to(x.device) for part in entries)
        rows = SparseRows.from_rows(row, col, x.size(0), x.size(1), value)
        return cls(rows, rows.transpose())


class Network(nn.Module):
    """Two graph convolutions; the task sees the hidden layer after its activation.

    Nothing changes the words of a node, so the first convolution, A (X W), is (A X) W, whose
    matrix is sparse and made once.
    """

    def __init__(self, config: Config, in_channels: int, num_classes: int) -> None:
        super().__init__()
        first = GCNConv(in_channels, config.hidden_channels)
        self.weight, self.bias = nn.Parameter(first.lin.weight.detach().t().clone()), first.bias
        self.second = GCNConv(config.hidden_channels, num_classes, cached=True)
        self.dropout = config.dropout

    def forward(self, x: Propagated, edge_index: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states and logits."""
        h = (propagate(self.weight, x.rows, transposed=x.transposed) + self.bias).relu()
        dropped = F.dropout(h, self.dropout, self.training)
        return h, self.second(dropped, edge_index)
