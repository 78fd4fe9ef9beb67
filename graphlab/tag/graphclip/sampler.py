"""Subgraphs around nodes: random walks with restart, or everything within k hops."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_index,
    check_int,
    check_num_nodes,
)
from graphlab._checks.graph_kinds import refuse_no_edges
from graphlab._io import user_path
from graphlab._progress import track
from graphlab._random import philox4x32
from graphlab._repr import short_repr
from graphlab._sorted import distinct
from graphlab.ops import CSRGraph, random_walk, walk_subgraphs
from graphlab.tag.graphclip._pack import Ints, pack_induced, runs
from graphlab.tag.graphclip._prepared.prepare import prepare_on_disk
from graphlab.tag.graphclip._sharded import sharded
from graphlab.tag.graphclip.store import SubgraphStore

__all__ = ["SubgraphSampler"]

_WORD = 0xFFFFFFFF
#: What a subgraph depends on, beside the graph and its root.
_DECISIVE = ("method", "walk_length", "restart", "num_hops", "max_nodes", "edges", "seed")


@short_repr
class SubgraphSampler:
    """Sampler of the subgraph of a node; the same one whatever else is drawn beside it.

    ``"rwr"`` walks ``walk_length`` steps, each of which returns to the root with probability
    ``restart``; the subgraph is what was visited. ``"khop"`` takes everything within ``num_hops``.
    Edges count in both directions; self-loops and duplicates are dropped. A root without neighbours
    gets a self-loop (the authors' code for pretraining data raises there).

    Args:
        method (str): ``"rwr"`` or ``"khop"``.
        walk_length (int): Steps of a walk, at least 1.
        restart (float): In ``[0, 1)``.
        num_hops (int): Radius of ``"khop"``, at least 1.
        max_nodes (int, optional): Largest subgraph, at least 1. A walk ends before it would visit
            one node more; ``"khop"`` keeps nearer nodes first, random ones of the last distance.
        edges (str, optional): ``"traversed"`` (only what the walk used, as in the authors' code;
            the default for ``"rwr"``) or ``"induced"`` (all edges among the nodes; the default and
            only choice for ``"khop"``).
        seed (int): In ``[0, 2**64)``. A subgraph depends on nothing but the graph, these arguments
            and its root: neither on the other roots nor on threads, workers or devices.
        chunk_size (int): Roots at a time; bounds memory, never changes results.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 0]])
        >>> store = SubgraphSampler("khop", num_hops=1).sample(edge_index, 4)
        >>> store.sizes.tolist()
        [3, 3, 3, 1]
    """

    def __init__(
        self,
        method: Literal["rwr", "khop"] = "rwr",
        walk_length: int = 64,
        restart: float = 0.5,
        *,
        num_hops: int = 3,
        max_nodes: int | None = None,
        edges: Literal["traversed", "induced"] | None = None,
        seed: int = 0,
        chunk_size: int = 2048,
    ) -> None:
        self.method = check_choice(method, "method", ("rwr", "khop"))
        self.walk_length = check_int(walk_length, "walk_length", minimum=1)
        if isinstance(restart, bool) or not isinstance(restart, (int, float)):
            raise TypeError(f"restart must be a number, got {type(restart).__name__}")
        if not 0.0 <= restart < 1.0:
            raise ValueError(f"restart must lie in [0, 1), got {restart}")
        self.restart = float(restart)
        self.num_hops = check_int(num_hops, "num_hops", minimum=1)
        if max_nodes is not None:
            max_nodes = check_int(max_nodes, "max_nodes", minimum=1)
        self.max_nodes = max_nodes
        default = "traversed" if method == "rwr" else "induced"
        self.edges = check_choice(edges or default, "edges", ("traversed", "induced"))
        if self.method == "khop" and self.edges == "traversed":
            raise ValueError("edges must be 'induced' for method='khop', got 'traversed'")
        self.seed = check_int(seed, "seed", minimum=0, maximum=2**64 - 1)
        self.chunk_size = check_int(chunk_size, "chunk_size", minimum=1)

    @staticmethod
    def prepare(
        edge_index: Tensor | Iterable[Tensor],
        num_nodes: int,
        *,
        directory: str | os.PathLike[str] | None = None,
        memory: int = 2**30,
    ) -> CSRGraph:
        """Sort the edges once for many calls of :meth:`sample`.

        With a ``directory`` they are sorted there by pieces and mapped in the end: memory is
        bounded, a killed call goes on when it is repeated, and a later one finds the graph after a
        look at the edges. Under ``torch.distributed`` every process makes the call, with one folder
        for all: they share the sorting, and the first one merges.

        Args:
            edge_index (Tensor): ``(2, E)`` integers, read as undirected. With a ``directory`` they
                may be mapped from a file, as ``torch.from_numpy(numpy.load(..., mmap_mode="c"))``
                does it, or come as an iterable of pieces ``(2, e)``: whatever reads them.
            num_nodes (int): Number of nodes.
            directory (path, optional): Folder for the graph, and for 16 bytes per edge meanwhile.
            memory (int): Bytes that sorting on disk may take beside the edges, at least ``2**20``;
                never changes the result.

        Returns:
            CSRGraph: Both directions of every edge once, without self-loops, on the CPU.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range, or the
                folder holds the graph of other edges.
            OSError: If the folder cannot be written.

        Complexity: O(E log E), where a call of :meth:`sample` then costs nothing of E. On disk
            every edge is read once, and written and read twice; with E edges, some
            ``112 E / memory`` files are merged.
        """
        num_nodes = check_num_nodes(num_nodes)
        memory = check_int(memory, "memory", minimum=2**20)
        if directory is None:
            return undirected(check_edge_index(edge_index, num_nodes), num_nodes)
        graph = isinstance(edge_index, (np.ndarray, str)) or hasattr(edge_index, "edge_index")
        if graph or not isinstance(edge_index, Iterable):
            refuse_no_edges(edge_index, "edge_index")
        return prepare_on_disk(edge_index, num_nodes, user_path(directory, "directory"), memory)

    def sample(
        self,
        edge_index: Tensor | CSRGraph,
        num_nodes: int | None = None,
        nodes: Tensor | None = None,
        *,
        stream: int = 0,
        directory: str | os.PathLike[str] | None = None,
    ) -> SubgraphStore:
        """Draw one subgraph per node.

        With a ``directory`` they are written there shard by shard and mapped in the end: memory is
        that of a shard, and a killed call goes on with the next one when it is repeated. Under
        ``torch.distributed`` every process makes the call, with one folder for all: they share the
        shards, and the result is that of one process.

        Args:
            edge_index (Tensor or CSRGraph): ``(2, E)`` integers, read as undirected; or what
                :meth:`prepare` made of them.
            num_nodes (int, optional): Number of nodes; a prepared graph knows it.
            nodes (Tensor, optional): Roots, integers ``(P,)``; all nodes when missing.
            stream (int): In ``[0, 2**32)``: draws of other streams are independent.
            directory (path, optional): Folder of the store; see :meth:`SubgraphStore.load`.

        Returns:
            SubgraphStore: Subgraph i belongs to ``nodes[i]``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range, or the
                folder holds subgraphs of another graph, other roots or another sampler.
            OSError: If the folder cannot be written.

        Complexity: O(P walk_length) for ``"rwr"``; O(sum of degrees) for induced edges. A graph
            that is not prepared costs O(E log E) at every call.
        """
        graph = _prepared(edge_index, num_nodes)
        size = graph.num_rows
        roots = (
            torch.arange(size, device="cpu") if nodes is None else check_index(nodes, size, "nodes")
        )
        roots = roots.cpu()
        if roots.numel() == 0:
            raise ValueError("nodes must name at least one root, got none")
        stream = check_int(stream, "stream", minimum=0, maximum=_WORD)
        if directory is None:
            return self._drawn(graph, roots, stream)
        folder = user_path(directory, "directory")
        settings = {name: getattr(self, name) for name in _DECISIVE} | {"stream": stream}
        return sharded(
            folder, graph, roots, settings, lambda part: self._drawn(graph, part, stream)
        )

    def _drawn(self, graph: CSRGraph, roots: Tensor, stream: int) -> SubgraphStore:
        chunks = track(roots.split(self.chunk_size), "sample subgraphs", unit="chunks")
        parts = [self._chunk(graph, part, stream) for part in chunks]
        return SubgraphStore.concat(parts, [0] * len(parts)) if len(parts) > 1 else parts[0]

    def _chunk(self, graph: CSRGraph, roots: Tensor, stream: int) -> SubgraphStore:
        if self.method == "khop":
            owner, node = self._hops(graph, roots.numpy(), stream)
            return _induced(graph, owner, node, roots.numpy())
        walks = random_walk(
            graph,
            roots,
            length=self.walk_length,
            restart=self.restart,
            seed=self.seed,
            stream=stream,
        )
        parts = walk_subgraphs(walks, max_nodes=self.max_nodes)
        store = SubgraphStore(*(part.numpy() for part in parts))
        if self.edges == "traversed":
            return store
        owner = np.repeat(np.arange(len(store)), np.diff(store.node_ptr))
        return _induced(graph, owner, store.node.astype(np.int64), roots.numpy())

    def _hops(self, graph: CSRGraph, roots: Ints, stream: int) -> tuple[Ints, Ints]:
        """Members of all neighbourhoods as sorted (subgraph, node) pairs."""
        size = graph.num_nodes
        # (subgraph, node) as one number, ascending.
        seen = frontier = np.arange(roots.size) * size + roots
        for _ in range(self.num_hops):
            reached = self._reached(graph, frontier, seen, roots, stream)
            if reached.size == 0:
                break
            seen = np.sort(np.concatenate([seen, reached]))
            frontier = reached
        return seen // size, seen % size

    def _reached(
        self, graph: CSRGraph, frontier: Ints, seen: Ints, roots: Ints, stream: int
    ) -> Ints:
        """New members one step from the frontier, no more than the cap leaves room for."""
        size = graph.num_nodes
        rowptr, col = graph.rowptr.numpy(), graph.col.numpy()
        room = None
        if self.max_nodes is not None:
            room = self.max_nodes - np.bincount(seen // size, minlength=roots.size)
        node = frontier % size
        degree = rowptr[node + 1] - rowptr[node]
        parts = []
        # Some subgraphs at a time: what a cap drops at once need not be in memory at once.
        for lo, hi in runs(np.bincount(frontier // size, degree, minlength=roots.size)):
            near, known = (_between(member, lo * size, hi * size) for member in (frontier, seen))
            reached = _neighbours(rowptr, col, near, size)
            reached = np.setdiff1d(reached, known, assume_unique=True)
            if room is not None:
                reached = self._choose(reached, room, roots, size, stream)
            parts.append(reached)
        return np.concatenate(parts)

    def _choose(self, reached: Ints, room: Ints, roots: Ints, size: int, stream: int) -> Ints:
        """At most ``room`` of the members reached for each subgraph, by their random words."""
        owner, node = reached // size, reached % size
        root = torch.from_numpy(roots[owner])
        counter = torch.stack(
            [torch.from_numpy(node), torch.full_like(root, stream), root & _WORD, root >> 32], 1
        )
        word = philox4x32(
            counter, torch.tensor([self.seed & _WORD, self.seed >> 32], device="cpu")
        )[:, 0]
        # By subgraph, then by random word; the node decides ties, so that results never depend on
        # order.
        order = np.lexsort((node, word.numpy(), owner))
        count = np.bincount(owner, minlength=roots.size)
        first = np.cumsum(count) - count
        position = np.arange(reached.size) - first[owner[order]]
        return np.sort(reached[order[position < room[owner[order]]]])


def undirected(edge_index: Tensor, num_nodes: int) -> CSRGraph:
    """Both directions of every edge once, without self-loops, on the CPU."""
    edge_index = edge_index.cpu()
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    both = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    return CSRGraph.from_edge_index(both, num_nodes)


def _prepared(graph: Any, num_nodes: int | None) -> CSRGraph:
    """The graph as :meth:`SubgraphSampler.prepare` gives it."""
    if not isinstance(graph, CSRGraph):
        if num_nodes is None:
            raise TypeError("num_nodes must be given beside an edge_index")
        return SubgraphSampler.prepare(graph, num_nodes)
    if num_nodes is not None and num_nodes != graph.num_rows:
        raise ValueError(f"num_nodes must be {graph.num_rows}, as the graph has, got {num_nodes}")
    if _has_loops(graph):
        raise ValueError("edge_index must be a graph without self-loops: SubgraphSampler.prepare")
    return graph if graph.device.type == "cpu" else graph.to("cpu")


def _has_loops(graph: CSRGraph) -> bool:
    """Whether an entry is a self-loop; some rows at a time, as the graph may be mapped."""
    degree = graph.rowptr.diff()
    for start, stop in runs(degree.numpy(), 2**22):
        node = torch.arange(start, stop, dtype=torch.int32, device="cpu")
        row = node.repeat_interleave(degree[start:stop])
        if bool((row == graph.col[graph.rowptr[start] : graph.rowptr[stop]]).any()):
            return True
    return False


def _between(member: Ints, lo: int, hi: int) -> Ints:
    """Ascending members in ``[lo, hi)``."""
    start, stop = np.searchsorted(member, [lo, hi])
    return member[start:stop]


def _neighbours(rowptr: Ints, col: NDArray[np.int32], member: Ints, size: int) -> Ints:
    """(subgraph, neighbour) pairs of (subgraph, node) pairs, each once."""
    owner, node = member // size, member % size
    degree = rowptr[node + 1] - rowptr[node]
    start = np.cumsum(degree) - degree
    source = np.repeat(np.arange(node.size), degree)
    entry = np.arange(source.size) + (rowptr[node] - start)[source]
    return distinct(owner[source] * size + col[entry])


def _induced(graph: CSRGraph, owner: Ints, node: Ints, roots: Ints) -> SubgraphStore:
    return pack_induced(graph.rowptr.numpy(), graph.col.numpy(), owner, node, roots)
