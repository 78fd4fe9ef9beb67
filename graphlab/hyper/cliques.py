"""Maximal cliques, by the compiled kernel or the fastest library that is installed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

from torch import Tensor

from graphlab._checks import check_choice, check_int, check_positive
from graphlab._progress import waiting
from graphlab._repr import short_repr
from graphlab.hyper._graph import Graph, read_graph
from graphlab.hyper._sets import NodeSets, SetFamily, from_lists, sorted_unique, to_tensor
from graphlab.ops import reference
from graphlab.ops.library import active_kernel, call

__all__ = ["CliqueSet", "maximal_cliques"]

#: Bytes that the cliques of a graph may take unless the caller says otherwise.
DEFAULT_MEMORY = 4e9
_LONG = 64  # nodes that the estimate of this memory takes the longest clique to have
_BACKENDS = ("compiled", "networkit", "igraph", "networkx", "reference")


@short_repr
@dataclass(frozen=True, eq=False)
class CliqueSet(SetFamily):
    """Cliques as sets of nodes, in lexicographic order.

    Attributes:
        ptr (Tensor): Pointers to the beginnings of the sets, int64 ``(C + 1,)``.
        idx (Tensor): Nodes, int64 ``(nnz,)``, ascending within a set.
        num_nodes (int, optional): Number of nodes of the graph.
        node_id (list, optional): Names of its nodes: those of a networkx graph, or ``node_id`` of a
            ``Data``.
    """


def maximal_cliques(
    edge_index: Any,
    num_nodes: int | None = None,
    *,
    max_cliques: int | None = None,
    time_limit: float | None = None,
    max_memory: float | None = DEFAULT_MEMORY,
    backend: Literal["auto", "compiled", "networkit", "igraph", "networkx", "reference"] = "auto",
) -> CliqueSet:
    r"""All maximal cliques of a graph. An isolated node is one.

    A graph can have :math:`3^{N/3}` of them, so there is a limit by default: the search gives up
    when the cliques found may take more than ``max_memory``.

    Args:
        edge_index (Tensor or graph): ``(2, E)`` integers, both directions, no self-loops; or a PyG
            ``Data``, a square torch or scipy sparse matrix, or a networkx graph.
        num_nodes (int, optional): Number of nodes N; by default that of the graph, else the largest
            number + 1. (An isolated node is a clique, and at the end only ``num_nodes`` tells it.)
        max_cliques (int, optional): Give up beyond this many; ``max_memory`` is then not read.
        time_limit (float, optional): Give up after this many seconds (only checked now and then by
            ``"networkx"`` and ``"igraph"``, never inside ``"networkit"``).
        max_memory (float, optional): Bytes that the result may take, each clique counted with 64
            nodes, or as many as the largest degree allows; the search itself may hold a few times
            as much. ``None`` is no limit. (``"igraph"`` and ``"networkit"`` list everything first.)
        backend (str): ``"compiled"`` (graphlab's kernel), ``"networkit"``, ``"igraph"``,
            ``"networkx"``, ``"reference"`` (pure Python), or ``"auto"``: the first of these that
            is installed.

    Returns:
        CliqueSet: The same for every backend, with the names of the graph's nodes, if it has any.

    Raises:
        ValueError: If the graph has self-loops or lacks a direction, or a limit is exceeded.
        TypeError, IndexError: If an argument is malformed.
        ImportError: If the backend is not installed.

    Complexity: :math:`O(d N 3^{d/3})` for degeneracy d; practically linear in the output.
    Determinism: the result is a function of the graph.

    Reference: Eppstein, Loeffler, Strash, "Listing All Maximal Cliques in Sparse Graphs in
        Near-Optimal Time", ISAAC 2010. arXiv:1006.5440

    Example:
        >>> import torch
        >>> triangle = torch.tensor([[0, 1, 2, 1, 2, 0], [1, 2, 0, 0, 1, 2]])
        >>> maximal_cliques(triangle, 4).to_list()
        [(0, 1, 2), (3,)]
    """
    check_choice(backend, "backend", ("auto", *_BACKENDS))
    graph = read_graph(edge_index, num_nodes)
    limits = _Limits.of(graph, max_cliques, max_memory, time_limit)
    chosen = _first_installed() if backend == "auto" else backend
    if chosen in ("compiled", "reference"):
        ptr, idx = _by_operator(graph, limits, chosen)
    else:
        sets = _canonical(_LIBRARIES[chosen](graph), limits)
        ptr, idx = to_tensor(sets.ptr), to_tensor(sets.idx)
    return CliqueSet(ptr, idx, num_nodes=graph.num_nodes, node_id=graph.names)


@dataclass(frozen=True)
class _Limits:
    """Most cliques (-1: any number), most seconds (0: any time), and the bytes behind the first."""

    most: int
    seconds: float
    memory: float | None

    @classmethod
    def of(
        cls,
        graph: Graph,
        max_cliques: int | None,
        max_memory: float | None,
        time_limit: float | None,
    ) -> _Limits:
        seconds = 0.0 if time_limit is None else check_positive(time_limit, "time_limit")
        if max_cliques is not None:
            return cls(check_int(max_cliques, "max_cliques", minimum=0), seconds, None)
        if max_memory is None:
            return cls(-1, seconds, None)
        memory = check_positive(max_memory, "max_memory")
        longest = min(int(graph.degree.max(initial=0)) + 1, _LONG)
        return cls(int(memory / (8 * (longest + 1))), seconds, memory)

    def check(self, many: bool, long: bool) -> None:
        """Raise if either is exceeded."""
        if many and self.memory is not None:
            raise ValueError(
                f"the graph has more than {self.most} maximal cliques, which may take more than "
                f"max_memory = {self.memory:g} bytes: it is too dense for this method, or needs "
                "max_memory=None or a limit max_cliques=... of your own"
            )
        if many:
            raise ValueError(f"the graph has more maximal cliques than max_cliques = {self.most}")
        if long:
            raise ValueError(
                f"listing the maximal cliques took longer than time_limit = {self.seconds} s"
            )


def _first_installed() -> str:
    if active_kernel("maximal_cliques", "cpu") == "compiled":
        return "compiled"
    return next((name for name in ("networkit", "igraph") if find_spec(name)), "networkx")


def _by_operator(graph: Graph, limits: _Limits, backend: str) -> tuple[Tensor, Tensor]:
    if backend == "compiled":
        if active_kernel("maximal_cliques", "cpu") != "compiled":
            raise ImportError("backend='compiled' needs graphlab-cuda-ops")
        search: Callable[..., tuple[Tensor, Tensor, Tensor]] = partial(call, "maximal_cliques")
    else:
        search = reference.maximal_cliques
    with waiting("maximal cliques"):
        ptr, idx, status = search(graph.csr.rowptr, graph.csr.col, limits.most, limits.seconds)
    limits.check(int(status) == 1, int(status) == 2)
    return ptr, idx


def _by_networkx(graph: Graph) -> Iterable[list[int]]:
    import networkx

    native = networkx.Graph()
    native.add_nodes_from(range(graph.num_nodes))
    native.add_edges_from(graph.entries[:, graph.upper].T.tolist())
    cliques: Iterable[list[int]] = networkx.find_cliques(native)
    return cliques


def _by_igraph(graph: Graph) -> Iterable[list[int]]:
    igraph = _import("igraph")
    native = igraph.Graph(n=graph.num_nodes, edges=graph.entries[:, graph.upper].T.tolist())
    cliques: Iterable[list[int]] = native.maximal_cliques()
    return cliques


def _by_networkit(graph: Graph) -> Iterable[list[int]]:
    networkit = _import("networkit")
    native = networkit.Graph(graph.num_nodes)
    for u, v in graph.entries[:, graph.upper].T.tolist():
        native.addEdge(u, v)
    search = networkit.clique.MaximalCliques(native)
    search.run()
    cliques: Iterable[list[int]] = search.getCliques()
    return cliques


_LIBRARIES = {"networkx": _by_networkx, "igraph": _by_igraph, "networkit": _by_networkit}


def _import(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        hint = "pip install graphlab[hyper]" if name == "networkit" else f"install {name}"
        raise ImportError(f"backend={name!r} needs {name}: {hint}") from error


def _canonical(cliques: Iterable[list[int]], limits: _Limits) -> NodeSets:
    """Cliques that a library lists, sorted; limits are checked after every one."""
    begin, listed = time.monotonic(), []
    for clique in cliques:
        listed.append(sorted(clique))
        late = 0 < limits.seconds < time.monotonic() - begin
        limits.check(0 <= limits.most < len(listed), late)
    return sorted_unique(from_lists(listed))[0]
