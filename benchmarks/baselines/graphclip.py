"""GraphCLIP's pretraining step and subgraph sampling the way the authors' code does them.

Every subgraph is an object of its own: sampled by a loop, augmented by a loop, collated anew for
each of the three passes, and padded to the largest subgraph of the batch in the attention. Texts
are embedded beforehand, as in the library, so that only the graph side is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GPSConv, SAGEConv, global_mean_pool
from torch_geometric.utils import to_undirected

from graphlab.tag import GraphTextPairs
from graphlab.tag.graphclip import GraphCLIPEncoder

__all__ = [
    "DenseTower",
    "augment",
    "pair_objects",
    "released_epoch",
    "released_step",
    "subgraph_objects",
    "walk",
]


# --- sampling -------------------------------------------------------------------------------------


def walk(
    rowptr: Tensor,
    col: Tensor,
    start: Tensor,
    length: int,
    restart: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Walk from all starts at once: nodes ``(P, length + 1)`` and whether a step was a return."""
    degree = rowptr.diff()
    here, path = start, [start]
    returned = [torch.ones_like(start, dtype=torch.bool)]
    for _ in range(length):
        draw = torch.rand(start.numel(), generator=generator)
        offset = (draw * degree[here]).long()
        there = col[(rowptr[here] + offset).clamp(max=col.numel() - 1)].long()
        back = (torch.rand(start.numel(), generator=generator) < restart) | (degree[here] == 0)
        here = torch.where(back, start, there)
        path.append(here)
        returned.append(back)
    return torch.stack(path, 1), torch.stack(returned, 1)


def subgraph_objects(path: Tensor, returned: Tensor) -> list[Data]:
    """One object per walk: the traversed edges, both ways, relabelled; a loop over the walks."""
    graphs = []
    for i in range(path.size(0)):
        nodes = path[i]
        edges = torch.tensor([nodes[:-1].tolist(), nodes[1:].tolist()])
        edges = edges.t()[~returned[i, 1:]].t()
        root = int(nodes[0])
        if edges.size(1) == 0:
            edges = torch.tensor([[root], [root]])
        edges = to_undirected(edges)
        kept = edges.unique().tolist()
        local = {node: position for position, node in enumerate(kept)}
        renamed = [[local[node] for node in row] for row in edges.tolist()]
        graphs.append(
            Data(
                edge_index=torch.tensor(renamed),
                node=torch.tensor(kept),
                # PyG shifts attributes whose name contains "index" when it collates.
                root_n_index=local[root],
                num_nodes=len(kept),
            )
        )
    return graphs


# --- training -------------------------------------------------------------------------------------


def pair_objects(pairs: GraphTextPairs, walk_length: int) -> list[Data]:
    """Subgraphs of a store as objects with features and positional encodings."""
    encoding = pairs.encoding(walk_length)
    graphs = []
    for i in range(len(pairs)):
        part = pairs.store[i]
        rows = slice(int(pairs.store.node_ptr[i]), int(pairs.store.node_ptr[i + 1]))
        data = Data(x=pairs.x[part.node], edge_index=part.edge_index, pe=encoding[rows].float())
        data.root_n_index = part.root
        graphs.append(data)
    return graphs


class DenseTower(nn.Module):
    """The released tower: PyG's GPS layers, whose attention pads to the largest subgraph."""

    def __init__(self, tower: GraphCLIPEncoder) -> None:
        super().__init__()
        width = tower.hidden_channels
        self.node_emb = nn.Linear(tower.in_channels, width - tower.pe_channels)
        self.pe_lin = nn.Linear(tower.walk_length, tower.pe_channels)
        self.pe_norm = nn.BatchNorm1d(tower.walk_length)
        self.convs = nn.ModuleList(
            GPSConv(width, SAGEConv(width, width), heads=tower.heads, attn_type="multihead")
            for _ in range(tower.num_layers)
        )
        self.mlp = nn.Sequential(nn.Linear(2 * width, tower.out_channels))
        self.mlp2 = nn.Sequential(nn.Linear(width, tower.center_channels))
        own = self.state_dict()
        self.load_state_dict({k: v for k, v in tower.state_dict().items() if k in own})

    def forward(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Embed a collated batch."""
        h = torch.cat([self.node_emb(batch.x), self.pe_lin(self.pe_norm(batch.pe))], dim=1)
        for conv in self.convs:
            h = conv(h, batch.edge_index, batch.batch)
        root = h[batch.root_n_index]
        pooled = global_mean_pool(h, batch.batch)
        return self.mlp(torch.cat([pooled, root], dim=1)), self.mlp2(root)


def augment(graph: Data, feature_p: float, edge_p: float, generator: torch.Generator) -> Data:
    """Zero columns and drop directed edges of one subgraph."""
    columns = torch.rand(graph.x.size(1), generator=generator) >= feature_p
    stays = torch.rand(graph.edge_index.size(1), generator=generator) >= edge_p
    view = Data(x=graph.x.clone(), edge_index=graph.edge_index[:, stays], pe=graph.pe)
    view.x[:, ~columns] = 0
    view.root_n_index = graph.root_n_index
    return view


def released_step(
    tower: DenseTower,
    logit_scale: Tensor,
    graphs: Sequence[Data],
    text: Tensor,
    *,
    eps: float,
    steps: int = 3,
    delta: Tensor | None = None,
) -> list[float]:
    """Accumulate the gradients of the adversarial passes on one list of views, as released.

    Every perturbation stays in the features of the objects.

    Returns:
        list[float]: Loss of every pass.
    """
    sizes = [int(graph.num_nodes or 0) for graph in graphs]
    if delta is None:
        delta = torch.empty(sum(sizes), graphs[0].x.size(1)).uniform_(-eps, eps)
    losses = []
    for step in range(steps):
        leaf = delta.detach().requires_grad_()
        for graph, part in zip(graphs, leaf.split(sizes), strict=True):
            graph.x = graph.x.detach() + part
        embedding = normalize(tower(Batch.from_data_list(list(graphs)))[0])
        logits = logit_scale.exp() * embedding @ normalize(text).t()
        target = torch.arange(len(graphs))
        loss = (cross_entropy(logits, target) + cross_entropy(logits.t(), target)) / 2
        (loss / steps).backward()
        losses.append(float(loss.detach()))
        if step + 1 < steps and leaf.grad is not None:
            delta = leaf.detach() + eps * leaf.grad.sign()
    return losses


def released_epoch(
    tower: DenseTower,
    graphs: Sequence[Data],
    text: Tensor,
    *,
    batch_size: int,
    eps: float,
    lr: float = 1e-3,
    feature_p: float = 0.3,
    edge_p: float = 0.2,
    seed: int = 0,
) -> list[float]:
    """Train one epoch; a last partial batch is dropped."""
    generator = torch.Generator().manual_seed(seed)
    logit_scale = nn.Parameter(torch.tensor(1 / 0.07).log())
    optimizer = torch.optim.AdamW([*tower.parameters(), logit_scale], lr=lr, weight_decay=1e-5)
    tower.train()
    order = torch.randperm(len(graphs), generator=generator)
    losses = []
    for index in order[: len(graphs) // batch_size * batch_size].split(batch_size):
        views = [augment(graphs[i], feature_p, edge_p, generator) for i in index.tolist()]
        optimizer.zero_grad()
        losses.append(released_step(tower, logit_scale, views, text[index], eps=eps)[-1])
        optimizer.step()
    return losses
