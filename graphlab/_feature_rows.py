"""Matrices of features that are read by rows: tensors, and stores that are larger than memory.

The contract is small: a shape, a dtype, and rows by index. Whatever keeps it may stand where
features are expected, and is read a batch at a time. A tensor keeps it as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_index, check_matrix

__all__: list[str] = []

#: Rows that are looked at together wherever all are.
CHUNK = 4096


class FeatureRows(Protocol):
    """A matrix ``(N, D)`` of floating-point numbers whose rows can be read by index."""

    @property
    def shape(self) -> Sequence[int]:
        """``(N, D)``."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of the numbers."""

    def __getitem__(self, index: Any, /) -> Tensor:
        """Rows of an int64 tensor ``(M,)`` of positions, or of a slice: ``(M, D)``."""


def check_feature_rows(
    value: Any,
    name: str,
    *,
    rows: int | None = None,
    cols: int | None = None,
    finite: bool = True,
) -> FeatureRows:
    """Require a floating-point matrix that is read by rows, optionally of a given size.

    Args:
        value (object): A tensor, or an object with ``shape``, ``dtype`` and rows by index.
        name (str): Its argument, for errors.
        rows (int, optional): Rows that there must be.
        cols (int, optional): Columns that there must be.
        finite (bool): Read every value of a tensor, by pieces, and refuse NaN and infinities. What
            is no tensor is checked where it is written and where it is read.

    Returns:
        FeatureRows: The matrix.

    Raises:
        TypeError, ValueError: If it is malformed.
    """
    if isinstance(value, Tensor) or not _keeps_contract(value):
        x = check_matrix(value, name, rows=rows, cols=cols, finite=False)
        if finite:
            check_finite_rows(x, name)
        return x
    shape, found = tuple(value.shape), value.dtype
    if len(shape) != 2 or not found.is_floating_point:
        raise ValueError(f"{name} must be (rows, columns), floating point, got {shape} {found}")
    for want, have, what in ((rows, shape[0], "rows"), (cols, shape[1], "columns")):
        if want is not None and have != want:
            raise ValueError(f"{name} must have {want} {what}, got shape {shape}")
    checked: FeatureRows = value
    return checked


def _keeps_contract(value: Any) -> bool:
    # The dtype of a numpy array is none of torch's: an array does not keep the contract.
    found = getattr(value, "dtype", None)
    return (
        isinstance(found, torch.dtype) and hasattr(value, "shape") and hasattr(value, "__getitem__")
    )


def check_finite_rows(x: FeatureRows, name: str, start: int = 0, stop: int | None = None) -> None:
    """Require finite numbers in some consecutive rows; the error names the first that is not.

    Raises:
        ValueError: If one is NaN or infinite.
    """
    for first, part in row_batches(x, start=start, stop=stop):
        require_finite(part, name, first)


def require_finite(part: Tensor, name: str, first: int) -> None:
    """Require finite numbers in a batch of rows that begins at row ``first``."""
    good = torch.isfinite(part.detach())
    if bool(good.all()):
        return
    row, column = good.logical_not().nonzero()[0].tolist()
    value = float(part.detach()[row, column])
    raise ValueError(f"{name} must be finite, but {name}[({first + row}, {column})] = {value}")


def row_batches(
    x: FeatureRows, size: int = CHUNK, *, start: int = 0, stop: int | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Go through consecutive rows.

    Args:
        x (FeatureRows): The matrix.
        size (int): Rows at a time.
        start (int): First row.
        stop (int, optional): Row to end before; the number of rows when missing.

    Yields:
        tuple[int, Tensor]: Number of the first row, and at most ``size`` rows.
    """
    end = x.shape[0] if stop is None else stop
    for first in range(start, end, size):
        yield first, x[first : min(first + size, end)]


def in_memory(x: FeatureRows) -> Tensor:
    """The whole matrix as a tensor: the tensor itself, or all rows of a store."""
    return x[:]


def joined(parts: Sequence[FeatureRows]) -> FeatureRows:
    """Matrices one below the other; tensors are copied into one, stores stay where they are."""
    if all(isinstance(part, Tensor) for part in parts):
        return torch.cat([part[:] for part in parts])
    return parts[0] if len(parts) == 1 else JoinedRows(parts)


class JoinedRows:
    """Several matrices of equal width, read as one.

    Args:
        parts (Sequence[FeatureRows]): At least one.
    """

    def __init__(self, parts: Sequence[FeatureRows]) -> None:
        self._parts = list(parts)
        self._first = np.cumsum([0, *(int(part.shape[0]) for part in parts)])
        self.shape = (int(self._first[-1]), int(parts[0].shape[1]))
        kinds = [part.dtype for part in parts]
        self.dtype = kinds[0]
        for kind in kinds[1:]:
            self.dtype = torch.promote_types(self.dtype, kind)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any, /) -> Tensor:
        if isinstance(index, slice):
            index = torch.arange(*index.indices(len(self)), device="cpu")
        rows = check_index(index, len(self), "index").cpu()
        owner = torch.from_numpy(np.searchsorted(self._first, rows.numpy(), side="right") - 1)
        out = torch.empty(rows.numel(), self.shape[1], dtype=self.dtype, device="cpu")
        for number in owner.unique().tolist():
            inside = owner == number
            out[inside] = self._parts[number][rows[inside] - int(self._first[number])].to(out)
        return out

    @property
    def fingerprint(self) -> str:
        """Name of the content."""
        return hashlib.sha256("".join(map(content_name, self._parts)).encode()).hexdigest()


def content_name(x: FeatureRows) -> str:
    """Name of the numbers in a matrix: equal for equal tensors, whatever the number of threads.

    A store names its files by their checksums, and need not be read for it; so the same numbers
    have another name in a store than in a tensor.
    """
    known = getattr(x, "fingerprint", None)
    if isinstance(known, str):
        return known
    # A digest of the bytes and not a sum of the numbers, which would depend on the number of
    # threads, and be the same in another order.
    digest = hashlib.sha256(f"{x.dtype} {tuple(x.shape)}".encode())
    for _, part in row_batches(x):
        digest.update(raw_bytes(part))
    return digest.hexdigest()


def tensors_name(*parts: Tensor | None) -> str:
    """Name of the numbers in several tensors, for checkpoints: of types, shapes and order, too."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"none" if part is None else f"{part.dtype} {tuple(part.shape)}".encode())
        digest.update(b"" if part is None else raw_bytes(part))
    return digest.hexdigest()[:32]


def raw_bytes(rows: Tensor) -> memoryview:
    """Bytes of a tensor."""
    return rows.detach().cpu().contiguous().view(torch.uint8).numpy().data
