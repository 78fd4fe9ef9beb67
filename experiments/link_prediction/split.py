"""One random split of the edges of a graph, and the graph that messages pass over."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import add_self_loops, degree

from graphlab.ops import SparseRows


@dataclass(frozen=True)
class Split:
    """Everything that the methods of a seed share.

    Attributes:
        num_nodes (int): N.
        x (Tensor or SparseRows, optional): Features ``(N, F)``; sparse where most are zero.
        train (Tensor): Edges that carry messages, both directions.
        positives (dict[str, Tensor]): Edges of each part, each edge once.
        negatives (dict[str, Tensor]): Fixed pairs without an edge, for validation and test.
        loops (Tensor): ``train`` with self-loops.
        weights (dict[str, Tensor]): Weights of ``loops`` by encoder, before any re-weighting.
    """

    num_nodes: int
    x: Tensor | SparseRows | None
    train: Tensor
    positives: dict[str, Tensor]
    negatives: dict[str, Tensor]
    loops: Tensor
    weights: dict[str, Tensor]

    def both(self, part: str) -> Tensor:
        """Positive edges of a part in both directions."""
        edges = self.positives[part]
        return torch.cat([edges, edges.flip(0)], dim=1)


def split_edges(data: Data, device: torch.device) -> Split:
    """Split the edges and draw the fixed negatives; the runner has seeded the generators."""
    plain = Data(edge_index=data.edge_index, num_nodes=data.num_nodes)
    split = RandomLinkSplit(
        0.1, 0.2, is_undirected=True, add_negative_train_samples=False, split_labels=True
    )
    parts = dict(zip(("train", "val", "test"), split(plain), strict=True))
    edge_index = parts["train"].edge_index.to(device)
    loops, _ = add_self_loops(edge_index, num_nodes=data.num_nodes)
    count = degree(loops[1], data.num_nodes)
    return Split(
        data.num_nodes,
        None if data.x is None else features(data.x.to(device)),
        edge_index,
        {name: part.pos_edge_label_index.to(device) for name, part in parts.items()},
        {name: parts[name].neg_edge_label_index.to(device) for name in ("val", "test")},
        loops,
        # D^-1/2 A D^-1/2 for GCN, D^-1 A for SAGE; the degree counts the self-loop.
        {"gcn": (count[loops[0]] * count[loops[1]]).rsqrt(), "sage": 1 / count[loops[1]]},
    )


def features(x: Tensor) -> Tensor | SparseRows:
    """Bags of words as compressed rows, other features as they are."""
    row, col = x.nonzero(as_tuple=True)
    if row.numel() > x.numel() / 8:
        return x
    return SparseRows.from_rows(row, col, x.size(0), x.size(1), x[row, col])
