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


def is_networkx(value: Any) -> bool:
    """Test for a graph of networkx, by what every class of them has; nothing is imported."""
    return hasattr(value, "adjacency") and hasattr(value, "is_multigraph")


def check_networkx(value: Any, name: str = "graph") -> Any:
    """Require a networkx graph of any class."""
    if not is_networkx(value):
        raise TypeError(f"{name} must be a networkx graph, got {type(value).__name__}")
    return value
