"""Embeddings of documents that come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphlab._checks import warn_caller
from graphlab._feature_rows import check_feature_rows, row_batches
from graphlab.tag._text_encoder import encode_function, numbers_of

__all__: list[str] = []

_CHUNK = 4_096  # rows that are widened to float32 at a time


class VectorTable:
    """Rows of unit norm under numbers, in half or single precision.

    Args:
        dtype (str): ``"float16"`` or ``"float32"``.
    """

    def __init__(self, dtype: str) -> None:
        self._rows = np.empty((0, 0), dtype=dtype)
        self._row_of: dict[int, int] = {}
        self._free: list[int] = []

    @property
    def width(self) -> int | None:
        """Columns, or None before there is a row."""
        return int(self._rows.shape[1]) if self._row_of else None

    @property
    def num_bytes(self) -> int:
        """Memory of the rows."""
        return int(self._rows.nbytes)

    def insert(self, numbers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Add rows under numbers that are not there yet."""
        if not self._row_of and self._rows.shape[1] != vectors.shape[1]:
            # Rows that were removed say nothing of the width of others.
            self._rows, self._free = np.empty((0, 0), dtype=self._rows.dtype), []
        lacking = len(numbers) - len(self._free)
        if lacking > 0:
            self._grow(lacking, vectors.shape[1])
        for number, vector in zip(numbers, vectors, strict=True):
            row = self._free.pop()
            self._rows[row] = vector
            self._row_of[number] = row

    def _grow(self, lacking: int, width: int) -> None:
        size = self._rows.shape[0]
        wanted = size + lacking if size == 0 else max(size + lacking, size + size // 4)
        rows = np.empty((wanted, width), dtype=self._rows.dtype)
        if self._row_of:
            rows[:size] = self._rows
        self._free = list(range(wanted - 1, size - 1, -1)) + self._free
        self._rows = rows

    def remove(self, number: int) -> None:
        """Remove the row of a number."""
        self._free.append(self._row_of.pop(number))

    def take(self, numbers: Sequence[int]) -> NDArray[Any]:
        """Rows of some numbers, as they are stored."""
        return self._rows[self.positions(numbers)]

    def positions(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Where the rows of some numbers are, for :meth:`products`."""
        return np.array([self._row_of[number] for number in numbers], dtype=np.int64)

    def products(
        self, positions: NDArray[np.int64], queries: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Inner products ``(B, N)`` of queries ``(B, D)`` with the rows at some positions."""
        left = torch.from_numpy(queries)
        found = torch.empty(len(queries), len(self._rows), device=left.device)
        # A product in half precision is slow on CPUs and rounds its sums: chunks are widened.
        for first in range(0, len(self._rows), _CHUNK):
            rows = torch.from_numpy(self._rows[first : first + _CHUNK]).float()
            found[:, first : first + _CHUNK] = left @ rows.T
        return found.numpy()[:, positions]


def embed(
    encoder: Any, texts: Sequence[str], name: str, width: int | None, dtype: str = "float32"
) -> NDArray[Any]:
    """Embed texts with an encoder of the caller, and divide the rows by their norms.

    Texts without a word that the encoder knows may have rows of zeros.

    Args:
        encoder (AnyEncoder): See :func:`graphlab.tag._text_encoder.encode_function`.
        texts (sequence of str): Texts.
        name (str): Name of the encoder in errors.
        width (int, optional): Columns that there must be.
        dtype (str): Of the result.

    Raises:
        TypeError: If the encoder embeds no texts, or returns no numbers.
        ValueError: If there are other shapes, or a value that is not finite.
    """
    parts: list[NDArray[Any]] = []
    for first in range(0, len(texts), _CHUNK):
        part = _unit_rows(encoder, list(texts[first : first + _CHUNK]), name, width)
        width = part.shape[1]
        parts.append(part.astype(dtype))
    return np.concatenate(parts)


def _unit_rows(encoder: Any, texts: list[str], name: str, width: int | None) -> NDArray[np.float32]:
    array = numbers_of(encode_function(encoder, name, zeros=True)(texts), name)
    if array.ndim != 2 or array.shape[0] != len(texts):
        raise ValueError(f"{name} must return ({len(texts)}, D), one row a text, got {array.shape}")
    if width is not None and array.shape[1] != width:
        raise ValueError(f"{name} must return {width} columns, got {array.shape[1]}")
    return _units(array, f"{name} must return")


def stored(vectors: Any, count: int, width: int | None, dtype: str = "float32") -> NDArray[Any]:
    """Embeddings that are at hand, divided by their norms but for zeros; read by batches.

    Args:
        vectors (FeatureRows): A row per document.
        count (int): Rows that there must be.
        width (int, optional): Columns that there must be.
        dtype (str): Of the result.

    Raises:
        TypeError, ValueError: If there are other shapes, or a value that is not finite.
    """
    rows = check_feature_rows(vectors, "vectors", rows=count, cols=width, finite=False)
    out = np.empty((count, int(rows.shape[1])), dtype=dtype)
    for first, part in row_batches(rows, _CHUNK):
        values = part.detach().float().cpu().numpy()
        out[first : first + part.size(0)] = _units(values, "vectors must hold", first)
    return out


def _units(array: NDArray[np.float32], subject: str, first: int = 0) -> NDArray[np.float32]:
    """Rows divided by their norms but for zeros; the first has the number ``first`` in errors."""
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = first + int(finite.argmin())
        raise ValueError(f"{subject} finite values, but row {row} is not")
    norm = np.linalg.norm(array, axis=1, keepdims=True)
    unit: NDArray[np.float32] = array / np.where(norm == 0, np.float32(1), norm)
    return unit


def tell_zeros(
    rows: NDArray[Any], names: Sequence[Any], what: str, then: str, *, several: bool = True
) -> None:
    """Warn of rows of zeros: texts without a word that the encoder knows.

    Args:
        rows (ndarray): Embeddings ``(N, D)``.
        names (sequence): What the rows are called.
        what (str): What they are, for messages, such as ``"documents"``.
        then (str): What becomes of them.
        several (bool): Whether two rows or more that are all zero are a mistake.

    Raises:
        ValueError: If they are.
    """
    zero = ~rows.any(axis=1)
    count = int(zero.sum())
    if not count:
        return
    if several and count == len(rows) > 1:
        raise ValueError(f"encoder must know a word of some {what}, but all {count} rows are zero")
    warn_caller(
        f"{count} of {len(rows)} {what} have no word that the encoder knows, the first is "
        f"{names[int(zero.argmax())]!r:.80}: {then}"
    )
