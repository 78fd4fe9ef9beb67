"""Sparse matrices as compressed rows: the one carrier of graphs that every operator reads.

:class:`SparseRows` holds any matrix. :class:`CSRGraph` is one whose pattern is symmetric, so that
the weight of the reverse edge is known at every entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_index,
    check_int,
    check_pointers,
    check_range,
    check_same_device,
    check_tensor,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "CSRGraph",
    "SparseRows",
    "Transposed",
    "csr_rows",
    "length_pointers",
    "row_pointers",
    "scaled_weight",
    "transpose",
    "trusted",
]

_MAX_NODES = 2**31 - 1


def row_pointers(row: Tensor, num_rows: int) -> Tensor:
    """Row pointers, int64 ``(num_rows + 1,)``, of ascending row numbers ``(E,)``."""
    borders = torch.arange(num_rows + 1, device=row.device, dtype=row.dtype)
    return torch.searchsorted(row.contiguous(), borders)


def length_pointers(length: Tensor) -> Tensor:
    """Row pointers, int64 ``(R + 1,)``, of the numbers of entries per row ``(R,)``."""
    return torch.cat([length.new_zeros(1), length.cumsum(0)])


def csr_rows(rowptr: Tensor, num_edges: int) -> Tensor:
    """Row of every entry, int64 ``(E,)``."""
    rows = torch.arange(rowptr.numel() - 1, device=rowptr.device)
    return torch.repeat_interleave(rows, rowptr.diff(), output_size=num_edges)


def transpose(rowptr: Tensor, col: Tensor, num_cols: int) -> tuple[Tensor, Tensor, Tensor]:
    """Compressed rows of the transpose.

    Args:
        rowptr (Tensor): Row pointers, int64 ``(R + 1,)``.
        col (Tensor): Column of every entry, int32 ``(E,)``.
        num_cols (int): Number of columns C.

    Returns:
        tuple: Row pointers of the transpose, int64 ``(C + 1,)``; row of every entry in its order,
        int32 ``(E,)``, ascending within a column; and the permutation, int64 ``(E,)``: number of
        that entry in ``col``.

    Complexity: O(E) time where integers are sorted by counting, O(E log E) otherwise.
    """
    # Keys of 32 bits: half the passes of a sort by counting. Stable, so rows stay in order.
    order = torch.argsort(col, stable=True)
    row = csr_rows(rowptr, col.numel())
    return row_pointers(col[order], num_cols), row[order].int(), order


class Transposed(NamedTuple):
    """Pattern of a transpose, and where its entries come from.

    Attributes:
        rowptr (Tensor): Row pointers of the transpose, int64 ``(C + 1,)``.
        col (Tensor): Row of every entry, in the order of the transpose, int32 ``(E,)``.
        entry (Tensor): Number of that entry in the matrix itself, int32 ``(E,)``.
    """

    rowptr: Tensor
    col: Tensor
    entry: Tensor


@dataclass(frozen=True, eq=False, repr=False)
class SparseRows:
    r"""A sparse matrix :math:`A_{ij} = s_i w_{ij}` as compressed rows.

    Attributes:
        rowptr (Tensor): Row pointers, int64 ``(R + 1,)``.
        col (Tensor): Column of every entry, int32 ``(E,)``.
        weight (Tensor, optional): :math:`w_{ij}`, floating point ``(E,)``; ones when missing.
        row_scale (Tensor, optional): :math:`s_i`, floating point ``(R,)``; ones when missing.
        num_cols (int): Number of columns C; as many as rows unless given.

    Build it with :meth:`from_edge_index` or :meth:`from_rows`; the constructor takes what is
    compressed already and checks types and shapes. Values are checked once, by the first operator.

    Raises:
        TypeError, ValueError: If a tensor has the wrong type or shape.

    Example:
        >>> rows = SparseRows.from_edge_index(torch.tensor([[1, 0], [0, 2]]), 3)
        >>> rows
        SparseRows(3 x 3, 2 entries)
        >>> rows.rowptr.tolist(), rows.col.tolist()
        ([0, 1, 2, 2], [2, 0])
    """

    rowptr: Tensor
    col: Tensor
    weight: Tensor | None = None
    row_scale: Tensor | None = field(default=None, kw_only=True)
    num_cols: int = field(default=-1, kw_only=True)

    def __post_init__(self) -> None:
        if check_tensor(self.rowptr, "rowptr").dtype != torch.int64 or self.rowptr.dim() != 1:
            raise TypeError(
                f"rowptr must be int64 and 1-D, got {self.rowptr.dtype} {tuple(self.rowptr.shape)}"
            )
        if self.rowptr.numel() == 0:
            raise ValueError("rowptr must not be empty")
        if check_tensor(self.col, "col").dtype != torch.int32 or self.col.dim() != 1:
            raise TypeError(
                f"col must be int32 and 1-D, got {self.col.dtype} {tuple(self.col.shape)}"
            )
        _check_vector(self.weight, "weight", self.num_edges)
        _check_vector(self.row_scale, "row_scale", self.num_rows)
        check_same_device(
            rowptr=self.rowptr, col=self.col, weight=self.weight, row_scale=self.row_scale
        )
        if self.num_cols < 0:
            object.__setattr__(self, "num_cols", self.num_rows)

    @property
    def num_rows(self) -> int:
        """Number of rows R."""
        return self.rowptr.numel() - 1

    @property
    def num_edges(self) -> int:
        """Number of stored entries E, explicit zeros included."""
        return self.col.numel()

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.rowptr.device

    def __repr__(self) -> str:
        parts = [f"{self.num_rows} x {self.num_cols}", f"{self.num_edges} entries"]
        for name in _tensors(self)[2:]:
            value = getattr(self, name)
            if value is not None:
                parts.append(f"{name} {str(value.dtype).removeprefix('torch.')}")
        if self.device.type != "cpu":
            parts.append(str(self.device))
        return f"{type(self).__name__}({', '.join(parts)})"

    @staticmethod
    def from_edge_index(
        edge_index: Tensor, num_nodes: int, edge_weight: Tensor | None = None
    ) -> SparseRows:
        """Sort edges by their first node; nothing is merged, entries of a row keep their order.

        Args:
            edge_index (Tensor): ``(2, E)`` integers: row and column of every entry.
            num_nodes (int): Number of rows and of columns, at most :math:`2^{31} - 1`.
            edge_weight (Tensor, optional): Real ``(E,)``; it may require a gradient.

        Returns:
            SparseRows: On the device of ``edge_index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.

        Complexity: O(E) time for edges sorted by their first node, O(E log E) otherwise.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=_MAX_NODES)
        row, col = check_edge_index(edge_index, num_nodes)
        weight = edge_weight
        if weight is not None:
            weight = check_edge_weight(weight, row.numel(), nonnegative=False)
        check_same_device(edge_index=row, edge_weight=weight)
        if not _ascending(row):
            order = torch.argsort(row, stable=True)
            row, col = row[order], col[order]
            weight = None if weight is None else weight[order]
        return trusted(SparseRows(row_pointers(row, num_nodes), col.int(), weight))

    @staticmethod
    def from_rows(
        row: Tensor, col: Tensor, num_rows: int, num_cols: int, weight: Tensor | None = None
    ) -> SparseRows:
        """Compress entries that are sorted by row.

        Args:
            row (Tensor): ``(E,)`` integers in ``[0, num_rows)``, ascending.
            col (Tensor): ``(E,)`` integers in ``[0, num_cols)``.
            num_rows (int): R.
            num_cols (int): C.
            weight (Tensor, optional): Floating point ``(E,)``.

        Returns:
            SparseRows: On the device of ``row``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.

        Complexity: O(E + R log E) time.
        """
        num_rows = check_int(num_rows, "num_rows", minimum=0)
        num_cols = check_int(num_cols, "num_cols", minimum=0, maximum=_MAX_NODES)
        row = check_index(row, num_rows, "row")
        col = check_index(col, num_cols, "col", length=row.numel())
        if not _ascending(row):
            raise ValueError("row must be ascending: sort the entries by row")
        rowptr = row_pointers(row, num_rows)
        return trusted(SparseRows(rowptr, col.int(), weight, num_cols=num_cols))

    def row(self) -> Tensor:
        """Row of every entry, int64 ``(E,)``."""
        return csr_rows(self.rowptr, self.num_edges)

    def edge_index(self) -> Tensor:
        """Row and column of every entry, int64 ``(2, E)``, sorted by row."""
        return torch.stack([self.row(), self.col.long()])

    def to(self, device: torch.device | str) -> Self:
        """Copy to a device."""
        parts = {name: getattr(self, name) for name in _tensors(self)}
        moved = {name: t.to(device) for name, t in parts.items() if t is not None}
        return self._as_checked(replace(self, **moved))

    @cached_property
    def transposed(self) -> Transposed:
        """Pattern of the transpose; sorted when first asked for, then kept."""
        # What is kept for later calls must not be an inference tensor: autograd refuses these.
        with torch.inference_mode(False), torch.no_grad():
            rowptr, col, order = transpose(self.rowptr, self.col, self.num_cols)
            return Transposed(rowptr, col, order.int())

    def transpose(self) -> SparseRows:
        """The transposed matrix; scales of the rows become part of the weights."""
        rowptr, row, entry = self.transposed
        value = scaled_weight(self.weight, self.row_scale, row, entry.long())
        return trusted(SparseRows(rowptr, row, value, num_cols=self.num_rows))

    def entries(self, rows: Tensor) -> Tensor:
        """Numbers of the entries of some rows, one row after the other, int64."""
        start, length = self.rowptr[rows], self.rowptr.diff()[rows]
        first = torch.repeat_interleave(start - (length.cumsum(0) - length), length)
        return first + torch.arange(first.numel(), device=first.device)

    def select(self, rows: Tensor) -> SparseRows:
        """The matrix of some rows, in the given order; a row may be taken several times.

        Args:
            rows (Tensor): int64 ``(n,)`` in ``[0, R)``.
        """
        entry = self.entries(rows)
        part = SparseRows(
            length_pointers(self.rowptr.diff()[rows]),
            self.col[entry],
            None if self.weight is None else self.weight[entry],
            row_scale=None if self.row_scale is None else self.row_scale[rows],
            num_cols=self.num_cols,
        )
        return self._as_checked(part)

    def check_values(self) -> None:
        """Require pointers that ascend and columns in range; looked at once per object.

        Raises:
            ValueError, IndexError: If a value is out of range.
        """
        if torch.compiler.is_compiling() or "_checked" in self.__dict__:
            return
        check_pointers(self.rowptr, self.num_edges, "rowptr")
        check_range(self.col, self.num_cols, "col")
        trusted(self)

    def _as_checked(self, other: _Rows) -> _Rows:
        """The other rows, made of these: they need no check where these had theirs."""
        return trusted(other) if "_checked" in self.__dict__ else other


_Rows = TypeVar("_Rows", bound=SparseRows)


def trusted(rows: _Rows) -> _Rows:
    """The rows, marked as checked: for values that the caller knows to be in range."""
    rows.__dict__["_checked"] = True
    return rows


def scaled_weight(
    weight: Tensor | None, row_scale: Tensor | None, row: Tensor, order: Tensor
) -> Tensor | None:
    """Weights times scales of the rows, in another order; ``row`` is in that order already."""
    value = None if weight is None else weight[order]
    if row_scale is None:
        return value
    scale = row_scale[row.long()]
    return scale if value is None else value * scale


@dataclass(frozen=True, eq=False, repr=False)
class CSRGraph(SparseRows):
    r"""Square sparse rows with a symmetric pattern, ready for operators with a derivative.

    Row i holds the edges whose first node is i. Where only one of (i, j) and (j, i) was given,
    the other is stored with weight zero: then the weight of the reverse edge is known at every
    entry, and a derivative needs one pass over the rows, without a transpose and without atomics.

    Attributes:
        rowptr (Tensor): Row pointers, int64 ``(N + 1,)``.
        col (Tensor): Other node of every entry, int32 ``(E,)``, ascending within a row.
        weight (Tensor, optional): Weight :math:`w_{ij}`, ``(E,)``; ones when missing.
        weight_t (Tensor, optional): Weight of the reverse edge :math:`w_{ji}`, ``(E,)``.
        scale (Tensor, optional): ``(N,)`` with :math:`s_i w_{ij} = s_j w_{ji}`: the walk is
            reversible, and ``weight_t`` need not be stored. Without ``weight_t`` and ``scale`` the
            weights are symmetric.

    Build it with :meth:`from_edge_index`. Rows have no ``row_scale`` here.
    """

    weight_t: Tensor | None = None
    scale: Tensor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.row_scale is not None:
            raise ValueError("row_scale must be None in a CSRGraph: use SparseRows")
        if self.num_cols != self.num_rows:
            raise ValueError(
                f"num_cols must be {self.num_rows}, the number of rows, got {self.num_cols}"
            )
        _check_vector(self.weight_t, "weight_t", self.num_edges)
        _check_vector(self.scale, "scale", self.num_rows)

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return self.num_rows

    @property
    def reversible(self) -> bool:
        """Whether reverse weights follow from the forward ones and a vector of node scales."""
        return self.weight_t is None

    @staticmethod
    def from_edge_index(
        edge_index: Tensor,
        num_nodes: int,
        edge_weight: Tensor | None = None,
        *,
        scale: Tensor | None = None,
    ) -> CSRGraph:
        r"""Sort, merge duplicates by summing their weights, and complete the pattern.

        Args:
            edge_index (Tensor): ``(2, E)`` integers; row 0 is the anchor i, row 1 the other node.
            num_nodes (int): Number of nodes N, at most :math:`2^{31} - 1`.
            edge_weight (Tensor, optional): Non-negative ``(E,)``; it may require a gradient.
                Without it, every edge (also one given several times) has weight one.
            scale (Tensor, optional): Positive ``(N,)`` with :math:`s_i w_{ij} = s_j w_{ji}`, if
                the caller knows the weights to be those of a reversible walk. Checked.

        Returns:
            CSRGraph: On the device of ``edge_index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.

        Complexity: O(E) time for sorted input, O(E log E) otherwise; O(E) memory.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=0, maximum=_MAX_NODES)
        edge_index = check_edge_index(edge_index, num_nodes)
        if edge_weight is not None:
            edge_weight = check_edge_weight(edge_weight, edge_index.size(1))
        check_same_device(edge_index=edge_index, edge_weight=edge_weight, scale=scale)
        row, col, weight = _coalesce(edge_index, edge_weight, num_nodes)
        row, col, weight, weight_t = _complete(row, col, weight, num_nodes)
        if scale is not None:
            _check_scale(scale, num_nodes, row, col, weight, weight_t)
            weight_t = None
        graph = CSRGraph(row_pointers(row, num_nodes), col.int(), weight, weight_t, scale)
        return trusted(graph)


def _coalesce(
    edge_index: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Sort edges and merge equal ones; untouched where they strictly ascend already."""
    row, col = edge_index
    key = row * num_nodes + col
    if key.numel() < 2 or bool((key[1:] > key[:-1]).all()):
        return row, col, weight
    if weight is None:
        key = torch.unique_consecutive(key.sort().values)
    else:
        key, order = key.sort(stable=True)
        weight = weight.index_select(0, order)
        key, position = _distinct(key)
        if key.numel() < position.numel():
            # The sum runs over a stable order, so its last bit is reproducible.
            weight = weight.new_zeros(key.numel()).index_add(0, position, weight)
    row = torch.div(key, num_nodes, rounding_mode="floor")
    return row, key - row * num_nodes, weight


def _complete(
    row: Tensor, col: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Add missing reverse entries with weight zero; return the reverse weights as well.

    Entries come sorted. The reverse weights are ``None`` where they equal the weights.
    """
    order = torch.argsort(col.int(), stable=True)
    row_t, col_t = col.index_select(0, order), row.index_select(0, order)
    if torch.equal(row_t, row) and torch.equal(col_t, col):
        weight_t = None if weight is None else weight.detach().index_select(0, order)
        return row, col, weight, _unless_equal(weight_t, weight)
    weight = row.new_ones(row.numel(), dtype=torch.float32) if weight is None else weight
    key, position, position_t = _merge(row * num_nodes + col, row_t * num_nodes + col_t)
    weight_t = weight.detach().index_select(0, order)
    weight_t = weight.new_zeros(key.numel()).index_copy(0, position_t, weight_t)
    weight = weight.new_zeros(key.numel()).index_copy(0, position, weight)
    row = torch.div(key, num_nodes, rounding_mode="floor")
    return row, key - row * num_nodes, weight, _unless_equal(weight_t, weight)


def _merge(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Union of two strictly ascending lists, and the positions of their items in it."""
    both = torch.cat([first, second])
    if both.device.type == "cpu":
        # numpy's stable sort merges ascending runs; torch's does not look for them.
        order = torch.from_numpy(np.argsort(both.numpy(), kind="stable"))
    else:
        order = torch.argsort(both, stable=True)
    key, rank = _distinct(both.index_select(0, order))
    position = torch.empty_like(rank).index_copy_(0, order, rank)
    return key, position[: first.numel()], position[first.numel() :]


def _distinct(ascending: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct values of an ascending list that is not empty, and the position of every item."""
    fresh = ascending[1:] != ascending[:-1]
    position = torch.nn.functional.pad(fresh.cumsum(0), (1, 0))
    # Equal items write the same value: cheaper than a mask, whose positions would be counted.
    values = ascending.new_empty(int(position[-1]) + 1).index_copy_(0, position, ascending)
    return values, position


def _unless_equal(weight_t: Tensor | None, weight: Tensor | None) -> Tensor | None:
    """Reverse weights; ``None`` when the weights are symmetric."""
    if weight is None or weight_t is None or torch.equal(weight_t, weight.detach()):
        return None
    return weight_t


def _check_scale(
    scale: Tensor,
    num_nodes: int,
    row: Tensor,
    col: Tensor,
    weight: Tensor | None,
    weight_t: Tensor | None,
) -> None:
    if check_tensor(scale, "scale").shape != (num_nodes,):
        raise ValueError(f"scale must have shape ({num_nodes},), got {tuple(scale.shape)}")
    if not bool((scale > 0).all()):
        raise ValueError(f"scale must be positive, got a minimum of {float(scale.min())}")
    if row.numel() == 0 or weight is None:
        return
    forward = scale[row] * weight.detach()
    backward = scale[col] * (weight.detach() if weight_t is None else weight_t)
    if not torch.allclose(forward, backward, rtol=1e-4, atol=0.0):
        worst = int((forward - backward).abs().argmax())
        raise ValueError(
            "scale must satisfy scale[i] * w[i, j] = scale[j] * w[j, i]; at entry "
            f"{worst} the sides are {float(forward[worst])} and {float(backward[worst])}"
        )


def _check_vector(value: Tensor | None, name: str, length: int) -> None:
    if value is None:
        return
    if not check_tensor(value, name).is_floating_point() or value.shape != (length,):
        raise ValueError(
            f"{name} must be floating point of shape ({length},), "
            f"got {value.dtype} {tuple(value.shape)}"
        )


def _ascending(row: Tensor) -> bool:
    return row.numel() < 2 or not bool((row[1:] < row[:-1]).any())


def _tensors(rows: SparseRows) -> list[str]:
    """Names of the fields that hold tensors."""
    return [part.name for part in fields(rows) if part.name != "num_cols"]
