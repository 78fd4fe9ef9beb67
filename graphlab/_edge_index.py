"""Graphs as other libraries keep them, read as edges; converted here only.

Functions that take the whole graph (:class:`graphlab.embed.FastRP`, topological concentration,
hypergraph reconstruction) accept all of these. Everything else takes ``edge_index``, plain or as
PyG's ``EdgeIndex``, which :func:`graphlab._checks.check_tensor` unwraps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import scipy.sparse as sp
from torch import Tensor

from graphlab._checks import check_int, check_tensor

__all__: list[str] = []


class Edges(NamedTuple):
    """Statement of a graph; nothing but the type of the container is checked.

    Attributes:
        edge_index (Any): As given, or ``(2, E)`` int64: row and column of every stored entry.
        edge_weight (Any): ``(E,)``, or ``None`` where there are no weights.
        num_nodes (int, optional): N, or ``None`` where the graph does not state it.
    """

    edge_index: Any
    edge_weight: Any
    num_nodes: int | None

    def nodes(self) -> int:
        """N, or one more than the largest index."""
        edges = check_tensor(self.edge_index, "edge_index")
        count = self.num_nodes
        if count is None:
            count = int(edges.max()) + 1 if edges.numel() else 0
        return check_int(count, "num_nodes", minimum=0, maximum=2**31 - 1)


def read_edges(graph: Any, edge_weight: Any = None, num_nodes: int | None = None) -> Edges:
    """Read edges, a PyG ``Data`` or ``EdgeIndex``, a sparse matrix or a networkx graph.

    Args:
        graph (Any): ``edge_index``; ``Data`` (weights in ``edge_weight``); a square scipy sparse
            matrix or torch sparse tensor of any layout, or a ``torch_sparse.SparseTensor``, entry
            (i, j) being the edge from i to j and its value the weight; a networkx graph, its nodes
            numbered in their order and its weights in the attribute ``"weight"`` (1 where missing).
        edge_weight (Any): Weights; they replace those of a ``Data`` and must be ``None`` with a
            matrix.
        num_nodes (int, optional): Number of nodes; it replaces that of a ``Data`` and must be that
            of a matrix.

    Raises:
        TypeError: If the graph has several types of nodes or is a hypergraph.
        ValueError: If an argument contradicts the graph.
    """
    # Imported here, so that `import graphlab.ops` needs nothing but torch.
    from torch_geometric.data import Data, HeteroData
    from torch_geometric.data.hypergraph_data import HyperGraphData
    from torch_geometric.utils import from_scipy_sparse_matrix, is_sparse, to_edge_index

    if isinstance(graph, HeteroData):
        raise TypeError("edge_index must have one type of nodes: use HeteroData.to_homogeneous()")
    if isinstance(graph, HyperGraphData):
        raise TypeError("edge_index must be a graph: use graphlab.hyper.project on a hypergraph")
    if isinstance(graph, Data):
        weight = graph.get("edge_weight") if edge_weight is None else edge_weight
        return Edges(graph.edge_index, weight, graph.num_nodes if num_nodes is None else num_nodes)
    if hasattr(graph, "adjacency") and hasattr(graph, "is_multigraph"):
        graph = _from_networkx(graph)
    if sp.issparse(graph):
        matrix: Any = graph
        _check_matrix(matrix.shape, edge_weight, num_nodes)
        index, weight = from_scipy_sparse_matrix(matrix)
        return Edges(index, weight, matrix.shape[0])
    if is_sparse(graph):
        shape = graph.sizes() if callable(getattr(graph, "sizes", None)) else graph.shape
        _check_matrix(shape, edge_weight, num_nodes)
        # PyG marks what it is given as coalesced, whether it is or not.
        graph = graph.coalesce() if _is_coo(graph) else graph
        index, weight = to_edge_index(graph)
        return Edges(index, weight, int(shape[0]))
    return Edges(graph, edge_weight, _stated_size(graph) if num_nodes is None else num_nodes)


def _from_networkx(graph: Any) -> Any:
    import networkx as nx

    if graph.number_of_nodes() == 0:
        return sp.coo_matrix((0, 0))
    return nx.to_scipy_sparse_array(graph, weight="weight", format="coo")


def _is_coo(graph: Any) -> bool:
    import torch

    return isinstance(graph, Tensor) and graph.layout == torch.sparse_coo


def _stated_size(graph: Any) -> int | None:
    """The larger side of an ``EdgeIndex`` that knows its size."""
    if not hasattr(graph, "sparse_size"):
        return None
    sizes = [size for size in graph.sparse_size() if size is not None]
    return max(sizes) if len(sizes) == 2 else None


def _check_matrix(shape: Any, edge_weight: Any, num_nodes: int | None) -> None:
    if edge_weight is not None:
        raise ValueError("edge_weight must be None where edge_index is a matrix with values")
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"edge_index must be a square matrix, got shape {tuple(shape)}")
    if num_nodes is not None and num_nodes != shape[0]:
        raise ValueError(f"num_nodes must be {shape[0]}, the size of the matrix, got {num_nodes}")
