"""Golden hypergraphs, random ones, and brute force to compare with."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
from torch_geometric.data.hypergraph_data import HyperGraphData

from graphlab.hyper import maximal_cliques, project
from tests._golden import arrays, document

NAMES = ("toy", "random12", "crime", "enron", "directors")


@lru_cache
def index() -> dict:
    return document("hyper", "index")


@lru_cache
def load(name: str) -> dict[str, np.ndarray]:
    """Arrays of a golden case, read once."""
    return arrays("hyper", name)


def hypergraph(name: str, split: str) -> HyperGraphData:
    data = load(name)
    return HyperGraphData(
        edge_index=torch.from_numpy(data[f"{split}_hyperedge_index"]),
        num_nodes=int(data[f"{split}_num_nodes"]),
        num_hyperedges=int(data[f"{split}_num_hyperedges"]),
    )


def make(sets, num_nodes: int) -> HyperGraphData:
    """A hypergraph from a list of node sets; empty sets are allowed."""
    sets = [sorted(set(s)) for s in sets]
    node = [v for s in sets for v in s]
    edge = [e for e, s in enumerate(sets) for _ in s]
    return HyperGraphData(
        edge_index=torch.tensor([node, edge]).long().view(2, -1),
        num_nodes=num_nodes,
        num_hyperedges=len(sets),
    )


def sets_of(data: HyperGraphData) -> list[tuple[int, ...]]:
    sets = [[] for _ in range(int(data.num_hyperedges))]
    for node, edge in data.edge_index.t().tolist():
        sets[edge].append(node)
    return [tuple(sorted(s)) for s in sets]


def random_hypergraph(seed: int, num_nodes: int = 12, count: int = 15) -> HyperGraphData:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, size=count)
    return make([rng.choice(num_nodes, size, replace=False).tolist() for size in sizes], num_nodes)


def parts(data: HyperGraphData):
    """Projection, number of nodes and maximal cliques."""
    nodes = data._store["num_nodes"]
    edges = project(data)
    return edges, nodes, maximal_cliques(edges, nodes)


def brute_cliques(edges: torch.Tensor, nodes: int) -> list[tuple[int, ...]]:
    near = {tuple(pair) for pair in edges.t().tolist()}
    whole = [
        c
        for k in range(1, nodes + 1)
        for c in combinations(range(nodes), k)
        if all(pair in near for pair in combinations(c, 2))
    ]
    return sorted(c for c in whole if not any(set(c) < set(d) for d in whole))
