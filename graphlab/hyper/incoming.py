"""Hypergraphs from lists of names, tables and the objects of other libraries."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphlab._checks.graph_objects import check_networkx, is_networkx
from graphlab._graphs.hypergraph import named_hypergraph
from graphlab._graphs.typed import HyperGraphData
from graphlab._labels import is_nothing
from graphlab._plain_ids import kind_of_ids, plain_id, plain_ids
from graphlab.hyper._sets import SetFamily

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "from_hyperedges",
    "from_hypergraphx",
    "from_membership_table",
    "from_networkx_bipartite",
    "from_xgi",
]

_NODES = ("node", "node_id", "author", "member", "person", "user", "name", "actor", "gene")
_HYPEREDGES = ("hyperedge", "hyperedge_id", "edge", "paper", "group", "event", "document", "team")


def from_hyperedges(
    hyperedges: Iterable[Iterable[Hashable]] | Mapping[Hashable, Iterable[Hashable]],
    nodes: Iterable[Hashable] | None = None,
) -> HyperGraphData:
    """Number the nodes of hyperedges that are sets of names.

    Args:
        hyperedges (iterable or Mapping): Sets, lists or tuples of names, any hashable values; or
            names of hyperedges with their sets. A name that a list repeats counts once.
        nodes (iterable, optional): All nodes, distinct, in the order of their numbers; by default
            those of the hyperedges in ascending order (of their appearance, if they have no order).

    Returns:
        HyperGraphData: With ``node_id``, the names in the order of their numbers, and
        ``hyperedge_id`` where hyperedges have names. Repeated and empty hyperedges stay.

    Raises:
        TypeError: If a hyperedge is a string or no set of hashable names, or if the whole is one
            tensor, array or table, which may be meant as incidences.
        ValueError: If a name is missing, or is not among ``nodes``.

    Example:
        >>> data = from_hyperedges([{"ann", "bob", "eve"}, {"eve", "zoe"}])
        >>> data.node_id, data.edge_index.tolist()
        (['ann', 'bob', 'eve', 'zoe'], [[0, 1, 2, 2, 3], [0, 0, 0, 1, 1]])
    """
    if isinstance(hyperedges, (str, bytes)) or not isinstance(hyperedges, Iterable):
        raise TypeError(
            f"hyperedges must be groups of nodes, or a mapping of them, got "
            f"{type(hyperedges).__name__}"
        )
    _refuse_arrays(hyperedges)
    names = list(hyperedges) if isinstance(hyperedges, Mapping) else None
    groups = [
        _members(group, e)
        for e, group in enumerate(
            hyperedges.values() if isinstance(hyperedges, Mapping) else hyperedges
        )
    ]
    return _numbered(groups, names, nodes)


def _refuse_arrays(hyperedges: Any) -> None:
    """Refuse one array: its rows may be hyperedges, or those of an incidence (2, nnz)."""
    if isinstance(hyperedges, Tensor) or getattr(hyperedges, "ndim", 1) != 1:
        shape = tuple(getattr(hyperedges, "shape", ()))
        raise TypeError(
            "hyperedges must be groups of nodes, or a mapping of them, got a "
            f"{type(hyperedges).__name__} of shape {shape}: an incidence (2, nnz) is a hypergraph "
            "already, torch_geometric's HyperGraphData(edge_index=..., num_nodes=...); a table is "
            "read by from_membership_table; where every row is a hyperedge, give list(rows)"
        )


def _members(group: Any, number: int) -> list[Hashable]:
    if isinstance(group, (str, bytes)) or not isinstance(group, Iterable):
        raise TypeError(
            f"hyperedges must be sets of names, but hyperedge {number} is {group!r}: write "
            f"[{group!r}] for one of a single node"
        )
    values = group.tolist() if hasattr(group, "tolist") else group
    try:
        members = list(dict.fromkeys(map(plain_id, values)))
    except TypeError as error:
        raise TypeError(f"hyperedge {number} holds a name that is not hashable: {error}") from error
    if any(is_nothing(name) for name in members):
        raise ValueError(f"hyperedge {number} holds a missing name: {members}")
    return members


def _numbered(
    groups: Sequence[Sequence[Hashable]],
    names: Sequence[Any] | None,
    nodes: Iterable[Hashable] | None,
) -> HyperGraphData:
    order = _ascending(groups) if nodes is None else [plain_id(name) for name in nodes]
    names = None if names is None else [plain_id(name) for name in names]
    number = {name: i for i, name in enumerate(order)}
    if len(number) != len(order):
        raise ValueError("nodes must not repeat a name")
    for e, group in enumerate(groups):
        unknown = [name for name in group if name not in number]
        if unknown:
            raise ValueError(f"hyperedge {e} names {unknown[:5]}, which are not among nodes")
    return named_hypergraph(order, [sorted(number[v] for v in group) for group in groups], names)


def _ascending(groups: Sequence[Sequence[Hashable]]) -> list[Any]:
    seen: list[Any] = list(dict.fromkeys(name for group in groups for name in group))
    try:
        return sorted(seen)
    except TypeError:  # names of several types have no order
        return seen


def from_membership_table(
    table: Any,
    node: str | int | None = None,
    hyperedge: str | int | None = None,
    *,
    nodes: Iterable[Hashable] | None = None,
) -> HyperGraphData:
    """Convert a table with a row per membership, such as one of authors and their papers.

    Args:
        table (DataFrame): Of pandas, or a table of pyarrow or polars.
        node (str or int, optional): Column of the nodes; by default one with a usual name
            (``node``, ``author``, ``member``, ``person``, ``user`` ...).
        hyperedge (str or int, optional): Column of the hyperedges; by default one with a usual name
            (``hyperedge``, ``paper``, ``group``, ``event`` ...).
        nodes (iterable, optional): All nodes, in the order of their numbers, those in no hyperedge
            included.

    Returns:
        HyperGraphData: With ``node_id`` and ``hyperedge_id``: names in ascending order, hyperedges
        in the order of their appearance.

    Raises:
        TypeError: If it is no table.
        ValueError: If a column is missing or cannot be told, or holds a missing value, or words
            beside numbers.

    Example:
        >>> import pandas
        >>> rows = [("ann", "p1"), ("bob", "p1"), ("bob", "p2")]
        >>> data = from_membership_table(pandas.DataFrame(rows, columns=["author", "paper"]))
        >>> data.node_id, data.hyperedge_id
        (['ann', 'bob'], ['p1', 'p2'])
    """
    frame = table.to_pandas() if hasattr(table, "to_pandas") else table
    if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
        raise TypeError(f"table must be a pandas DataFrame, got {type(table).__name__}")
    members = _ids(frame, _column(frame, node, _NODES, "node"))
    owners = _ids(frame, _column(frame, hyperedge, _HYPEREDGES, "hyperedge"))
    groups: dict[Any, list[Any]] = {}
    for member, owner in zip(members, owners, strict=True):
        groups.setdefault(owner, []).append(member)
    return from_hyperedges(groups, nodes)


def _ids(frame: Any, column: Any) -> list[Any]:
    """Names in a column; whole numbers stay numbers, whatever type the table has for them."""
    if list(frame.columns).count(column) > 1:
        raise ValueError(f"table must have one column {column!r}, got {list(frame.columns)}")
    for row, name in enumerate(frame[column].tolist()):
        if is_nothing(name):
            raise ValueError(f"row {row} of the table lacks its node or hyperedge")
    names: list[Any] = plain_ids(frame[column]).tolist()
    if names and kind_of_ids(names) == "words and numbers":  # 1 and "1" would be two nodes
        raise ValueError(
            f"column {column!r} of the table has words and numbers: convert it, for instance with "
            "astype(str)"
        )
    return names


def _column(frame: Any, wanted: str | int | None, usual: Sequence[str], what: str) -> Any:
    columns = list(frame.columns)
    if wanted is None:
        found = [c for c in columns if str(c).strip().casefold().rstrip("s") in usual]
        if len(found) == 1:
            return found[0]
    elif wanted in columns:
        return wanted
    elif isinstance(wanted, int) and 0 <= wanted < len(columns):
        return columns[wanted]
    raise ValueError(
        f"the column of the {what}s must be named, the table has {columns}: "
        "from_membership_table(table, node=..., hyperedge=...)"
    )


def from_xgi(hypergraph: Any, *, drop_directions: bool = False) -> HyperGraphData:
    """Convert an ``xgi.Hypergraph``; repeated hyperedges and isolated nodes stay.

    Args:
        hypergraph (xgi.Hypergraph): The xgi hypergraph; of a simplicial complex every face is a
            hyperedge.
        drop_directions (bool): Convert an ``xgi.DiHypergraph``, tail and head of a hyperedge
            becoming one set.

    Returns:
        HyperGraphData: With ``node_id`` and ``hyperedge_id``, the labels in the order of xgi.

    Raises:
        TypeError: If it lacks the views of an xgi hypergraph, or has directions.
    """
    if not (hasattr(hypergraph, "nodes") and hasattr(hypergraph, "edges")):
        raise TypeError(f"hypergraph must be an xgi.Hypergraph, got {type(hypergraph).__name__}")
    if hasattr(hypergraph.edges, "dimembers") and not drop_directions:
        raise _directed(hypergraph, "from_xgi")
    edges = list(hypergraph.edges)
    members = [list(hypergraph.edges.members(edge)) for edge in edges]
    return _numbered(members, edges, hypergraph.nodes)


def _directed(hypergraph: Any, function: str) -> TypeError:
    return TypeError(
        f"hypergraph is a {type(hypergraph).__name__}, whose directions would be lost: "
        f"{function}(hypergraph, drop_directions=True) does that"
    )


def from_hypergraphx(hypergraph: Any, *, drop_directions: bool = False) -> HyperGraphData:
    """Convert a hypergraph of hypergraphx, with its weights if it has any.

    Args:
        hypergraph (hypergraphx.Hypergraph): Also a ``TemporalHypergraph`` or a
            ``MultiplexHypergraph``: a hyperedge is there once for each of its times or layers.
        drop_directions (bool): Convert a ``DirectedHypergraph``, source and target of a hyperedge
            becoming one set.

    Returns:
        HyperGraphData: With ``node_id``, the labels in the order of hypergraphx;
        ``hyperedge_weight`` (H,) float64 if it is weighted; ``time`` (H,) of a temporal one, in the
        order of hypergraphx; ``layer``, a list of names, of one with layers.

    Raises:
        TypeError: If it lacks the methods of a hypergraphx hypergraph, has directions, or is of
            another class.
    """
    kind = type(hypergraph).__name__
    if not (hasattr(hypergraph, "get_nodes") and hasattr(hypergraph, "get_edges")):
        raise TypeError(f"hypergraph must be a hypergraphx.Hypergraph, got {kind}")
    directed = hasattr(hypergraph, "get_source_edges")
    if directed and not drop_directions:
        raise _directed(hypergraph, "from_hypergraphx")
    edges = list(hypergraph.get_edges())
    nodes = list(hypergraph.get_nodes())
    temporal, layered = (
        hasattr(hypergraph, name) for name in ("get_times_for_edge", "get_existing_layers")
    )
    marked = temporal or layered  # then an edge is a pair of a time or layer and a set
    groups = [edge[1] for edge in edges] if marked else edges
    if directed:
        groups = [tuple(dict.fromkeys([*tail, *head])) for tail, head in edges]
    known = set(nodes)
    if not all(isinstance(g, (tuple, frozenset, set)) and known.issuperset(g) for g in groups):
        raise TypeError(f"hypergraph is a {kind}, whose hyperedges are no sets of its nodes")
    data = _numbered([list(group) for group in groups], None, nodes)
    if temporal:
        data.time = torch.tensor([edge[0] for edge in edges], device="cpu")
    if layered:
        data.layer = [edge[0] for edge in edges]
    if hypergraph.is_weighted():
        keys = [(edge[1], edge[0]) if marked else (edge,) for edge in edges]
        weights = [float(hypergraph.get_weight(*key)) for key in keys]
        data.hyperedge_weight = torch.tensor(weights, dtype=torch.float64, device="cpu")
    return data


def from_networkx_bipartite(
    graph: nx.Graph, nodes: Iterable[Hashable] | None = None
) -> HyperGraphData:
    """Convert a bipartite graph: one side are the nodes, the other the hyperedges.

    Args:
        graph (networkx.Graph): A networkx graph; directions and parallel edges do not count.
        nodes (iterable, optional): The nodes of the hypergraph, vertices of the graph; ``None``
            takes those with attribute ``bipartite=0``.

    Returns:
        HyperGraphData: With ``node_id`` and ``hyperedge_id``, the labels in the order of the graph.

    Raises:
        TypeError: If it is no networkx graph.
        ValueError: If a vertex lacks the attribute, an edge joins two vertices of one side, or the
            graph lacks one of ``nodes``.

    Example:
        >>> import networkx as nx
        >>> women = nx.davis_southern_women_graph()
        >>> from_networkx_bipartite(women).num_hyperedges
        14
    """
    import networkx as nx

    graph = nx.Graph(check_networkx(graph))
    if nodes is None:
        side = {vertex: graph.nodes[vertex].get("bipartite") for vertex in graph}
        wrong = [vertex for vertex, value in side.items() if value not in (0, 1)]
        if wrong:
            raise ValueError(f"vertex {wrong[0]!r} must have attribute bipartite = 0 or 1")
        top = {vertex for vertex, value in side.items() if value == 0}
    else:
        top = set(nodes)
        unknown = [vertex for vertex in top if vertex not in graph]
        if unknown:
            raise ValueError(
                f"nodes must be vertices of the graph, but {len(unknown)} are none, such as "
                f"{unknown[0]!r:.80}"
            )
    left = [vertex for vertex in graph if vertex in top]
    right = [vertex for vertex in graph if vertex not in top]
    for a, b in graph.edges:
        if (a in top) == (b in top):
            raise ValueError(f"edge ({a!r}, {b!r}) joins two vertices of one side")
    return _numbered([list(graph[vertex]) for vertex in right], right, left)


def as_hypergraph(value: Any, num_nodes: int | None, name: str) -> HyperGraphData:
    """Convert what is no tensor and no data of PyG.

    Sets of numbers beside ``num_nodes`` are numbers of nodes, not names.

    Raises:
        TypeError: If it is nothing that is known.
    """
    if isinstance(value, SetFamily):
        return value.to_hypergraph(num_nodes)
    if is_networkx(value):
        return from_networkx_bipartite(value)
    if hasattr(value, "get_nodes") and hasattr(value, "get_edges"):
        return from_hypergraphx(value)
    if hasattr(value, "columns"):  # a table of pandas, pyarrow or polars
        return from_membership_table(value)
    if hasattr(value, "nodes") and hasattr(value, "edges"):
        return from_xgi(value)
    if isinstance(value, list) and _looks_like_incidence(value):
        raise TypeError(
            f"{name} looks like an incidence of nodes and hyperedges: pass torch.tensor({name}); "
            "hyperedges of names are sets, without repeats"
        )
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return from_hyperedges(value, None if num_nodes is None else range(num_nodes))
    raise TypeError(
        f"{name} must be a HyperGraphData, a torch.Tensor (2, nnz), a list of sets of names, a "
        "table of memberships, or a hypergraph of xgi or hypergraphx, "
        f"got {type(value).__name__}"
    )


def _looks_like_incidence(value: list[Any]) -> bool:
    """Whether two lists are rows of an incidence: as long as each other, of numbers that repeat."""
    return (
        len(value) == 2
        and all(isinstance(row, list) and all(type(v) is int for v in row) for row in value)
        and len(value[0]) == len(value[1])
        and any(len(set(row)) < len(row) for row in value)
    )
