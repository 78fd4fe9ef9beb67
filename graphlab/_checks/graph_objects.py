"""Checks of what is given as a graph object: a PyG ``Data``, a networkx graph."""

from __future__ import annotations

from typing import Any

from graphlab._checks.graph_kinds import check_simple_graph

__all__: list[str] = []


def check_data(value: Any, name: str = "data") -> Any:
    """Require a PyG ``Data``: one graph with one type of nodes."""
    # Imported here, so that `import graphlab.ops` needs nothing but torch.
    from torch_geometric.data import Data

    check_simple_graph(value, name)
    if not isinstance(value, Data):
        raise TypeError(
            f"{name} must be a torch_geometric.data.Data, got {type(value).__name__}: "
            "Data(x=x, edge_index=edge_index) makes one"
        )
    return value


def check_networkx(value: Any, name: str = "graph") -> Any:
    """Require a networkx graph, by what every kind of one has."""
    if not (hasattr(value, "adjacency") and hasattr(value, "is_multigraph")):
        raise TypeError(f"{name} must be a networkx graph, got {type(value).__name__}")
    return value
