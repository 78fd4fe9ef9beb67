"""Every graph that a budget of drops allows, and what a small network computes on each."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

CHUNK = 20_000


@dataclass(frozen=True)
class Instance:
    """A graph, a two-layer network and a budget, float64."""

    adjacency: Tensor
    x: Tensor
    layers: list[tuple[Tensor, Tensor]]
    target: Tensor
    budget: Tensor
    slope: float

    @property
    def edge_index(self) -> Tensor:
        target, source = self.adjacency.nonzero().t()
        return torch.stack([source, target])

    @property
    def degree(self) -> Tensor:
        return self.adjacency.sum(1).long()


@dataclass(frozen=True)
class Extremes:
    """Smallest and largest values over all graphs."""

    low: dict[str, Tensor]
    high: dict[str, Tensor]
    count: int


def random_instance(
    seed: int, budget: str | float = "random", nodes: int | None = None
) -> Instance:
    """A graph of 4 to 9 nodes with at most 12 edges; every other one has an isolated node."""
    generator = torch.Generator().manual_seed(seed)
    n = nodes or int(torch.randint(4, 10, (), generator=generator))
    alone = seed % 2
    adjacency = torch.zeros(n, n, dtype=torch.float64)
    for node in range(1, n - alone):  # a random tree, then more edges
        other = int(torch.randint(node, (), generator=generator))
        adjacency[node, other] = adjacency[other, node] = 1
    for _ in range(int(torch.randint(0, 14 - n, (), generator=generator))):
        i, j = torch.randint(n - alone, (2,), generator=generator).tolist()
        if i != j:
            adjacency[i, j] = adjacency[j, i] = 1
    features, width = torch.randint(3, 9, (2,), generator=generator).tolist()
    d = int(torch.randint(2, 6, (), generator=generator))

    def randn(*size: int) -> Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    degree = adjacency.sum(1)
    if budget == "all":
        drops = degree
    elif budget == "random":
        drops = (torch.rand(n, generator=generator) * (degree + 1)).floor()
    else:
        drops = (float(budget) * degree).round()
    x = randn(n, features)
    layers = [
        (randn(width, features), 0.3 * randn(width)),
        (randn(d, width), 0.3 * randn(d)),
    ]
    slope = [0.0, 0.1, 0.25, 0.9][seed % 4]
    instance = Instance(adjacency, x, layers, randn(n, d), drops.long(), slope)
    if seed % 3 == 0:  # a target that the network itself gives
        z = network(instance, adjacency.unsqueeze(0))["z"][0]
        unit = torch.nn.functional.normalize(z, dim=1)
        target = unit * n / (n - 1) - unit.sum(0) / (n - 1)
        instance = Instance(adjacency, x, layers, target, drops.long(), slope)
    return instance


def network(instance: Instance, graphs: Tensor) -> dict[str, Tensor]:
    """Run the network densely on ``(M, N, N)`` graphs whose rows are targets."""
    loops = graphs + torch.eye(graphs.size(1), dtype=graphs.dtype)
    scale = loops.sum(2).rsqrt()
    matrix = scale.unsqueeze(2) * loops * scale.unsqueeze(1)
    out = {"A": matrix}
    h = instance.x
    for k, (weight, bias) in enumerate(instance.layers):
        pre = matrix @ (h @ weight.t()) + bias
        h = torch.nn.functional.leaky_relu(pre, instance.slope)
        out[f"pre{k}"] = pre
    out["z"] = h
    out["f"] = (h * instance.target).sum(2)
    return out


def undirected_graphs(instance: Instance) -> Tensor:
    """All graphs whose nodes lost at most their budget of whole edges, ``(M, N, N)``."""
    upper = instance.adjacency.triu().nonzero()
    masks = torch.tensor(list(itertools.product([0.0, 1.0], repeat=len(upper))))
    masks = masks.double().reshape(-1, len(upper))
    lost = masks.new_zeros(masks.size(0), instance.adjacency.size(0))
    lost = lost.index_add(1, upper[:, 0], masks).index_add(1, upper[:, 1], masks)
    masks = masks[(lost <= instance.budget).all(1)]
    graphs = instance.adjacency.repeat(masks.size(0), 1, 1)
    graphs[:, upper[:, 0], upper[:, 1]] -= masks
    graphs[:, upper[:, 1], upper[:, 0]] -= masks
    return graphs


def directed_graphs(instance: Instance, limit: int, samples: int, seed: int) -> Tensor:
    """All graphs whose rows lost at most their budget, or some of them if there are too many."""
    choices = [
        _row_choices(row, int(q))
        for row, q in zip(instance.adjacency, instance.budget, strict=True)
    ]
    total = 1
    for choice in choices:
        total *= choice.size(0)
    if total <= limit:
        grid = torch.cartesian_prod(*[torch.arange(c.size(0)) for c in choices])
        return torch.stack([c[grid[:, i]] for i, c in enumerate(choices)], dim=1)
    generator = torch.Generator().manual_seed(seed)
    rows = [c[torch.randint(c.size(0), (samples,), generator=generator)] for c in choices]
    single = []
    for i, choice in enumerate(choices):
        graphs = instance.adjacency.repeat(choice.size(0), 1, 1)
        graphs[:, i] = choice
        single.append(graphs)
    return torch.cat([torch.stack(rows, dim=1), *single])


def _row_choices(row: Tensor, budget: int) -> Tensor:
    entries = row.nonzero().flatten().tolist()
    out = []
    for count in range(min(budget, len(entries)) + 1):
        for lost in itertools.combinations(entries, count):
            kept = row.clone()
            kept[list(lost)] = 0
            out.append(kept)
    return torch.stack(out)


def extremes(instance: Instance, graphs: Tensor) -> Extremes:
    """Extremes of everything over the graphs."""
    low: dict[str, Tensor] = {}
    high: dict[str, Tensor] = {}
    for part in graphs.split(CHUNK):
        for name, value in network(instance, part).items():
            least, most = value.amin(0), value.amax(0)
            low[name] = torch.minimum(low.get(name, least), least)
            high[name] = torch.maximum(high.get(name, most), most)
    return Extremes(low, high, graphs.size(0))
