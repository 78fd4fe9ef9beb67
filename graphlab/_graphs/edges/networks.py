"""Graphs of networkx, read as edges; nodes are numbered in their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from graphlab._graphs.edges.values import ADVICE, AUTO, as_weights, is_number, warn_unused

__all__: list[str] = []


def edges_of(graph: Any) -> Tensor:
    """Edges ``(2, E)`` int64, both directions of those of an undirected graph."""
    number = {node: i for i, node in enumerate(graph)}
    pairs = [(number[u], number[v]) for u, v in graph.edges()]
    index = torch.tensor(pairs, dtype=torch.int64, device="cpu").view(-1, 2).t()
    back = _leads_back(graph, index)
    return index.contiguous() if back is None else torch.cat([index, index[:, back].flip(0)], dim=1)


def weights_of(graph: Any, edge_index: Tensor, weight: str | None) -> Tensor | None:
    """Weights of :func:`edges_of`, ``(E,)``; 1 where an edge lacks the attribute.

    Args:
        graph (networkx graph): The graph.
        edge_index (Tensor): Its edges.
        weight (str, optional): Name of the attribute; ``"auto"`` is ``"weight"``, and ``None``
            reads nothing.

    Raises:
        ValueError: If the weight of an edge is no finite number >= 0, or no edge has the attribute.
    """
    if weight is None or graph.number_of_edges() == 0:
        return None
    name = "weight" if weight == AUTO else weight
    rows = list(graph.edges(data=True))
    if not any(name in data for _, _, data in rows):
        _refuse_or_warn(name, weight, (data for _, _, data in rows))
        return edge_index.new_ones(edge_index.size(1))
    found = as_weights([data.get(name, 1) for _, _, data in rows])
    if isinstance(found, int):
        u, v, data = rows[found]
        raise ValueError(f"edge ({u!r}, {v!r}) has {name!r} = {data[name]!r}: {ADVICE}")
    values = torch.from_numpy(found)
    back = _leads_back(graph, edge_index[:, : len(rows)])
    return values if back is None else torch.cat([values, values[back]])


def _refuse_or_warn(name: str, weight: str, rows: Iterable[dict[str, Any]]) -> None:
    """What to do about edges none of which has the attribute: warn, or refuse a given name."""
    numeric: dict[str, bool] = {}
    for data in rows:
        for key, value in data.items():
            numeric[key] = numeric.get(key, True) and is_number(value)
    if weight != AUTO:
        known = ", ".join(repr(key) for key in numeric) or "none"
        raise ValueError(f"no edge has the attribute weight={name!r}; attributes of edges: {known}")
    warn_unused([key for key, every in numeric.items() if every])


def _leads_back(graph: Any, index: Tensor) -> Tensor | None:
    """Positions of the edges that also lead back: all but loops, in an undirected graph."""
    return None if graph.is_directed() else (index[0] != index[1]).nonzero().view(-1)
