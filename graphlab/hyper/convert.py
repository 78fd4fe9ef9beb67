"""To lists of names, the hypergraphs of xgi and hypergraphx, and networkx; and from them."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphlab._graphs.typed import HyperGraphData
from graphlab.hyper._incidence import Hypergraph, read_incidence
from graphlab.hyper.incoming import (
    as_hypergraph,
    from_hyperedges,
    from_hypergraphx,
    from_membership_table,
    from_networkx_bipartite,
    from_xgi,
)

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "from_hyperedges",
    "from_hypergraphx",
    "from_membership_table",
    "from_networkx_bipartite",
    "from_xgi",
    "to_hyperedges",
    "to_hypergraphx",
    "to_networkx_bipartite",
    "to_xgi",
]


def to_hyperedges(hypergraph: Hypergraph, num_nodes: int | None = None) -> list[set[Any]]:
    """The hyperedges as sets of names, or of numbers where nodes have none.

    Args:
        hypergraph (HyperGraphData or Tensor): The hypergraph, such as a reconstructed one.
        num_nodes (int, optional): Number of nodes; needed with a tensor.

    Returns:
        list[set]: One set per hyperedge, in their order.

    Raises:
        TypeError, ValueError, IndexError: If the incidence is malformed.

    Example:
        >>> to_hyperedges(from_hyperedges([["bob", "ann"]])) == [{"ann", "bob"}]
        True
    """
    return [set(group) for group in _labels(hypergraph, num_nodes)[2]]


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


def _labels(
    hypergraph: Hypergraph, num_nodes: int | None
) -> tuple[list[Any], list[Any], list[list[Any]]]:
    """Labels of nodes and hyperedges, and the members of every hyperedge."""
    if not isinstance(hypergraph, (Tensor, HyperGraphData)):
        hypergraph = as_hypergraph(hypergraph, num_nodes, "hypergraph")
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
