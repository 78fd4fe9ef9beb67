"""Statistics of candidates over their nodes and their pairs of nodes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphlab.hyper._graph import Graph
from graphlab.hyper._sets import Floats, Ints, NodeSets

# Pairs of nodes that are gathered at once.
_CHUNK = 1 << 20


def groups(sets: NodeSets) -> Iterator[tuple[int, Ints, Ints]]:
    """Candidates of one size, a few at a time: size, numbers, nodes ``(c, size)``."""
    for size, numbers, matrix in sets.by_size():
        step = max(1, _CHUNK // max(1, size * (size - 1) // 2))
        for start in range(0, len(numbers), step):
            part = slice(start, start + step)
            yield size, numbers[part], matrix[part]


def edges_of(graph: Graph, nodes: Ints, name: str = "candidates") -> Ints:
    """Numbers of the edges between all nodes of each row, ``(c, pairs)``."""
    i, j = np.triu_indices(nodes.shape[1], 1)
    number = graph.edge_number(nodes[:, i], nodes[:, j])
    if number.size and number.min() < 0:
        row, pair = np.argwhere(number < 0)[0]
        u, v = int(nodes[row, i[pair]]), int(nodes[row, j[pair]])
        raise ValueError(f"{name} must be cliques of the graph, but ({u}, {v}) is no edge")
    return number


def four_statistics(values: Floats) -> Floats:
    """Minimum, maximum, mean and population deviation over axis 1, as ``(c, F, 4)``."""
    mean = values.mean(axis=1)
    deviation = values.std(axis=1)
    return np.stack([values.min(axis=1), values.max(axis=1), mean, deviation], axis=-1)
