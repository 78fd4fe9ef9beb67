"""Positions of the nodes of a hypergraph: every part by itself, parts side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphlab.viz._values import Floats

Ints = npt.NDArray[np.int64]

#: Smallest distance of two nodes, where the distance to the middle of a hyperedge is about 1.
GAP = 0.7
_SMALL = 250  # vertices of a part that is laid out by distances, which takes their cube
_ROUNDS = 60


def layout(index: Ints, num_nodes: int, seed: int) -> Floats:
    """Positions ``(N, 2)``: parts in rows, the largest first, nodes without hyperedge below.

    Args:
        index (ndarray): Incidence ``(2, nnz)``.
        num_nodes (int): N.
        seed (int): Seed of the start.
    """
    import networkx as nx

    graph = nx.Graph((int(v), ("edge", int(e))) for v, e in index.T)
    parts = [graph.subgraph(part) for part in nx.connected_components(graph)]
    parts.sort(key=lambda part: (-len(part), min(v for v in part if not isinstance(v, tuple))))
    members = [np.array(sorted(v for v in part if not isinstance(v, tuple))) for part in parts]
    drawn = [_part(part, nodes, seed) for part, nodes in zip(parts, members, strict=True)]
    positions = np.zeros((num_nodes, 2))
    low = 0.0
    for nodes, place in zip(members, _packed(drawn), strict=True):
        positions[nodes] = place
        low = min(low, float(place[:, 1].min()))
    alone = np.setdiff1d(np.arange(num_nodes), index[0])
    if alone.size:
        used = positions[np.unique(index[0])] if index.size else np.zeros((0, 2))
        width = max(float(np.ptp(used[:, 0])) if len(used) else 0.0, np.sqrt(alone.size), 1.0)
        per_row = int(np.ceil(min(alone.size, width)))
        row, column = np.divmod(np.arange(alone.size), per_row)
        left = float(used[:, 0].min()) if len(used) else 0.0
        step = width / max(per_row - 1, 1) if alone.size >= per_row > 1 else 1.0
        below = low - 1.5 if len(used) else 0.0
        positions[alone] = np.stack([left + column * step, below - row], axis=1)
    return positions


def _part(graph: Any, nodes: Ints, seed: int) -> Floats:
    """Positions of one connected part, scaled so that members are about 1 from their middle."""
    import networkx as nx

    start = nx.spring_layout(graph, seed=seed, iterations=50 if len(graph) <= _SMALL else 300)
    if 2 < len(graph) <= _SMALL:
        # Distances along the graph unfold what springs leave crumpled.
        start = nx.kamada_kawai_layout(graph, pos=start)
    ends = np.array([[start[a], start[b]] for a, b in graph.edges])
    length = float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean())
    place = np.array([start[int(v)] for v in nodes]) / max(length, 1e-9)
    place = place - place.mean(axis=0)
    _, _, axes = np.linalg.svd(place, full_matrices=False)  # the long side lies
    return _apart(place @ axes.T if len(place) > 1 else place, seed)


def _apart(place: Floats, seed: int) -> Floats:
    """Push nodes apart that are closer than the gap."""
    place = place + 1e-3 * np.random.default_rng(seed).standard_normal(place.shape)
    for _ in range(_ROUNDS):
        way = place[:, None] - place[None]
        distance = np.linalg.norm(way, axis=2) + np.eye(len(place)) * 1e9
        lack = np.clip(GAP - distance, 0.0, None)
        if not lack.any():
            break
        place = place + (way / distance[..., None] * lack[..., None] / 2).sum(axis=1)
    return place


def _packed(parts: list[Floats]) -> list[Floats]:
    """Parts in rows of about equal width, from left to right and from the top."""
    sizes = [np.ptp(part, axis=0) + 2.0 for part in parts]
    total = sum(float(w * h) for w, h in sizes)
    limit = max([1.3 * np.sqrt(total), *(float(w) for w, _ in sizes)], default=0.0)
    placed, x, y, height = [], 0.0, 0.0, 0.0
    for part, (w, h) in zip(parts, sizes, strict=True):
        if x > 0 and x + w > limit:
            x, y, height = 0.0, y - height, 0.0
        corner = np.array([part[:, 0].min() - 1.0, part[:, 1].max() + 1.0])
        placed.append(part - corner + np.array([x, y]))
        x, height = x + w, max(height, h)
    return placed
