"""Any statement of a graph, as edges, weights and a number of nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from graphlab._checks import plain, warn_caller
from graphlab._checks.graph_kinds import refuse_no_edges
from graphlab._checks.graph_objects import is_networkx
from graphlab._graphs.edges import attributes, networks
from graphlab._graphs.edges.matrices import entries, is_matrix, shape_of
from graphlab._graphs.edges.numbering import count_nodes
from graphlab._graphs.edges.values import AUTO, first_bad

__all__: list[str] = []

_NO_WEIGHT = "a weight must be a finite number >= 0 (weight=None reads none)"


class Edges(NamedTuple):
    """Statement of a graph; nothing but the type of the container and its weights is checked.

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
        return count_nodes(self.num_nodes, self.edge_index)


def read_edges(
    graph: Any,
    edge_weight: Any = None,
    num_nodes: int | None = None,
    *,
    weight: str | None = AUTO,
) -> Edges:
    """Read edges, a PyG ``Data`` or ``EdgeIndex``, a sparse matrix or a networkx graph.

    Args:
        graph (Any): ``edge_index``; ``Data`` (edges in ``edge_index``, else in ``adj_t``, weights
            in ``edge_weight``); a square scipy sparse matrix or torch sparse tensor of any layout,
            or a ``torch_sparse.SparseTensor``, entry (i, j) being the edge from i to j and its
            value the weight, where a stored zero is no edge; a networkx graph, its nodes numbered
            in their order and its weights in the attribute ``"weight"`` (1 where missing).
        edge_weight (Any): Weights; they replace those of a ``Data`` and must be ``None`` with a
            matrix.
        num_nodes (int, optional): Number of nodes; it replaces that of a ``Data`` and must be that
            of a matrix.
        weight (str, optional): Another name of the weights in a ``Data`` or networkx graph;
            ``None`` reads no weights.

    Raises:
        TypeError: If the graph has several types of nodes or is a hypergraph, or is no graph.
        ValueError: If an argument contradicts the graph, or a weight of an edge is none.

    Warns:
        UserWarning: If edges have one numeric attribute, and it is not read; if a ``Data`` does
            not state its number of nodes, or is a batch of a loader of neighbours.
    """
    if edge_weight is not None and weight != AUTO:
        raise ValueError(f"weight must be 'auto' where edge_weight is given, got {weight!r}")
    read = None if edge_weight is not None else weight
    edges = _read(graph, num_nodes, read, edge_weight)
    return edges if edge_weight is None else edges._replace(edge_weight=edge_weight)


def read_structure(graph: Any, num_nodes: int | None = None) -> tuple[Any, int | None]:
    """Read the edges and the number of nodes; attributes of the edges are not looked at.

    Args:
        graph (Any): As for :func:`read_edges`; stored zeros of a matrix are no edges.
        num_nodes (int, optional): As there.

    Returns:
        tuple: ``edge_index``, and N or ``None``.
    """
    edges = _read(graph, num_nodes, None, None)
    return edges.edge_index, edges.num_nodes


def _read(graph: Any, num_nodes: int | None, weight: str | None, given: Any) -> Edges:
    # Imported here, so that `import graphlab.ops` needs nothing but torch.
    from torch_geometric.data import Data
    from torch_geometric.data.hypergraph_data import HyperGraphData

    if isinstance(graph, Data) and not isinstance(graph, HyperGraphData):
        return _read_data(graph, num_nodes, weight)
    if is_networkx(graph):
        if given is not None:
            raise ValueError("edge_weight must be None with a networkx graph: pass weight='...'")
        index = networks.edges_of(graph)
        values = networks.weights_of(graph, index, weight)
        return Edges(index, values, _agreed(num_nodes, graph.number_of_nodes(), "graph"))
    if weight not in (AUTO, None):
        raise ValueError(
            f"weight={weight!r} names an attribute of a Data or networkx graph, got "
            f"{type(graph).__name__}: pass edge_weight"
        )
    if is_matrix(graph):
        return _read_matrix(graph, num_nodes, weight, given)
    if not isinstance(graph, Tensor):
        refuse_no_edges(graph, "edge_index")
    return Edges(graph, None, _stated_size(graph) if num_nodes is None else num_nodes)


def _read_data(data: Any, num_nodes: int | None, weight: str | None) -> Edges:
    if "n_id" in data and ("input_id" in data or "batch_size" in data):
        warn_caller(
            "the graph is a batch of a loader of neighbours: what is computed belongs to the "
            "sampled edges and the numbers of nodes in this batch. Compute it once on the whole "
            "graph and store it on the Data before the loader, or take its rows batch.n_id"
        )
    edge_index, values = attributes.edges_of(data)
    if values is None or weight != AUTO:
        values = attributes.weights_of(data, plain(edge_index), weight)
    count = attributes.size_of(data, edge_index) if num_nodes is None else num_nodes
    return Edges(edge_index, values, count)


def _read_matrix(matrix: Any, num_nodes: int | None, weight: str | None, given: Any) -> Edges:
    if given is not None:
        raise ValueError("edge_weight must be None where edge_index is a matrix with values")
    shape = shape_of(matrix)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"edge_index must be a square matrix, got shape {shape}")
    index, values = entries(matrix)
    count = _agreed(num_nodes, shape[0], "matrix")
    if weight is None or values is None:
        return Edges(index, None, count)
    at = None if values.is_complex() else first_bad(values)
    if at is not None:
        entry = tuple(index[:, at].tolist())
        raise ValueError(f"entry {entry} of the matrix is {values[at].item()!r}: {_NO_WEIGHT}")
    return Edges(index, values, count)


def _agreed(given: int | None, size: int, kind: str) -> int:
    if given is not None and given != size:
        raise ValueError(f"num_nodes must be {size}, the size of the {kind}, got {given}")
    return size


def _stated_size(graph: Any) -> int | None:
    """The larger side of an ``EdgeIndex`` that knows its size."""
    if not hasattr(graph, "sparse_size"):
        return None
    sizes = [size for size in graph.sparse_size() if size is not None]
    return max(sizes) if len(sizes) == 2 else None
