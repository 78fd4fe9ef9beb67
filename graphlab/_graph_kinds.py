"""What users hand in as a graph and is none, or not of the kind that is read: how to convert it."""

from __future__ import annotations

from typing import Any, NoReturn

from torch import Tensor

__all__: list[str] = []

_READ_TABLE = "graphlab.datasets.read_edge_list reads tables"


def check_simple_graph(value: Any, name: str) -> set[str]:
    """Refuse graphs with several types of nodes and hypergraphs; names of the classes otherwise."""
    # By name: nothing but torch is imported for a check.
    kinds = {kind.__name__ for kind in type(value).__mro__}
    if "HeteroData" in kinds:
        raise TypeError(f"{name} must have one type of nodes: use HeteroData.to_homogeneous()")
    if "HyperGraphData" in kinds:
        raise TypeError(f"{name} must be a graph: use graphlab.hyper.project on a hypergraph")
    return kinds


def refuse_no_edges(value: Any, name: str) -> NoReturn:
    """Raise the error about what is no tensor of edges, with the way to one.

    Raises:
        TypeError: Always.
    """
    kinds = check_simple_graph(value, name)
    kind = value.layout if isinstance(value, Tensor) else type(value).__name__
    way = (
        "torch_geometric.utils has to_edge_index for sparse tensors, from_scipy_sparse_matrix and "
        "from_networkx"
    )
    if "Data" in kinds:
        way = "pass data.edge_index"
    elif kinds & {"DataFrame", "LazyFrame", "Table", "str", "PurePath"}:
        way = _READ_TABLE
    elif isinstance(value, tuple) and value and isinstance(value[0], Tensor):
        way = "pass edge_index and edge_weight as two arguments"
    elif kinds & {"list", "tuple", "ndarray"}:
        way = "torch.as_tensor makes one of rows of numbers; " + _READ_TABLE
    raise TypeError(f"{name} must be a torch.Tensor of shape (2, E), got {kind}: {way}")
