"""The training graph and its target edges, which every kind of concentration reads."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_choice, check_edge_index, check_positive
from graphlab._graphs.edges import count_nodes, read_structure
from graphlab.ops import CSRGraph
from graphlab.ops.csr import trusted
from graphlab.ops.edge_order import sort_edges

__all__: list[str] = []

#: Target edges: the training edges, other edges, or several named sets of either.
Targets = Tensor | Mapping[str, Tensor | None] | None


@dataclass(frozen=True)
class ConcentrationGraph:
    """Training graph and target edges, checked; all graphs are undirected without self-loops.

    Attributes:
        train (CSRGraph): The training graph.
        targets (dict): Target graphs by name; ``train`` itself where the training edges are meant.
        named (bool): Whether the caller gave names, and wants a dict back.
    """

    train: CSRGraph
    targets: dict[str, CSRGraph]
    named: bool

    def unwrap(self, values: dict[str, Tensor]) -> Tensor | dict[str, Tensor]:
        """Values in the form in which the targets came: a dict, or the only tensor."""
        return values if self.named else values["targets"]


def prepare(
    edge_index: Any, num_nodes: int | None, targets: Targets, direction: str | None = None
) -> ConcentrationGraph:
    """Check and prepare; see :func:`graphlab.embed.topological_concentration`."""
    if direction is not None:
        check_choice(direction, "direction", ("both",))
    named = isinstance(targets, Mapping)
    sets: Mapping[str, Tensor | None]
    sets = targets if isinstance(targets, Mapping) else {"targets": targets}
    if not sets:
        raise ValueError("targets must name at least one set of edges, got an empty dict")
    edge_index, num_nodes = read_structure(edge_index, num_nodes)
    num_nodes = count_nodes(num_nodes, edge_index, *sets.values())
    train = undirected(edge_index, num_nodes, "edge_index", direction)
    graphs = {}
    for name, edges in sets.items():
        label = f"targets[{name!r}]" if named else "targets"
        graphs[name] = train if edges is None else undirected(edges, num_nodes, label, direction)
        if edges is not None:
            _warn_of_overlap(train, graphs[name], label)
    return ConcentrationGraph(train, graphs, named)


def undirected(
    edge_index: Tensor, num_nodes: int, name: str, direction: str | None = None
) -> CSRGraph:
    """Prepare a graph without self-loops; its edges must come in both directions, or are taken so.

    Args:
        edge_index (Tensor): ``(2, E)``.
        num_nodes (int): N.
        name (str): Name of the argument.
        direction (str, optional): ``"both"`` adds the missing directions.
    """
    edge_index = check_edge_index(edge_index, num_nodes, name, loops=False)
    if direction == "both":
        edge_index = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    edges = sort_edges(edge_index, num_nodes, num_nodes, numbers=False)
    if not edges.symmetric:
        # Says which edge is missing.
        check_edge_index(edge_index, num_nodes, name, symmetric=True, unless="direction='both'")
    return trusted(CSRGraph(edges.rowptr, edges.col))


def edge_keys(graph: CSRGraph) -> Tensor:
    """One ascending number per entry."""
    row, col = graph.edge_index()
    keys: Tensor = row * graph.num_nodes + col
    return keys


def _warn_of_overlap(train: CSRGraph, target: CSRGraph, name: str) -> None:
    known, keys = edge_keys(train), edge_keys(target)
    position = torch.searchsorted(known, keys).clamp(max=max(0, known.numel() - 1))
    shared = int((known[position] == keys).sum()) // 2 if known.numel() else 0
    if shared:
        warnings.warn(
            f"{name} shares {shared} edges with edge_index: what they are meant to predict leaks "
            "into the training graph",
            UserWarning,
            stacklevel=4,
        )


def hop_factor(beta: float | None, train: CSRGraph) -> float:
    """Given factor per hop, or one over the mean training degree (isolated nodes included).

    Without edges the mean is 0, but there is no walk either that the factor would weigh.
    """
    if beta is not None:
        return check_positive(beta, "beta")
    return train.num_nodes / train.num_edges if train.num_edges else 1.0


def inverse(values: Tensor) -> Tensor:
    """One over every value; 0 stays 0."""
    return torch.where(values > 0, values.reciprocal(), torch.zeros_like(values))
