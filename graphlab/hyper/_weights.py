"""A weighted projection from which hyperedges are taken one after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_tensor
from graphlab._graphs.edges import read_edges
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import Floats
from graphlab.hyper.cliques import maximal_cliques

Clique = tuple[int, ...]


class Weights:
    """Remaining weights; an edge of weight zero is gone."""

    def __init__(self) -> None:
        self.near: dict[int, dict[int, int]] = {}

    @classmethod
    def of(cls, edge_index: Tensor, edge_weight: Tensor) -> Weights:
        """From both directions of every edge; weights of repeated edges are added."""
        weights = cls()
        for (u, v), w in zip(edge_index.t().tolist(), edge_weight.tolist(), strict=True):
            near = weights.near.setdefault(u, {})
            near[v] = near.get(v, 0) + int(w)
        return weights

    @property
    def left(self) -> bool:
        """True while any edge is left."""
        return any(self.near.values())

    def has(self, clique: Clique) -> bool:
        """Test whether all edges of a clique are left."""
        return all(v in self.near[u] for u, v in combinations(clique, 2))

    def take(self, clique: Clique, times: int = 1) -> None:
        """Lower the weights of all edges of a clique."""
        for u, v in combinations(clique, 2):
            rest = self.near[u][v] - times
            for a, b in ((u, v), (v, u)):
                if rest > 0:
                    self.near[a][b] = rest
                else:
                    del self.near[a][b]

    def shared(self, u: int, v: int) -> int:
        """Largest number of hyperedges with three nodes or more on u and v."""
        a, b = self.near[u], self.near[v]
        # The smaller neighbourhood is looked up in the larger one.
        if len(a) > len(b):
            a, b = b, a
        return sum(min(w, b[z]) for z, w in a.items() if z in b)

    def certain_pairs(self) -> list[tuple[int, int, int]]:
        """Edges u < v that must be hyperedges of their own, and how often at least."""
        bounds = (
            (u, v, w - self.shared(u, v))
            for u in sorted(self.near)
            for v, w in sorted(self.near[u].items())
            if u < v
        )
        return [(u, v, least) for u, v, least in bounds if least > 0]

    def maximal_cliques(self, num_nodes: int) -> list[Clique]:
        """Maximal cliques with two nodes or more, of what is left."""
        pairs = [(u, v) for u, near in self.near.items() for v in near]
        edges = torch.tensor(pairs, dtype=torch.int64, device="cpu").view(-1, 2).t()
        cliques = maximal_cliques(edges, num_nodes).to_list()
        return [clique for clique in cliques if len(clique) > 1]

    def features(self, cliques: Iterable[Clique], maximal: set[Clique]) -> Floats:
        """Size, maximality, and statistics of degrees, weights and bounds; ``(c, 17)``."""
        degree = {u: sum(near.values()) for u, near in self.near.items()}
        rows = []
        bound: dict[tuple[int, int], int] = {}
        for clique in cliques:
            pairs = list(combinations(clique, 2))
            for pair in pairs:
                if pair not in bound:
                    bound[pair] = self.shared(*pair)
            weight = np.array([self.near[u][v] for u, v in pairs], dtype=np.float64)
            most = np.array([bound[pair] for pair in pairs], dtype=np.float64)
            nodes = np.array([degree[u] for u in clique], dtype=np.float64)
            first = [float(len(clique)), float(clique in maximal)]
            rows.append([*first, *_five(nodes), *_five(weight), *_five(most / weight)])
        return np.array(rows, dtype=np.float64).reshape(-1, 17)


def _five(values: Floats) -> list[float]:
    return [
        float(values.sum()),
        float(values.mean()),
        float(values.min()),
        float(values.max()),
        float(values.std()),
    ]


def read_weights(
    edge_index: Any,
    num_nodes: int | None,
    edge_weight: Any,
    node_id: Sequence[Any] | None = None,
) -> tuple[Weights, Graph]:
    """Check a graph with whole, positive, symmetric weights; return the graph as well."""
    graph = read_graph(edge_index, num_nodes, node_id)
    edge_index, edge_weight, _ = read_edges(edge_index, edge_weight, graph.num_nodes)
    if edge_weight is None:
        raise ValueError("edge_weight must be given: project(..., weighted=True) makes it")
    weight = check_tensor(edge_weight, "edge_weight")
    if weight.shape != (edge_index.size(1),):
        raise ValueError(
            f"edge_weight must have shape ({edge_index.size(1)},), got {tuple(weight.shape)}"
        )
    whole = weight.double()
    wrong = ((whole != whole.round()) | ~(whole >= 1) | whole.isinf()).nonzero()
    if wrong.numel():
        at = int(wrong[0])
        raise ValueError(
            "edge_weight must hold positive whole numbers, but "
            f"edge_weight[{at}] = {float(whole[at])}"
        )
    weights = Weights.of(edge_index, whole.long())
    for u, near in weights.near.items():
        for v, w in near.items():
            if weights.near[v][u] != w:
                raise ValueError(f"edge_weight must be equal in both directions, see ({u}, {v})")
    return weights, graph
