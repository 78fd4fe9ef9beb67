"""The checked graph behind the functions of this room: CSR rows and numbered undirected edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from graphlab._checks import check_edge_index, check_num_nodes
from graphlab._checks.graph_objects import is_networkx
from graphlab._graphs.edges import count_nodes, read_structure
from graphlab._graphs.hypergraph import names_of
from graphlab.hyper._sets import Ints
from graphlab.ops import CSRGraph, walk_overlap


@dataclass(frozen=True, eq=False)
class Graph:
    """A simple undirected graph.

    Attributes:
        csr (CSRGraph): Both directions, sorted.
        names (list, optional): Names of the nodes, which reconstructions carry.
    """

    csr: CSRGraph
    names: list[Any] | None = None

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return self.csr.num_nodes

    @cached_property
    def rowptr(self) -> Ints:
        """Row pointers."""
        return self.csr.rowptr.numpy()

    @cached_property
    def entries(self) -> Ints:
        """Both directions of every edge, ``(2, 2m)``, sorted."""
        return self.csr.edge_index().numpy()

    @cached_property
    def upper(self) -> Ints:
        """Positions of the entries (u, v) with u < v: the numbering of the edges."""
        return np.flatnonzero(self.entries[0] < self.entries[1])

    @cached_property
    def keys(self) -> Ints:
        """Ascending keys ``u * N + v`` of the edges u < v."""
        u, v = self.entries[:, self.upper]
        out: Ints = u * self.num_nodes + v
        return out

    @cached_property
    def degree(self) -> Ints:
        """Neighbours of every node."""
        return np.diff(self.rowptr)

    def edge_number(self, u: Ints, v: Ints) -> Ints:
        """Number of the edge between nodes u < v, or -1."""
        wanted = u * self.num_nodes + v
        if self.keys.size == 0:
            return np.full(wanted.shape, -1)
        number = np.minimum(np.searchsorted(self.keys, wanted), self.keys.size - 1)
        return np.where(self.keys[number] == wanted, number, -1)

    def triangles(self) -> Ints:
        """Triangles at every node."""
        pairs = torch.from_numpy(self.entries[:, self.upper])
        common = walk_overlap(self.csr, pairs).numpy()
        ends = self.entries[:, self.upper].ravel()
        twice = np.bincount(ends, np.concatenate([common, common]), self.num_nodes)
        return np.rint(twice / 2).astype(np.int64)


def read_graph(
    edge_index: Any, num_nodes: int | None, node_id: Sequence[Any] | None = None
) -> Graph:
    """Check an undirected graph without self-loops, given in both directions.

    In any form that :func:`graphlab._graphs.edges.read_structure` knows; weights are not read.
    Without a number of nodes it is that of the graph, else one more than the largest number.
    Names of its nodes are those given, else those of a networkx graph, or ``node_id`` of a
    ``Data``.
    """
    if isinstance(edge_index, Graph):
        return edge_index
    names = _names(edge_index) if node_id is None else list(node_id)
    if num_nodes is None and node_id is not None:
        num_nodes = len(node_id)
    edge_index, num_nodes = read_structure(edge_index, num_nodes)
    num_nodes = check_num_nodes(count_nodes(num_nodes, edge_index))
    edges = check_edge_index(edge_index, num_nodes, loops=False, symmetric=True).cpu()
    if names is not None and len(names) != num_nodes:
        raise ValueError(f"node_id must name the {num_nodes} nodes, got {len(names)} names")
    return Graph(CSRGraph.from_edge_index(edges, num_nodes), names)


def _names(graph: Any) -> list[Any] | None:
    """Names of the nodes of a graph of another library; None for 0 to N - 1."""
    if isinstance(graph, Data):
        return names_of(graph)
    if is_networkx(graph):
        names = list(graph)
        return None if names == list(range(len(names))) else names
    return None
