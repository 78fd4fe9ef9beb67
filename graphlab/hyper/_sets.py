"""Families of sets of nodes as flat arrays: order, equality and grouping without Python sets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import check_int, check_tensor
from graphlab._graphs.hypergraph import SizedHyperGraphData

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SetFamily:
    """Sets of nodes, one after the other; nodes ascend within a set."""

    ptr: Tensor
    idx: Tensor
    num_nodes: int | None = field(default=None, kw_only=True)
    node_id: list[Any] | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return self.ptr.numel() - 1

    @property
    def sizes(self) -> Tensor:
        """Number of nodes of every set, int64."""
        return self.ptr.diff()

    def to_list(self) -> list[tuple[int, ...]]:
        """The sets as tuples of node numbers."""
        nodes, borders = self.idx.tolist(), self.ptr.tolist()
        return [tuple(nodes[a:b]) for a, b in pairwise(borders)]

    def to_hypergraph(
        self, num_nodes: int | None = None, node_id: Sequence[Any] | None = None
    ) -> SizedHyperGraphData:
        """The sets as hyperedges.

        Args:
            num_nodes (int, optional): Number of nodes N; by default that of the graph, else that of
                the names, else the largest number + 1.
            node_id (Sequence, optional): Names of the nodes, which the hypergraph keeps; by default
                those of the graph.

        Returns:
            HyperGraphData: One hyperedge per set, in order.

        Raises:
            ValueError: If there are too few nodes, or another number of names.
        """
        largest = int(self.idx.max()) if self.idx.numel() else -1
        node_id = self.node_id if node_id is None else list(node_id)
        if num_nodes is None:
            stated = largest + 1 if node_id is None else len(node_id)
            num_nodes = stated if self.num_nodes is None else self.num_nodes
        num_nodes = check_int(num_nodes, "num_nodes", minimum=largest + 1)
        if node_id is not None and len(node_id) != num_nodes:
            raise ValueError(f"node_id must name the {num_nodes} nodes, got {len(node_id)} names")
        owner = torch.repeat_interleave(torch.arange(len(self), device=self.idx.device), self.sizes)
        data = SizedHyperGraphData(
            edge_index=torch.stack([self.idx, owner]),
            num_nodes=num_nodes,
            num_hyperedges=len(self),
        )
        if node_id is not None:
            data.node_id = list(node_id)
        return data


@dataclass(frozen=True, eq=False)
class NodeSets:
    """A family of sets in numpy, in which the algorithms of this room compute."""

    ptr: Ints
    idx: Ints

    def __len__(self) -> int:
        return self.ptr.size - 1

    @property
    def sizes(self) -> Ints:
        """Number of nodes of every set."""
        return np.diff(self.ptr)

    def owner(self) -> Ints:
        """Set of every entry."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, numbers: Ints) -> NodeSets:
        """The chosen sets in the order given."""
        sizes = self.sizes[numbers]
        ptr = pointers(sizes)
        shift = np.repeat(self.ptr[:-1][numbers] - ptr[:-1], sizes)
        return NodeSets(ptr, self.idx[np.arange(ptr[-1]) + shift])

    def by_size(self) -> Iterator[tuple[int, Ints, Ints]]:
        """Groups of equal size: the size, the numbers of the sets, and a matrix, a set per row."""
        sizes = self.sizes
        for size in np.unique(sizes):
            numbers = np.flatnonzero(sizes == size)
            yield int(size), numbers, self.idx[self.ptr[numbers][:, None] + np.arange(size)]

    def to_family(self) -> SetFamily:
        """The same sets as tensors."""
        return SetFamily(to_tensor(self.ptr), to_tensor(self.idx))


def node_sets(family: SetFamily) -> NodeSets:
    """The numpy form of a family."""
    return NodeSets(family.ptr.cpu().numpy(), family.idx.cpu().numpy())


def pointers(sizes: Ints) -> Ints:
    """Pointers to the beginnings of sets of the given sizes."""
    out = np.zeros(sizes.size + 1, dtype=np.int64)
    np.cumsum(sizes, out=out[1:])
    return out


def from_matrix(matrix: Ints) -> NodeSets:
    """Sets of equal size, one per row."""
    return NodeSets(np.arange(matrix.shape[0] + 1) * matrix.shape[1], matrix.ravel())


def from_lists(lists: Sequence[Sequence[int]]) -> NodeSets:
    """Sets given as lists or tuples, in order; nodes must ascend."""
    sizes = np.array([len(nodes) for nodes in lists], dtype=np.int64)
    return NodeSets(pointers(sizes), np.array([v for s in lists for v in s], dtype=np.int64))


def concatenate(*parts: NodeSets) -> NodeSets:
    """All sets of all parts, in order."""
    sizes = np.concatenate([part.sizes for part in parts])
    return NodeSets(pointers(sizes), np.concatenate([part.idx for part in parts]))


def ranks(sets: NodeSets) -> Ints:
    """Number of sets lexicographically before each set; equal sets have equal ranks.

    Ties are refined from left to right, as many nodes at a time as fit into one integer, and
    only among sets that are still tied.
    """
    rank = np.zeros(len(sets), dtype=np.int64)
    top = int(sets.idx.max()) + 1 if sets.idx.size else 1
    bits = top.bit_length()
    width = max(1, 62 // bits)  # an integer has 63 bits beside its sign
    active, begin = np.arange(len(sets)), 0
    while active.size > 1:
        key = _pack(sets, active, begin, width, bits)
        order = np.lexsort((key, rank[active]))
        active, key = active[order], key[order]
        old = rank[active]
        group = np.concatenate([[True], old[1:] != old[:-1]])
        part = group | np.concatenate([[True], key[1:] != key[:-1]])
        position = np.arange(active.size)
        # Within its old group, a set is preceded by all that stand before its own part.
        first = np.maximum.accumulate(np.where(part, position, 0))
        rank[active] = old + first - np.maximum.accumulate(np.where(group, position, 0))
        begin += width
        active = active[_still_tied(part, sets.sizes[active] > begin)]
    return rank


def _pack(sets: NodeSets, active: Ints, begin: int, width: int, bits: int) -> Ints:
    """Nodes ``[begin, begin + width)`` of some sets in one integer; a missing one is 0."""
    key = np.zeros(active.size, dtype=np.int64)
    start, size = sets.ptr[:-1][active] + begin, sets.sizes[active] - begin
    for j in range(width):
        has = size > j
        key <<= bits
        key[has] |= sets.idx[start[has] + j] + 1
    return key


def _still_tied(part: Bools, longer: Bools) -> Bools:
    """Members of parts with more than one set, of which one has further nodes."""
    first = np.flatnonzero(part)
    length = np.diff(np.append(first, part.size))
    return np.repeat((length > 1) & np.logical_or.reduceat(longer, first), length)


def sorted_unique(sets: NodeSets) -> tuple[NodeSets, Ints]:
    """Distinct sets in lexicographic order, and how often each occurs."""
    if len(sets) == 0:
        return sets, np.zeros(0, dtype=np.int64)
    rank = ranks(sets)
    _, first, counts = np.unique(rank, return_index=True, return_counts=True)
    return sets.take(first), counts


def find(queries: NodeSets, table: NodeSets) -> Ints:
    """Position in ``table`` (distinct sets) of every query, or -1."""
    out = np.full(len(queries), -1, dtype=np.int64)
    if len(queries) == 0 or len(table) == 0:
        return out
    rank = ranks(concatenate(table, queries))
    own = rank[: len(table)]
    order = np.argsort(own)
    nearest = np.minimum(np.searchsorted(own[order], rank[len(table) :]), own.size - 1)
    hit = own[order][nearest] == rank[len(table) :]
    out[hit] = order[nearest[hit]]
    return out


def check_family(family: object, name: str, num_nodes: int) -> NodeSets:
    """Require cliques or candidates whose nodes lie in range."""
    if not isinstance(family, SetFamily):
        raise TypeError(f"{name} must be a CliqueSet or CandidateSet, got {type(family).__name__}")
    check_tensor(family.idx, name)
    sets = node_sets(family)
    if sets.idx.size and not (sets.idx.min() >= 0 and sets.idx.max() < num_nodes):
        raise IndexError(f"{name} must hold nodes in [0, {num_nodes}), got {sets.idx.max()}")
    return sets


def to_tensor(values: npt.NDArray[np.generic]) -> Tensor:
    """A tensor that owns its memory."""
    return torch.from_numpy(np.ascontiguousarray(values))
