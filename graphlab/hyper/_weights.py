"""A weighted projection from which hyperedges are taken one after another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import check_tensor
from graphlab._graphs.edges import read_edges
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import Floats
from graphlab.hyper.cliques import maximal_cliques

Clique = tuple[int, ...]
_Ints = npt.NDArray[np.int64]

_CHUNK = 1 << 22  # entries that are held at once


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

    def certain_pairs(self) -> list[tuple[int, int, int]]:
        """Edges u < v that must be hyperedges of their own, and how often at least."""
        table = _Table(self.near)
        forward = np.flatnonzero(table.tail < table.head)
        least = table.weight[forward] - table.shared(forward)
        sure = np.flatnonzero(least > 0)
        ends = (table.tail[forward][sure], table.head[forward][sure])
        columns = [column.tolist() for column in (*ends, least[sure].astype(np.int64))]
        return list(zip(*columns, strict=True))

    def maximal_cliques(self, num_nodes: int) -> list[Clique]:
        """Maximal cliques with two nodes or more, of what is left."""
        pairs = [(u, v) for u, near in self.near.items() for v in near]
        edges = torch.tensor(pairs, dtype=torch.int64, device="cpu").view(-1, 2).t()
        cliques = maximal_cliques(edges, num_nodes).to_list()
        return [clique for clique in cliques if len(clique) > 1]

    def features(self, cliques: Sequence[Clique], maximal: set[Clique]) -> Floats:
        """Size, maximality, and statistics of degrees, weights and bounds; ``(c, 17)``."""
        table = _Table(self.near)
        out = np.zeros((len(cliques), 17))
        out[:, 0] = [len(clique) for clique in cliques]
        out[:, 1] = [clique in maximal for clique in cliques]
        for size in np.unique(out[:, 0]).astype(np.int64).tolist():
            rows = np.flatnonzero(out[:, 0] == size)
            step = max(1, _CHUNK // (size * size))
            for part in np.split(rows, range(step, len(rows), step)):
                nodes = np.array([cliques[i] for i in part.tolist()], dtype=np.int64)
                out[part, 2:] = table.statistics(nodes)
        return out


class _Table:
    """The weights of one moment as arrays: both directions of every edge, sorted by its ends.

    Attributes:
        tail, head (ndarray): Ends, ``(m,)``.
        weight (ndarray): Weights, ``(m,)``.
    """

    def __init__(self, near: dict[int, dict[int, int]]) -> None:
        count = sum(map(len, near.values()))
        tail = np.repeat(
            np.fromiter(near, np.int64, len(near)),
            np.fromiter(map(len, near.values()), np.int64, len(near)),
        )
        head = np.fromiter((v for row in near.values() for v in row), np.int64, count)
        weight = np.fromiter((w for row in near.values() for w in row.values()), np.int64, count)
        order = np.lexsort((head, tail))
        self.tail, self.head = tail[order], head[order]
        self.weight = weight[order].astype(np.float64)
        self._nodes = max(near, default=-1) + 1
        self._key = self.tail * self._nodes + self.head
        self._start = np.searchsorted(self.tail, np.arange(self._nodes + 1))
        self._degree = _sums(self.tail, self.weight, self._nodes)
        self._bound = np.full(count, -1.0)

    def statistics(self, nodes: _Ints) -> Floats:
        """Of degrees, weights and bounds of cliques ``(c, n)`` of one size; ``(c, 15)``."""
        first, second = np.triu_indices(nodes.shape[1], 1)
        edge = np.searchsorted(self._key, nodes[:, first] * self._nodes + nodes[:, second])
        weight = self.weight[edge]
        columns = (self._degree[nodes], weight, self._most(edge) / weight)
        return np.concatenate([_five(values) for values in columns], axis=1)

    def _most(self, edge: _Ints) -> Floats:
        """:meth:`shared`, kept for edges that come again."""
        new = np.unique(edge)
        new = new[self._bound[new] < 0]
        self._bound[new] = self.shared(new)
        found: Floats = self._bound[edge]
        return found

    def shared(self, edge: _Ints) -> Floats:
        """Largest number of hyperedges with three nodes or more on both ends of edges ``(e,)``."""
        size = np.diff(self._start)
        tail, head = self.tail[edge], self.head[edge]
        # The smaller neighbourhood is looked up in the larger one.
        swap = size[tail] > size[head]
        tail, head = np.where(swap, head, tail), np.where(swap, tail, head)
        out = np.zeros(len(edge))
        ends = np.cumsum(size[tail])
        begin = 0
        while begin < len(edge):
            # As many edges at a time as have neighbours for a chunk, and at least one.
            before = ends[begin - 1] if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, before + _CHUNK, "right")))
            part = slice(begin, end)
            out[part] = self._shared(tail[part], head[part])
            begin = end
        return out

    def _shared(self, tail: _Ints, head: _Ints) -> Floats:
        size = self._start[tail + 1] - self._start[tail]
        row = np.repeat(np.arange(len(tail)), size)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        mine = self._start[tail][row] + offset
        key = head[row] * self._nodes + self.head[mine]
        theirs = np.minimum(np.searchsorted(self._key, key), len(self._key) - 1)
        common = self._key[theirs] == key
        smaller = np.minimum(self.weight[mine[common]], self.weight[theirs[common]])
        return _sums(row[common], smaller, len(tail))


def _sums(group: _Ints, values: Floats, count: int) -> Floats:
    return np.bincount(group, values, count).astype(np.float64, copy=False)


def _five(values: Floats) -> Floats:
    """Sum, mean, minimum, maximum and deviation of every row."""
    return np.stack(
        [
            values.sum(axis=1),
            values.mean(axis=1),
            values.min(axis=1),
            values.max(axis=1),
            values.std(axis=1),
        ],
        axis=1,
    )


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
