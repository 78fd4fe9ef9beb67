"""Typed edges as compressed rows: one row per target, and the orders that a derivative reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_index,
    check_int,
    check_num_nodes,
    check_range,
    check_same_device,
    check_tensor,
)
from graphlab.ops.csr import MAX_NODES, SparseRows, check_rows, sort_by_index, transpose

__all__ = ["RelationalRows", "TypedEntries"]


class TypedEntries(NamedTuple):
    """The entries in another order, compressed by what they are sorted by.

    Attributes:
        pointers (Tensor): Row pointers, int64.
        first (Tensor): int32 ``(E,)``.
        second (Tensor): int32 ``(E,)``.
    """

    pointers: Tensor
    first: Tensor
    second: Tensor


@dataclass(frozen=True, eq=False, repr=False)
class RelationalRows:
    """The typed edges of a knowledge graph by target, as operators read them.

    Attributes:
        rows (SparseRows): One row per target, one column per source; neither weights nor scales.
        type (Tensor): Type of every entry, int32 ``(E,)``, in the order of the entries.
        num_types (int): Number of types T.

    Build it with :meth:`from_edge_index`; the constructor takes what is compressed already and
    checks types and shapes. Values are checked once, by the first operator.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or shape.

    Example:
        >>> edge_index = torch.tensor([[0, 2, 1], [1, 1, 0]])
        >>> RelationalRows.from_edge_index(edge_index, torch.tensor([4, 0, 4]), 3, 5)
        RelationalRows(3 x 3, 3 entries, 5 types)
    """

    rows: SparseRows
    type: Tensor
    num_types: int

    def __post_init__(self) -> None:
        check_rows(self.rows, "rows")
        if self.rows.weight is not None or self.rows.row_scale is not None:
            raise ValueError("rows must have neither weight nor row_scale: messages have no weight")
        if check_tensor(self.type, "type").dtype != torch.int32 or self.type.dim() != 1:
            raise TypeError(
                f"type must be int32 and 1-D, got {self.type.dtype} {tuple(self.type.shape)}"
            )
        if self.type.numel() != self.num_edges:
            raise ValueError(f"type must have {self.num_edges} entries, got {self.type.numel()}")
        check_int(self.num_types, "num_types", minimum=0, maximum=MAX_NODES)
        check_same_device(rows=self.rows.rowptr, type=self.type)

    @property
    def num_rows(self) -> int:
        """Number of targets R."""
        return self.rows.num_rows

    @property
    def num_cols(self) -> int:
        """Number of sources M."""
        return self.rows.num_cols

    @property
    def num_edges(self) -> int:
        """Number of edges E."""
        return self.rows.num_edges

    @property
    def device(self) -> torch.device:
        """Device of the tensors."""
        return self.rows.device

    def __repr__(self) -> str:
        size = f"{self.num_rows} x {self.num_cols}, {self.num_edges} entries"
        return f"{type(self).__name__}({size}, {self.num_types} types)"

    @staticmethod
    def from_edge_index(
        edge_index: Tensor, edge_type: Tensor, num_nodes: int, num_types: int
    ) -> RelationalRows:
        """Sort edges by their target; nothing is merged, edges into a node keep their order.

        Args:
            edge_index (Tensor): ``(2, E)`` integers: source and target of every edge, as in PyG.
            edge_type (Tensor): ``(E,)`` integers in ``[0, num_types)``.
            num_nodes (int): Number of nodes N, at most :math:`2^{31} - 1`.
            num_types (int): Number of types T.

        Returns:
            RelationalRows: On the device of ``edge_index``.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range.

        Complexity: O(E + N) time and memory where integers are sorted by counting.
        """
        num_nodes = check_num_nodes(num_nodes)
        num_types = check_int(num_types, "num_types", minimum=0, maximum=MAX_NODES)
        edge_index = check_edge_index(edge_index, num_nodes)
        kind = check_index(edge_type, num_types, "edge_type", length=edge_index.size(1))
        check_same_device(edge_index=edge_index, edge_type=kind)
        source, target = edge_index.int()
        rowptr, order = sort_by_index(target, num_nodes)
        rows = SparseRows(rowptr, source.index_select(0, order))
        out = RelationalRows(rows, kind.int().index_select(0, order), num_types)
        return _trusted(out)

    def to(self, device: torch.device | str) -> RelationalRows:
        """Copy to a device.

        Args:
            device (torch.device or str): Where to.
        """
        moved = RelationalRows(self.rows.to(device), self.type.to(device), self.num_types)
        return _trusted(moved) if "_checked" in self.__dict__ else moved

    @cached_property
    def by_source(self) -> TypedEntries:
        """Targets and types of the entries by source; sorted when first asked for, then kept."""
        rowptr, target, entry = self.rows.transposed
        with torch.inference_mode(False), torch.no_grad():
            return TypedEntries(rowptr, target, self.type[entry.long()])

    @cached_property
    def by_type(self) -> TypedEntries:
        """Sources and targets of the entries by type; sorted when first asked for, then kept."""
        with torch.inference_mode(False), torch.no_grad():
            return entries_by_type(self.rows.rowptr, self.rows.col, self.type, self.num_types)

    def check_values(self) -> None:
        """Require pointers that ascend, and sources and types in range; once per object.

        Raises:
            ValueError, IndexError: If a value is out of range.
        """
        if torch.compiler.is_compiling() or "_checked" in self.__dict__:
            return
        self.rows.check_values()
        check_range(self.type, self.num_types, "type")
        _trusted(self)


def entries_by_source(
    rowptr: Tensor, source: Tensor, type: Tensor, num_sources: int
) -> TypedEntries:
    """Targets and types of the entries by source."""
    pointers, target, order = transpose(rowptr, source, num_sources)
    return TypedEntries(pointers, target, type[order])


def entries_by_type(rowptr: Tensor, source: Tensor, type: Tensor, num_types: int) -> TypedEntries:
    """Sources and targets of the entries by type."""
    pointers, target, order = transpose(rowptr, type, num_types)
    return TypedEntries(pointers, source[order], target)


def check_relational_rows(value: Any, name: str) -> None:
    """Require prepared typed edges."""
    if not isinstance(value, RelationalRows):
        raise TypeError(
            f"{name} must be graphlab.ops.RelationalRows, got {type(value).__name__}: "
            "RelationalRows.from_edge_index(edge_index, edge_type, num_nodes, num_types) makes them"
        )


def _trusted(rows: RelationalRows) -> RelationalRows:
    """The rows, marked as checked: for values that are known to be in range."""
    rows.rows.__dict__["_checked"] = True
    rows.__dict__["_checked"] = True
    return rows
