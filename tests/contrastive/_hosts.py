"""A small graph with planted groups, and every two-view method with its training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, Sequential

from graphlab.contrastive import BGRL, COSTA, GBT, GCA, GRACE, GraphCL, ProGCL, TwoViewModel
from tests._data import golden

NODES, FEATURES, WIDTH = 60, 12, 8


def case(name: str, dtype: torch.dtype = torch.float32, system: str = "pot") -> dict[str, Tensor]:
    """The arrays of a golden file as tensors, floating ones in ``dtype``."""
    with np.load(golden(system, f"{name}.npz"), allow_pickle=False) as file:
        tensors = {key: torch.from_numpy(np.asarray(file[key])) for key in file.files}
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in tensors.items()}


def graph(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features, undirected edges without loops, labels."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(NODES) % 3
    x = torch.eye(3, FEATURES)[y] + 0.5 * torch.randn(NODES, FEATURES, generator=generator)
    pairs = torch.randint(NODES, (2, 900), generator=generator)
    pairs = pairs[:, (y[pairs[0]] == y[pairs[1]]) & (pairs[0] < pairs[1])].unique(dim=1)
    return x, torch.cat([pairs, pairs.flip(0)], dim=1), y


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
