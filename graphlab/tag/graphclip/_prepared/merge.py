"""One pass over sorted runs that writes the compressed rows of the graph, and goes on after a kill.

Keys are merged by ranges: those of a range are read from every run, sorted together and appended to
the files. What is appended is flushed before it is noted, so that the note never says too much.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from graphlab._io import read_json, write_json
from graphlab._naming_errors import naming_errors
from graphlab._progress import Progress
from graphlab.tag.graphclip._prepared.runs import BLOCK, Keys, Run, without_repeats

__all__: list[str] = []

#: Bytes that a key of a range takes: itself, its copy without repeats, its column.
KEY_BYTES = 32
_ROWS = 2**18  # row pointers that are made together
_HEADER = 128  # bytes before the numbers: room for any shape


def merge_runs(
    runs: Sequence[Run], num_nodes: int, limit: int, rowptr: Path, col: Path, state: Path
) -> int:
    """Write row pointers and columns as ``.npy`` files.

    Args:
        runs (Sequence[Run]): The runs.
        num_nodes (int): Number of nodes.
        limit (int): Keys at a time.
        rowptr (Path): File of the row pointers, int64 ``(N + 1,)``.
        col (Path): File of the columns, int32 ``(E,)``.
        state (Path): File that notes how far it has come.

    Returns:
        int: Number of entries E.

    Raises:
        OSError: If a file cannot be written; a later call goes on where it was.
    """
    done = _progress(rowptr, col, state)
    pointers, columns = _at(rowptr, 8 * (done["row"] + 1)), _at(col, 4 * done["entries"])
    with naming_errors(rowptr.parent), pointers, columns:
        _merge(runs, num_nodes, limit, pointers, columns, state, done)
        _put_header(pointers, np.dtype(np.int64), num_nodes + 1)
        _put_header(columns, np.dtype(np.int32), done["entries"])
    return int(done["entries"])


def _progress(rowptr: Path, col: Path, state: Path) -> dict[str, int]:
    """What was noted of an earlier merge, if the files hold it; the first row begins at zero."""
    done: dict[str, int] = {"key": 0, "entries": 0, "row": 0}
    if state.is_file():
        noted = read_json(state)
        ends = (rowptr, 8 * (noted["row"] + 1)), (col, 4 * noted["entries"])
        if all(path.is_file() and path.stat().st_size >= _HEADER + size for path, size in ends):
            done = noted
    return done


def _merge(
    runs: Sequence[Run],
    num_nodes: int,
    limit: int,
    pointers: BinaryIO,
    columns: BinaryIO,
    state: Path,
    done: dict[str, Any],
) -> None:
    total = sum(run.size for run in runs)
    with Progress(total, "merge sorted edges", unit="entries") as progress:
        for low, high in _ranges(runs, limit, done["key"], num_nodes * num_nodes):
            keys = _together(runs, low, high)
            read = keys.size
            keys = without_repeats(keys)
            last = num_nodes if high >= num_nodes * num_nodes else high // num_nodes
            # Rows that end before the range does.
            for ends in _row_ends(keys, done["row"], last, num_nodes):
                (ends + done["entries"]).tofile(pointers)
            (keys % num_nodes).astype(np.int32).tofile(columns)
            for file in (pointers, columns):
                _flush(file)
            done.update(key=high, entries=done["entries"] + int(keys.size), row=last)
            write_json(state, done)
            progress.update(read)


def _ranges(runs: Sequence[Run], limit: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Ranges of keys from ``start`` up to ``stop``, of about ``limit`` keys in all runs."""
    first = np.sort(np.concatenate([np.zeros(0, np.int64), *(run.first for run in runs)]))
    # A run has at most a block more in a range than its first keys say.
    blocks = max(1, limit // BLOCK - len(runs))
    ends = without_repeats(first[blocks::blocks])
    bounds = [start, *ends[(ends > start) & (ends < stop)].tolist(), stop]
    if start < stop:
        yield from pairwise(bounds)


def _together(runs: Sequence[Run], low: int, high: int) -> Keys:
    """Keys of all runs in ``[low, high)``, ascending."""
    parts = [run.between(low, high) for run in runs]
    keys = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int64), *parts])
    del parts
    keys.sort()
    return keys


def _row_ends(keys: Keys, row: int, last: int, num_nodes: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of keys before the ends of rows, some at a time."""
    for first in range(row, last, _ROWS):
        borders = np.arange(first + 1, min(first + _ROWS, last) + 1, dtype=np.int64)
        yield np.searchsorted(keys, borders * num_nodes).astype(np.int64)


def _at(path: Path, size: int) -> BinaryIO:
    """A file of numbers, opened where so many bytes of them end; what follows is dropped.

    A new one is filled with zeros up to there.
    """
    file: BinaryIO = path.open("r+b" if path.is_file() else "w+b")
    file.truncate(_HEADER + size)
    file.seek(_HEADER + size)
    return file


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put_header(file: BinaryIO, dtype: np.dtype[Any], size: int) -> None:
    """The head of a ``.npy`` file of version 1, padded to its room."""
    head = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': ({size},), }}"
    magic = np.lib.format.magic(1, 0)
    room = _HEADER - len(magic) - 2
    file.seek(0)
    file.write(magic + room.to_bytes(2, "little") + head.ljust(room - 1).encode() + b"\n")
    _flush(file)
