"""What an operator must do, what a device can do, and the time that follows."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

SECTOR = 32
#: sm_80 and sm_90 start 128 float32 multiply-adds and 16 exponentials a clock and multiprocessor:
#: an exponential takes the place of eight multiply-adds, that is of sixteen operations.
OPERATIONS_PER_EXPONENTIAL = 16


class Call(SimpleNamespace):
    """Arguments of one call of an operator, by the names of its schema."""

    @classmethod
    def bind(cls, op: str, args: tuple[Any, ...]) -> Call:
        """Give positional arguments their names.

        Raises:
            ValueError: If there are more or fewer than the schema has.
        """
        schema = getattr(torch.ops.graphlab, op).default._schema
        names = [argument.name for argument in schema.arguments]
        return cls(**dict(zip(names, args, strict=True)))


@dataclass(frozen=True)
class Gather:
    """Rows read at random.

    Attributes:
        rows: Number of reads.
        row_bytes: Size of a row.
        table_bytes: Size of all rows there are.
    """

    rows: int
    row_bytes: int
    table_bytes: int


@dataclass(frozen=True)
class Work:
    """What an operator must do at least.

    Attributes:
        bytes: Read or written once, in order.
        flops: Additions and multiplications.
        exponentials: Exponentials.
        gathers: Rows read at random, on top of ``bytes``.
    """

    bytes: int
    flops: int = 0
    exponentials: int = 0
    gathers: tuple[Gather, ...] = ()


@dataclass(frozen=True)
class Device:
    """What a device was measured to do.

    Attributes:
        bytes_per_s: Of a copy, reads and writes together.
        flops_per_s: Of a matrix product in the operator's type.
        cache_bytes: Last cache before the memory.
    """

    bytes_per_s: float
    flops_per_s: float
    cache_bytes: int


def traffic(work: Work, cache_bytes: int) -> float:
    """Bytes between memory and a cache of a size."""
    return work.bytes + sum(_gathered(gather, cache_bytes) for gather in work.gathers)


def _gathered(gather: Gather, cache_bytes: int) -> float:
    read = gather.rows * -(-gather.row_bytes // SECTOR) * SECTOR
    once = min(read, gather.table_bytes)
    if gather.table_bytes <= cache_bytes:
        return once
    return once + (read - once) * (1 - cache_bytes / gather.table_bytes)


def floor_seconds(work: Work, device: Device) -> float:
    """Time of the slowest of memory, multiply-adds and exponentials, each at full speed."""
    operations = max(work.flops, OPERATIONS_PER_EXPONENTIAL * work.exponentials)
    memory = traffic(work, device.cache_bytes) / device.bytes_per_s
    return max(memory, operations / device.flops_per_s)


def size(*tensors: Tensor | None) -> int:
    """Bytes of the tensors that are there."""
    return sum(t.numel() * t.element_size() for t in tensors if t is not None)


def rows_of(count: int, *tables: Tensor | None) -> Gather:
    """A gather of whole rows of tables that are read at the same positions."""
    found = [table for table in tables if table is not None]
    nodes = max(1, found[0].size(0))
    return Gather(count, size(*found) // nodes, size(*found))
