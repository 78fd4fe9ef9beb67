"""The checked graph behind the functions of this room: CSR rows and numbered undirected edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from graphlab._checks import check_edge_index, check_num_nodes
from graphlab._edge_index import count_nodes, read_structure
from graphlab.hyper._sets import Ints
from graphlab.ops import CSRGraph, walk_overlap


@dataclass(frozen=True, eq=False)
class Graph:
    """A simple undirected graph.

    Attributes:
        csr (CSRGraph): Both directions, sorted.
    """

    csr: CSRGraph

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


def read_graph(edge_index: Any, num_nodes: int | None) -> Graph:
    """Check an undirected graph without self-loops, given in both directions.

    In any form that :func:`graphlab._edge_index.read_structure` knows; weights are not read.
    """
    if isinstance(edge_index, Graph):
        return edge_index
    edge_index, num_nodes = read_structure(edge_index, num_nodes)
    if num_nodes is None:
        count_nodes(None, edge_index)  # ids of another system are refused as such
        raise ValueError("num_nodes must be given for edge_index: isolated nodes count")
    num_nodes = check_num_nodes(num_nodes)
    edges = check_edge_index(edge_index, num_nodes, loops=False, symmetric=True).cpu()
    return Graph(CSRGraph.from_edge_index(edges, num_nodes))
