"""A small graph with planted groups, and every two-view method with its training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, Sequential

from graphlab.contrastive import BGRL, COSTA, GBT, GCA, GRACE, GraphCL, ProGCL, TwoViewModel
from tests._graphs import planted

NODES, FEATURES, WIDTH = 60, 12, 8


def graph() -> tuple[Tensor, Tensor, Tensor]:
    """Features, undirected edges without loops, labels."""
    data = planted(NODES, dim=FEATURES, draws=900)
    return data.x, data.edge_index, data.y


def encoder(seed: int = 0) -> nn.Module:
    """Two convolutions, a ReLU after both."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [
            (GCNConv(FEATURES, 2 * WIDTH), "x, edge_index -> x"),
            nn.ReLU(),
            (GCNConv(2 * WIDTH, WIDTH), "x, edge_index -> x"),
            nn.ReLU(),
        ]
        return Sequential("x, edge_index", layers)


def build(name: str, edge_index: Tensor, **changes: Any) -> TwoViewModel:
    """A method by name, with the same weights every time."""
    makers: dict[str, Callable[..., TwoViewModel]] = {
        "grace": lambda **k: GRACE(encoder(), WIDTH, temperature=0.5, **k),
        "gca": lambda **k: GCA(encoder(), WIDTH, edge_index=edge_index, num_nodes=NODES, **k),
        "progcl": lambda **k: ProGCL(encoder(), WIDTH, start_epoch=5, **k),
        "progcl_mix": lambda **k: ProGCL(
            encoder(), WIDTH, start_epoch=5, mode="mix", num_mixed=20, **k
        ),
        "costa": lambda **k: COSTA(encoder(), WIDTH, **k),
        "bgrl": lambda **k: BGRL(encoder(), WIDTH, 16, momentum=0.9, **k),
        "gbt": lambda **k: GBT(encoder(), **k),
        "graphcl": lambda **k: GraphCL(encoder(), WIDTH, **k),
    }
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return makers[name](**changes)


METHODS = ("grace", "gca", "progcl", "progcl_mix", "costa", "bgrl", "gbt", "graphcl")
