"""To and from the hypergraphs of xgi and hypergraphx and the bipartite graphs of networkx."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from graphlab._typed_data import HyperGraphData
from graphlab.hyper._incidence import Hypergraph, read_incidence

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "from_hypergraphx",
    "from_networkx_bipartite",
    "from_xgi",
    "to_hypergraphx",
    "to_networkx_bipartite",
    "to_xgi",
]


def from_xgi(hypergraph: Any) -> HyperGraphData:
    """Convert an ``xgi.Hypergraph``; repeated hyperedges and isolated nodes stay.

    Args:
        hypergraph (xgi.Hypergraph): The xgi hypergraph.

    Returns:
        HyperGraphData: With ``node_id`` and ``hyperedge_id``, the labels in the order of xgi.

    Raises:
        TypeError: If it lacks the views of an xgi hypergraph.
    """
    if not (hasattr(hypergraph, "nodes") and hasattr(hypergraph, "edges")):
        raise TypeError(f"hypergraph must be an xgi.Hypergraph, got {type(hypergraph).__name__}")
    edges = list(hypergraph.edges)
    members = [hypergraph.edges.members(edge) for edge in edges]
    return _data(list(hypergraph.nodes), members, edges)


def to_xgi(hypergraph: Hypergraph, num_nodes: int | None = None) -> Any:
    """Convert to an ``xgi.Hypergraph`` whose labels are the stored ids, or numbers.

    Args:
        hypergraph (HyperGraphData or Tensor): The hypergraph.
        num_nodes (int, optional): Number of nodes; needed with a tensor.

    Returns:
        xgi.Hypergraph: The same hypergraph, without attributes.

    Raises:
        ImportError: If xgi is missing.
        TypeError, ValueError, IndexError: If the incidence is malformed.
    """
    try:
        import xgi
    except ImportError as error:
        raise ImportError("to_xgi needs xgi: pip install graphlab[hyper]") from error
    nodes, edges, members = _labels(hypergraph, num_nodes)
    native = xgi.Hypergraph()
    native.add_nodes_from(nodes)
    for edge, group in zip(edges, members, strict=True):
        native.add_edge(group, edge)
    return native


def from_hypergraphx(hypergraph: Any) -> HyperGraphData:
    """Convert a ``hypergraphx.Hypergraph``, with its weights as ``hyperedge_weight`` if it has any.

    Args:
        hypergraph (hypergraphx.Hypergraph): The hypergraphx hypergraph.

    Returns:
        HyperGraphData: With ``node_id``, the labels in the order of hypergraphx.

    Raises:
        TypeError: If it lacks the methods of a hypergraphx hypergraph.
    """
    if not (hasattr(hypergraph, "get_nodes") and hasattr(hypergraph, "get_edges")):
        kind = type(hypergraph).__name__
        raise TypeError(f"hypergraph must be a hypergraphx.Hypergraph, got {kind}")
    edges = list(hypergraph.get_edges())
    data = _data(list(hypergraph.get_nodes()), edges, None)
    if hypergraph.is_weighted():
        weights = [float(hypergraph.get_weight(edge)) for edge in edges]
        data.hyperedge_weight = torch.tensor(weights, dtype=torch.float64)
    return data


def to_hypergraphx(hypergraph: Hypergraph, num_nodes: int | None = None) -> Any:
    """Convert to a weighted ``hypergraphx.Hypergraph``.

    hypergraphx keeps no repeated hyperedges: the weight counts them. It has no empty ones either;
    they are left out with a warning.

    Args:
        hypergraph (HyperGraphData or Tensor): The hypergraph.
        num_nodes (int, optional): Number of nodes; needed with a tensor.

    Returns:
        hypergraphx.Hypergraph: Weighted.

    Raises:
        ImportError: If hypergraphx is missing.
        TypeError, ValueError, IndexError: If the incidence is malformed.
    """
    try:
        import hypergraphx
    except ImportError as error:
        raise ImportError("to_hypergraphx needs hypergraphx: install hypergraphx") from error
    nodes, _, members = _labels(hypergraph, num_nodes)
    counts: dict[tuple[Any, ...], int] = {}
    for group in members:
        counts[tuple(group)] = counts.get(tuple(group), 0) + 1
    if counts.pop((), 0):
        warnings.warn("hypergraphx has no empty hyperedges: they are left out", stacklevel=2)
    native = hypergraphx.Hypergraph(weighted=True)
    native.add_nodes(nodes)
    for edge, weight in counts.items():
        native.add_edge(edge, weight=weight)
    return native


def from_networkx_bipartite(
    graph: nx.Graph, nodes: Iterable[Hashable] | None = None
) -> HyperGraphData:
    """Convert a bipartite graph: one side are the nodes, the other the hyperedges.

    Args:
        graph (networkx.Graph): A networkx graph; directions and parallel edges do not count.
        nodes (iterable, optional): The nodes of the hypergraph; ``None`` takes those with attribute
            ``bipartite=0``.

    Returns:
        HyperGraphData: With ``node_id`` and ``hyperedge_id``, the labels in the order of the graph.

    Raises:
        ValueError: If a vertex lacks the attribute, or an edge joins two vertices of one side.

    Example:
        >>> import networkx as nx
        >>> women = nx.davis_southern_women_graph()
        >>> from_networkx_bipartite(women).num_hyperedges
        14
    """
    import networkx as nx

    graph = nx.Graph(graph)
    if nodes is None:
        side = {vertex: graph.nodes[vertex].get("bipartite") for vertex in graph}
        wrong = [vertex for vertex, value in side.items() if value not in (0, 1)]
        if wrong:
            raise ValueError(f"vertex {wrong[0]!r} must have attribute bipartite = 0 or 1")
        top = {vertex for vertex, value in side.items() if value == 0}
    else:
        top = set(nodes)
    left = [vertex for vertex in graph if vertex in top]
    right = [vertex for vertex in graph if vertex not in top]
    for a, b in graph.edges:
        if (a in top) == (b in top):
            raise ValueError(f"edge ({a!r}, {b!r}) joins two vertices of one side")
    return _data(left, [list(graph[vertex]) for vertex in right], right)


def to_networkx_bipartite(hypergraph: Hypergraph, num_nodes: int | None = None) -> nx.Graph:
    """Convert to a bipartite graph with vertices ``("node", id)`` and ``("hyperedge", id)``.

    Args:
        hypergraph (HyperGraphData or Tensor): The hypergraph; repeats and empty hyperedges stay.
        num_nodes (int, optional): Number of nodes; needed with a tensor.

    Returns:
        networkx.Graph: With attribute ``bipartite``: 0 for nodes, 1 for hyperedges.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.
    """
    import networkx as nx

    nodes, edges, members = _labels(hypergraph, num_nodes)
    graph = nx.Graph()
    graph.add_nodes_from((("node", node) for node in nodes), bipartite=0)
    graph.add_nodes_from((("hyperedge", edge) for edge in edges), bipartite=1)
    for edge, group in zip(edges, members, strict=True):
        graph.add_edges_from((("node", node), ("hyperedge", edge)) for node in group)
    return graph


def _data(
    nodes: Sequence[Any], members: Iterable[Iterable[Any]], edges: Sequence[Any] | None
) -> HyperGraphData:
    number = {node: i for i, node in enumerate(nodes)}
    groups = [sorted(number[node] for node in group) for group in members]
    columns = [[v for group in groups for v in group]]
    columns.append([e for e, group in enumerate(groups) for _ in group])
    data = HyperGraphData(
        edge_index=torch.tensor(columns, dtype=torch.int64).view(2, -1),
        num_nodes=len(nodes),
        num_hyperedges=len(groups),
        node_id=list(nodes),
    )
    if edges is not None:
        data.hyperedge_id = list(edges)
    return data


def _labels(
    hypergraph: Hypergraph, num_nodes: int | None
) -> tuple[list[Any], list[Any], list[list[Any]]]:
    """Labels of nodes and hyperedges, and the members of every hyperedge."""
    incidence = read_incidence(hypergraph, num_nodes)
    nodes = _stored(hypergraph, "node_id", incidence.num_nodes)
    edges = _stored(hypergraph, "hyperedge_id", incidence.num_hyperedges)
    borders, members = incidence.hyperedges.ptr.tolist(), incidence.hyperedges.idx.tolist()
    groups = [[nodes[v] for v in members[a:b]] for a, b in pairwise(borders)]
    return nodes, edges, groups


def _stored(hypergraph: Hypergraph, name: str, count: int) -> list[Any]:
    stored = hypergraph._store.get(name) if isinstance(hypergraph, HyperGraphData) else None
    if stored is None:
        return list(range(count))
    values = stored.tolist() if isinstance(stored, torch.Tensor) else list(stored)
    if len(values) != count:
        raise ValueError(f"{name} must have {count} entries, got {len(values)}")
    return values
