"""Link predictors on one split of the edges: the split, the model and its training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, GraphConv
from torch_geometric.transforms import RandomLinkSplit
from torch_geometric.utils import add_self_loops, degree, negative_sampling

from experiments.link_prediction.presets import Config
from graphlab.evaluate import hits_at_k


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

    def encode(self, x: Tensor | None, edge_index: Tensor, weight: Tensor) -> Tensor:
        """Embeddings ``(N, D)``."""
        h: Any = x if self.embedding is None else self.embedding.weight
        for layer, conv in enumerate(self.convs):
            h = conv(h, edge_index, weight)
            h = F.normalize(h) if self.normalize else h
            h = F.relu(h) if layer + 1 < len(self.convs) else h
        out: Tensor = h
        return out

    def score(self, h: Tensor, pairs: Tensor) -> Tensor:
        """Logits of pairs of nodes."""
        out: Tensor = self.decoder(h[pairs[0]] * h[pairs[1]]).squeeze(1)
        return out


@dataclass(frozen=True)
class Split:
    """Everything that the methods of a seed share."""

    num_nodes: int
    x: Tensor | None
    train: Tensor  # message edges, both directions
    positives: dict[str, Tensor]  # each edge once
    negatives: dict[str, Tensor]
    loops: Tensor  # train with self-loops
    weights: dict[str, Tensor]  # base weights of loops

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
        None if data.x is None else data.x.to(device),
        edge_index,
        {name: part.pos_edge_label_index.to(device) for name, part in parts.items()},
        {name: parts[name].neg_edge_label_index.to(device) for name in ("val", "test")},
        loops,
        {"gcn": (count[loops[0]] * count[loops[1]]).rsqrt(), "sage": 1 / count[loops[1]]},
    )


def train_epoch(
    config: Config,
    model: LinkPredictor,
    optimizer: torch.optim.Optimizer,
    weight: Tensor,
    split: Split,
) -> float:
    """One pass over the training edges, each with one negative."""
    model.train()
    total, positives = 0.0, split.positives["train"]
    for batch in batches(positives.size(1), config.batch_size):
        negatives = negative_sampling(split.loops, split.num_nodes, batch.numel())
        h = model.encode(split.x, split.loops, weight)
        pos = model.score(h, positives[:, batch.to(positives.device)])
        neg = model.score(h, negatives)
        loss = -F.logsigmoid(pos).mean() - F.logsigmoid(-neg).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += float(loss.detach()) * batch.numel() / positives.size(1)
    return total


def batches(size: int, batch_size: int) -> Iterator[Tensor]:
    """All positions in random order, the last partial batch included."""
    yield from torch.randperm(size).split(batch_size)


@torch.no_grad()
def edge_hits(
    config: Config, model: LinkPredictor, weight: Tensor, split: Split, part: str
) -> float:
    """Hits@K of a part against its own negatives."""
    model.eval()
    h = model.encode(split.x, split.loops, weight)
    pos, neg = (model.score(h, edges[part]) for edges in (split.positives, split.negatives))
    return hits_at_k(pos, neg, config.hits_k)
