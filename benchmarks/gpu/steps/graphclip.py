"""A pass of GraphCLIP over a batch, beside padded attention and a B x B loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GPSConv, global_mean_pool

from benchmarks._harness.training import training_step
from benchmarks.gpu.steps.case import SEED, Maker, Run, Step, edges_of, features, seeded
from graphlab.tag.graphclip import GraphCLIP, GraphCLIPEncoder, SubgraphSampler
from graphlab.tag.graphclip.positional import random_walk_encoding


@dataclass(frozen=True)
class Alignment:
    """Size of a step of GraphCLIP."""

    batch: int
    layers: int
    channels: int
    width: int
    nodes: int
    degree: float
    walk: int = 64


def graphclip(size: Alignment, device: torch.device, *, eager: bool) -> Run:
    """One pass over a batch in bfloat16: packed attention and tiled loss, or padding and B x B."""
    edges = edges_of(size.nodes, size.degree)
    roots = torch.arange(size.batch) % size.nodes
    store = SubgraphSampler("rwr", size.walk, 0.5, seed=SEED).sample(edges, size.nodes, roots)
    part = store.batch(torch.arange(size.batch))
    encoding = random_walk_encoding(part.edge_index, part.batch, size.batch).to(device)
    inputs = (
        features(size.nodes, size.width, device)[part.node.to(device)],
        encoding,
        part.edge_index.to(device),
        part.batch.to(device),
        part.root_index.to(device),
    )
    text = features(size.batch, size.width, device).flip(0)
    tower = (size.width, size.channels)
    model = seeded(
        device,
        lambda: GraphCLIP(
            GraphCLIPEncoder(*tower, num_layers=size.layers, out_channels=size.width)
        ),
    )

    def loss() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            embedding = (padded(model.graph_model, *inputs) if eager else model(*inputs)).float()
        if not eager:
            out: Tensor = model.criterion(embedding, text)
            return out
        scale = model.criterion.logit_scale.exp()
        logits = scale * F.normalize(embedding) @ F.normalize(text).t()
        own = torch.arange(size.batch, device=device)
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2

    return training_step(loss, [p for p in model.parameters() if p.requires_grad])


def padded(
    tower: GraphCLIPEncoder, x: Tensor, pe: Tensor, edges: Tensor, batch: Tensor, root: Tensor
) -> Tensor:
    """The tower with the layers' weights in PyG's own forward, which pads to the largest graph."""
    h = torch.cat([tower.node_emb(x), tower.pe_lin(tower.pe_norm(pe))], dim=1)
    for layer in tower.convs:
        h = GPSConv.forward(layer, h, edges, batch)
    pooled = global_mean_pool(h, batch, root.numel())
    out: Tensor = tower.mlp(torch.cat([pooled, h[root]], dim=1))
    return out


def cases(*, small: bool) -> dict[str, Step]:
    """The batch of the paper, which went over several devices, and an eighth of it."""
    steps = {}
    for batch in (7_200, 900):
        size = Alignment(batch, 12, 1_024, 384, 169_343, 13.7)
        tiny = Alignment(6, 1, 16, 8, 40, 4.0, 8)
        title = f"GraphCLIP pass, batch {batch:,}, 12 layers of 1,024, bfloat16"
        steps[f"graphclip_{batch}"] = Step(title, _makers(tiny if small else size))
    return steps


def _makers(size: Alignment) -> dict[str, Maker]:
    return {
        "graphlab": partial(graphclip, size, eager=False),
        "eager, padded": partial(graphclip, size, eager=True),
    }
