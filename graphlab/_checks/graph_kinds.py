"""What users hand in as a graph and is none, or not of the kind that is read: how to convert it."""

from __future__ import annotations

from typing import Any, NoReturn

from torch import Tensor

__all__: list[str] = []

#: What to do with ids of another system.
MAP_IDS = "map ids to 0, ..., N - 1 first, as graphlab.datasets.read_edge_list does"
_READ_TABLE = "graphlab.datasets.read_edge_list reads tables"
#: Below this many nodes a wrong guess costs little, and small examples have gaps.
_FEW = 2**20
#: More numbers than this per end of an edge: at least 90 % of them name no node.
_SPREAD = 10


def refuse_ids(count: int, ends: int, name: str = "edge_index") -> int:
    """Require that the largest index + 1 can be the number of nodes, where nobody states that.

    Args:
        count (int): Largest index + 1.
        ends (int): Number of entries that name a node: two for each edge.
        name (str): Name of the argument.
    """
    if count > 2**31 - 1 or count > max(_FEW, _SPREAD * ends):
        raise ValueError(
            f"{name} must hold node numbers 0, ..., N - 1, but its {ends} entries go up to "
            f"{count - 1}, which looks like an id: {MAP_IDS}, or pass num_nodes"
        )
    return count


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
