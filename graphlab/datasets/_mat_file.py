"""Matrices in MATLAB's files of version 5 to 7, read without trusting a number in them.

scipy's reader takes types and sizes of a damaged file as they are, and then reads and writes
outside of its buffers, which ends the process.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__: list[str] = []

_HEADER = 128  # bytes
_MATRIX, _COMPRESSED = 14, 15
#: Types of numbers by their codes.
_TYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_SPARSE = 5
#: Types of full arrays by their classes: double, single, and integers of 1 to 8 bytes.
_CLASSES = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_COMPLEX = 0x08
_MOST_RATIO = 1100  # no stream of zlib grows more
_FREE = 1 << 30  # bytes that any stream may unpack to; beyond, growth of a table is asked for
_USUAL_RATIO = 200


@dataclass(frozen=True)
class _Element:
    """A part of a file: the code of its type, and its bytes."""

    code: int
    data: memoryview


def read_matrices(content: bytes, names: tuple[str, ...]) -> dict[str, Any]:
    """Matrices of a file by their names; None for other variables.

    Args:
        content (bytes): The file.
        names (tuple[str, ...]): Variables to read; of all others, only the names.

    Returns:
        dict[str, Any]: Dense arrays (2-D) and ``scipy.sparse.csc_matrix``.

    Raises:
        ValueError: If it is no such file, damaged, or a named variable is no real matrix.
    """
    mark = content[126:128]
    if len(content) < _HEADER or mark not in (b"IM", b"MI") or content[:10] == b"MATLAB 7.3":
        raise ValueError("its header is that of another format")
    order = "<" if mark == b"IM" else ">"
    found: dict[str, Any] = {}
    for element in _elements(memoryview(content)[_HEADER:], order):
        if element.code == _COMPRESSED:
            (element,) = _elements(memoryview(_unpacked(element.data)), order)
        if element.code == _MATRIX:
            name, value = _variable(element.data, order, names)
            found[name] = value
    return found


def _elements(data: memoryview, order: str) -> Iterator[_Element]:
    position = 0
    while position < len(data):
        if position + 8 > len(data):
            raise ValueError("it ends in the middle of a tag")
        code, size = np.frombuffer(data[position : position + 8], f"{order}u4").tolist()
        start = position + 8
        if code >> 16:  # a small part lies within its tag
            code, size, start = code & 0xFFFF, code >> 16, position + 4
            stop, position = start + size, position + 8
            if size > 4:
                raise ValueError(f"a part of {size} bytes lies in a tag of 4")
        else:
            stop = start + size
            position = stop if code == _COMPRESSED else start + -(-size // 8) * 8
        if stop > len(data):
            raise ValueError(f"a part of {size} bytes ends after the file")
        yield _Element(code, data[start:stop])


def _unpacked(packed: memoryview) -> bytes:
    limit = max(_FREE, _USUAL_RATIO * len(packed))
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, min(limit, _MOST_RATIO * len(packed)) + 1)
    except zlib.error as error:
        raise ValueError(f"a packed part is damaged: {error}") from error
    if not stream.eof:
        raise ValueError("a packed part has no end, or grows as no table does")
    return content


def _variable(data: memoryview, order: str, names: tuple[str, ...]) -> tuple[str, Any]:
    parts = _elements(data, order)
    try:
        flags, shape, title = next(parts), next(parts), next(parts)
        kind, flag = int(_numbers(flags, order)[0]) & 0xFF, int(_numbers(flags, order)[0]) >> 8
        sizes = [int(size) for size in _numbers(shape, order)]
        name = bytes(title.data).decode("latin-1")
        if name not in names:
            return name, None
        if len(sizes) != 2 or min(sizes) < 0:
            raise ValueError(f"{name!r:.80} has the shape {sizes!s:.80}")
        if flag & _COMPLEX:
            raise ValueError(f"{name!r:.80} is complex")
        if kind == _SPARSE:
            row, pointer, value = [_numbers(next(parts), order) for _ in range(3)]
            return name, _sparse(row, pointer, value, (sizes[0], sizes[1]))
        if kind not in _CLASSES:
            raise ValueError(f"{name!r:.80} is no matrix of numbers")
        value = _numbers(next(parts), order)
    except (StopIteration, IndexError) as error:
        raise ValueError("a variable lacks a part") from error
    if value.size != sizes[0] * sizes[1]:
        raise ValueError(f"{name!r:.80} has {value.size} numbers for the shape {sizes}")
    return name, value.reshape(sizes, order="F").astype(_CLASSES[kind])


def _numbers(element: _Element, order: str) -> NDArray[Any]:
    kind = _TYPES.get(element.code)
    if kind is None or len(element.data) % int(kind[1]):
        raise ValueError(f"a part of {len(element.data)} bytes has the type {element.code}")
    return np.frombuffer(element.data, order + kind)


def _sparse(
    row: NDArray[Any], pointer: NDArray[Any], value: NDArray[Any], shape: tuple[int, int]
) -> sp.csc_matrix:
    row, pointer = row.astype(np.int64), pointer.astype(np.int64)
    fits = pointer.size == shape[1] + 1 and pointer[0] == 0 and bool((np.diff(pointer) >= 0).all())
    count = int(pointer[-1]) if fits else 0
    # There may be room for more entries than there are.
    if not fits or min(row.size, value.size) < count:
        raise ValueError("the columns of a sparse matrix do not fit its entries")
    row, value = row[:count], value[:count]
    if count and (row.min() < 0 or row.max() >= shape[0]):
        raise ValueError(f"a sparse matrix of {shape[0]} rows names row {row.max()}")
    return sp.csc_matrix((value.astype(np.float64), row, pointer), shape=shape)
