"""Families of node sets in CSR form: order, equality and grouping without Python sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.data.hypergraph_data import HyperGraphData

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SetFamily:
    """Rows of node numbers, ascending within a row."""

    ptr: Tensor
    idx: Tensor

    def __len__(self) -> int:
        return self.ptr.numel() - 1

    @property
    def sizes(self) -> Tensor:
        """Number of nodes of every row, int64."""
        return self.ptr.diff()

    def to_list(self) -> list[tuple[int, ...]]:
        """Rows as tuples of node numbers."""
        nodes, borders = self.idx.tolist(), self.ptr.tolist()
        return [tuple(nodes[a:b]) for a, b in pairwise(borders)]

    def to_hypergraph(self, num_nodes: int) -> HyperGraphData:
        """The rows as hyperedges."""
        row = torch.repeat_interleave(torch.arange(len(self)), self.sizes)
        return HyperGraphData(
            edge_index=torch.stack([self.idx, row]),
            num_nodes=num_nodes,
            num_hyperedges=len(self),
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """The same in numpy: what the algorithms of this room compute with."""

    ptr: Ints
    idx: Ints

    def __len__(self) -> int:
        return self.ptr.size - 1

    @property
    def sizes(self) -> Ints:
        """Length of every row."""
        return np.diff(self.ptr)

    def owner(self) -> Ints:
        """Row of every entry."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, rows: Ints) -> Rows:
        """The chosen rows in the order given."""
        sizes = self.sizes[rows]
        ptr = pointers(sizes)
        shift = np.repeat(self.ptr[:-1][rows] - ptr[:-1], sizes)
        return Rows(ptr, self.idx[np.arange(ptr[-1]) + shift])

    def by_size(self) -> Iterator[tuple[int, Ints, Ints]]:
        """Groups of equal size: the size, the row numbers, and the rows as a matrix."""
        sizes = self.sizes
        for size in np.unique(sizes):
            rows = np.flatnonzero(sizes == size)
            yield int(size), rows, self.idx[self.ptr[rows][:, None] + np.arange(size)]


def rows_of(family: SetFamily) -> Rows:
    """The numpy form of a family."""
    return Rows(family.ptr.cpu().numpy(), family.idx.cpu().numpy())


def pointers(sizes: Ints) -> Ints:
    """Row pointers of rows of the given sizes."""
    out = np.zeros(sizes.size + 1, dtype=np.int64)
    np.cumsum(sizes, out=out[1:])
    return out


def from_matrix(matrix: Ints) -> Rows:
    """Rows of equal size."""
    return Rows(np.arange(matrix.shape[0] + 1) * matrix.shape[1], matrix.ravel())


def concatenate(*parts: Rows) -> Rows:
    """All rows of all parts, in order."""
    sizes = np.concatenate([part.sizes for part in parts])
    return Rows(pointers(sizes), np.concatenate([part.idx for part in parts]))


def ranks(rows: Rows) -> Ints:
    """Number of rows lexicographically before each row; equal rows have equal ranks.

    Ties are refined from left to right, as many columns at a time as fit into one integer, and
    only among rows that are still tied.
    """
    rank = np.zeros(len(rows), dtype=np.int64)
    top = int(rows.idx.max()) + 1 if rows.idx.size else 1
    bits = top.bit_length()
    width = max(1, 62 // bits)
    active, column = np.arange(len(rows)), 0
    while active.size > 1:
        key = _pack(rows, active, column, width, bits)
        order = np.lexsort((key, rank[active]))
        active, key = active[order], key[order]
        old = rank[active]
        group = np.concatenate([[True], old[1:] != old[:-1]])
        part = group | np.concatenate([[True], key[1:] != key[:-1]])
        position = np.arange(active.size)
        begin = np.maximum.accumulate(np.where(part, position, 0))
        rank[active] = old + begin - np.maximum.accumulate(np.where(group, position, 0))
        column += width
        active = active[_still_tied(part, rows.sizes[active] > column)]
    return rank


def _pack(rows: Rows, active: Ints, column: int, width: int, bits: int) -> Ints:
    """Columns ``[column, column + width)`` of some rows in one integer; a missing entry is 0."""
    key = np.zeros(active.size, dtype=np.int64)
    start, size = rows.ptr[:-1][active] + column, rows.sizes[active] - column
    for j in range(width):
        has = size > j
        key <<= bits
        key[has] |= rows.idx[start[has] + j] + 1
    return key


def _still_tied(
    part: npt.NDArray[np.bool_], longer: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Rows of parts with more than one row, of which one has further columns."""
    first = np.flatnonzero(part)
    length = np.diff(np.append(first, part.size))
    return np.repeat((length > 1) & np.logical_or.reduceat(longer, first), length)


def sorted_unique(rows: Rows) -> tuple[Rows, Ints]:
    """Distinct rows in lexicographic order, and how often each occurs."""
    if len(rows) == 0:
        return rows, np.zeros(0, dtype=np.int64)
    rank = ranks(rows)
    _, first, counts = np.unique(rank, return_index=True, return_counts=True)
    return rows.take(first), counts


def find(queries: Rows, table: Rows) -> Ints:
    """Position in ``table`` (distinct rows) of every query, or -1."""
    out = np.full(len(queries), -1, dtype=np.int64)
    if len(queries) == 0 or len(table) == 0:
        return out
    rank = ranks(concatenate(table, queries))
    own = rank[: len(table)]
    order = np.argsort(own)
    place = np.minimum(np.searchsorted(own[order], rank[len(table) :]), own.size - 1)
    hit = own[order][place] == rank[len(table) :]
    out[hit] = order[place[hit]]
    return out


def to_tensor(values: npt.NDArray[np.generic]) -> Tensor:
    """A tensor that owns its memory."""
    return torch.from_numpy(np.ascontiguousarray(values))
