"""Sparse matrices as compressed rows: the one carrier of graphs that every operator reads."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_index,
    check_int,
    check_num_nodes,
    check_pointers,
    check_range,
    check_same_device,
    check_tensor,
    values_visible,
)
from graphlab.ops.sorting import MAX_NODES, row_pointers, sort_by_index

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "MAX_NODES",
    "SparseRows",
    "Transposed",
    "check_rows",
    "check_vector",
    "compress",
    "csr_rows",
    "length_pointers",
    "row_pointers",
    "scaled_weight",
    "sort_by_index",
    "transpose",
    "trusted",
]


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
    pointers, order = sort_by_index(col, num_cols)
    rows = torch.arange(rowptr.numel() - 1, device=rowptr.device, dtype=torch.int32)
    row = torch.repeat_interleave(rows, rowptr.diff(), output_size=col.numel())
    return pointers, row.index_select(0, order), order


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
        check_vector(self.weight, "weight", self.num_edges)
        check_vector(self.row_scale, "row_scale", self.num_rows)
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
        num_nodes = check_num_nodes(num_nodes)
        row, col = check_edge_index(edge_index, num_nodes)
        weight = edge_weight
        if weight is not None:
            weight = check_edge_weight(weight, row.numel(), nonnegative=False)
        check_same_device(edge_index=row, edge_weight=weight)
        return compress(row, col, num_nodes, num_nodes, weight)

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
        num_cols = check_int(num_cols, "num_cols", minimum=0, maximum=MAX_NODES)
        row = check_index(row, num_rows, "row")
        col = check_index(col, num_cols, "col", length=row.numel())
        if values_visible(row) and not _ascending(row):
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
        """Copy to a device.

        Args:
            device (torch.device or str): Where to.
        """
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
        """Numbers of the entries of some rows, one row after the other, int64.

        Args:
            rows (Tensor): int64 ``(n,)`` in ``[0, R)``.
        """
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


def check_rows(value: Any, name: str) -> None:
    """Require prepared rows."""
    if not isinstance(value, SparseRows):
        raise TypeError(
            f"{name} must be graphlab.ops.SparseRows, got {type(value).__name__}: "
            "SparseRows.from_edge_index(edge_index, num_nodes) makes them"
        )


def trusted(rows: _Rows) -> _Rows:
    """The rows, marked as checked: for values that the caller knows to be in range."""
    rows.__dict__["_checked"] = True
    return rows


def compress(
    row: Tensor, col: Tensor, num_rows: int, num_cols: int, weight: Tensor | None = None
) -> SparseRows:
    """Rows of entries in any order, whose values were checked before; none is merged.

    Args:
        row (Tensor): int64 ``(E,)``; entries of a row keep their order.
        col (Tensor): int64 ``(E,)``.
        num_rows (int): R.
        num_cols (int): C.
        weight (Tensor, optional): Floating point ``(E,)``.

    Returns:
        SparseRows: On the device of ``row``.
    """
    if _ascending(row):
        return trusted(
            SparseRows(row_pointers(row, num_rows), col.int(), weight, num_cols=num_cols)
        )
    rowptr, order = sort_by_index(row, num_rows)
    weight = None if weight is None else weight[order]
    return trusted(SparseRows(rowptr, col.int().index_select(0, order), weight, num_cols=num_cols))


def scaled_weight(
    weight: Tensor | None, row_scale: Tensor | None, row: Tensor, order: Tensor
) -> Tensor | None:
    """Weights times scales of the rows, in another order; ``row`` is in that order already."""
    value = None if weight is None else weight[order]
    if row_scale is None:
        return value
    scale = row_scale[row.long()]
    return scale if value is None else value * scale


def check_vector(value: Tensor | None, name: str, length: int) -> None:
    """Require floating-point values, one per row or entry, unless they are missing."""
    if value is None:
        return
    if not check_tensor(value, name).is_floating_point() or value.shape != (length,):
        raise ValueError(
            f"{name} must be floating point of shape ({length},), "
            f"got {value.dtype} {tuple(value.shape)}"
        )


def _ascending(row: Tensor) -> bool:
    """Whether the order is there already; where values are not read, as if it were not."""
    if row.numel() < 2:
        return True
    return values_visible(row) and not bool((row[1:] < row[:-1]).any())


def _tensors(rows: SparseRows) -> list[str]:
    """Names of the fields that hold tensors."""
    return [part.name for part in fields(rows) if part.name != "num_cols"]
