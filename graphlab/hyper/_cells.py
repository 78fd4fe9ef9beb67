"""Hyperedges inside maximal cliques, by the sizes of both: the cells of the sampler and of rho."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphlab.hyper._containment import containment
from graphlab.hyper._sets import Ints, NodeSets


@dataclass(frozen=True, eq=False)
class Cell:
    """Hyperedges of one size k inside maximal cliques of one size n.

    Attributes:
        n (int): Size of the cliques.
        k (int): Size of the hyperedges.
        cost (int): Subsets of size k of all cliques of size n, counted per clique.
        hits (ndarray): Numbers of the distinct hyperedges.
        pairs (tuple[ndarray, ndarray]): Every hyperedge with every clique that holds it: number of
            the hyperedge, and position of the clique among those of size n.
        count (int): Number of cliques of size n.
    """

    n: int
    k: int
    cost: int
    hits: Ints
    pairs: tuple[Ints, Ints]
    count: int

    @property
    def price(self) -> float:
        """The cost as a float, infinite where large cliques exceed what it holds."""
        try:
            return float(self.cost)
        except OverflowError:
            return math.inf


def find_cells(edges: NodeSets, cliques: NodeSets, num_nodes: int) -> Iterator[Cell]:
    """All cells with a hyperedge, by n, then k."""
    edge, clique = containment(edges, cliques, num_nodes)
    if edge.size == 0:
        return
    sizes = cliques.sizes
    position = np.zeros(len(cliques), dtype=np.int64)  # of a clique among those of its size
    for _, numbers, _ in cliques.by_size():
        position[numbers] = np.arange(len(numbers))
    counts = np.bincount(sizes, minlength=1)
    n, k = sizes[clique], edges.sizes[edge]
    key = n * (int(k.max()) + 1) + k
    order = np.argsort(key, kind="stable")
    key, edge, at = key[order], edge[order], position[clique][order]
    begins = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    for start, stop in zip(begins, [*begins[1:], key.size], strict=True):
        part = slice(start, stop)
        first = order[start]
        size, inner = int(n[first]), int(k[first])
        count = int(counts[size])
        cost = count * math.comb(size, inner)
        yield Cell(size, inner, cost, np.unique(edge[part]), (edge[part], at[part]), count)
