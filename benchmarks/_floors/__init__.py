"""The least time each operator can take on a device: bytes moved, operations done, and the slower.

For every operator with a CUDA kernel the work is read off its arguments (values are never looked
at, so meta tensors do): bytes that any algorithm must move once, rows gathered at random,
multiply-adds counted as two operations, and exponentials. What is counted is the operator, not our
kernel: a second pass over the data, padding and scratch are the kernel's own fault.

A gathered row costs whole sectors of 32 bytes. A table that fits the cache is read once; of a
larger one the cache holds a share, and any policy hits with that share when entries name rows
independently and uniformly. Graphs with hubs or locality can beat this part of a floor.

Integer work (Philox, searches in rows) is not counted: floors of ``random_projection``,
``random_walk``, ``walk_overlap`` and ``distinct_ends`` know memory alone and are loose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks._floors import (
    attention,
    cluster,
    edge,
    interval,
    meta,
    overlap,
    pairwise,
    propagation,
    random,
    relational,
)
from benchmarks._floors.work import (
    OPERATIONS_PER_EXPONENTIAL,
    Call,
    Device,
    Gather,
    Work,
    floor_seconds,
    traffic,
)
from graphlab.ops.library import OPERATORS

__all__ = [
    "FORMULAS",
    "OPERATIONS_PER_EXPONENTIAL",
    "Device",
    "Gather",
    "Work",
    "floor_seconds",
    "traffic",
    "work_of",
]

_FAMILIES = (
    edge,
    cluster,
    pairwise,
    meta,
    propagation,
    random,
    relational,
    interval,
    overlap,
    attention,
)
#: By the name of the operator, which is that of the function.
FORMULAS: dict[str, Callable[[Call], Work]] = {
    name: formula
    for family in _FAMILIES
    for name, formula in vars(family).items()
    if name in OPERATORS
}


def work_of(op: str, args: tuple[Any, ...]) -> Work:
    """Work of one call of an operator.

    Args:
        op (str): Name of the operator.
        args (tuple): Its arguments in the order of its schema.

    Returns:
        Work: Bytes, operations and gathers.

    Raises:
        KeyError: If the operator has no formula.
        ValueError: If the schema has more or fewer arguments.
    """
    return FORMULAS[op](Call.bind(op, args))
