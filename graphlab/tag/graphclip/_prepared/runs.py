"""Sorted runs: both directions of a chunk of edges, each as one number, in a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlab._io import atomic_path, read_json, write_json

__all__: list[str] = []

Keys = NDArray[np.int64]

#: Keys from one noted key to the next.
BLOCK = 1024
#: Bytes that sorting an edge takes: it in pieces, in its chunk and without self-loops, and two keys
#: with their copies; a part is for what allocators keep.
EDGE_BYTES = 112


@dataclass(frozen=True)
class Run:
    """A file of ascending keys, each once.

    Attributes:
        path (Path): The file, int64 without a header.
        size (int): Number of keys.
        first (ndarray): First key of every block of :data:`BLOCK`.
    """

    path: Path
    size: int
    first: Keys

    def between(self, low: int, high: int) -> Keys:
        """Keys in ``[low, high)``, read from the file."""
        start = max(0, int(np.searchsorted(self.first, low)) - 1) * BLOCK
        stop = min(self.size, int(np.searchsorted(self.first, high)) * BLOCK)
        if stop <= start:
            return np.zeros(0, np.int64)
        keys = np.fromfile(self.path, np.int64, stop - start, offset=8 * start)
        first, last = np.searchsorted(keys, [low, high])
        return keys[first:last]


def chunk_name(chunk: Tensor) -> str:
    """Hash of the edges of a chunk."""
    digest = hashlib.sha256()
    for ends in chunk.numpy():
        digest.update(np.ascontiguousarray(ends).data)
    return digest.hexdigest()[:16]


def write_run(folder: Path, number: int, chunk: Tensor, num_nodes: int) -> str:
    """Sort a chunk into a run, unless it is there; returns the hash of its edges.

    Raises:
        ValueError: If the run that is there is one of other edges.
        OSError: If the folder cannot be written.
    """
    name, note = chunk_name(chunk), _note(folder, number)
    if note.is_file():
        if read_json(note).get("edges") != name:
            raise ValueError(f"{note} is of other edges; use another folder")
        return name
    keys = sorted_keys(chunk, num_nodes)
    with atomic_path(_path(folder, number)) as temporary:
        keys.tofile(temporary)
    with atomic_path(_firsts(folder, number)) as temporary, temporary.open("wb") as file:
        np.save(file, keys[::BLOCK], allow_pickle=False)
    # Last: it says that the others are whole.
    write_json(note, {"edges": name, "keys": int(keys.size)})
    return name


def sorted_keys(chunk: Tensor, num_nodes: int) -> Keys:
    """``row * num_nodes + column`` of both directions, ascending, each once, without self-loops."""
    row, col = chunk.numpy()
    proper = row != col
    if not proper.all():
        row, col = row[proper], col[proper]
    keys = np.empty(2 * row.size, np.int64)
    for half, one, other in ((keys[: row.size], row, col), (keys[row.size :], col, row)):
        np.multiply(one, num_nodes, out=half)
        half += other
    keys.sort()
    return without_repeats(keys)


def without_repeats(keys: Keys) -> Keys:
    """Ascending keys, each once."""
    first = np.ones(keys.size, bool)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return keys if first.all() else keys[first]


def read_runs(folder: Path, numbers: Iterable[int]) -> list[Run]:
    """Open runs that are whole.

    Raises:
        ValueError: If a file has not the size that is noted.
    """
    runs = []
    for number in numbers:
        path, size = _path(folder, number), int(read_json(_note(folder, number))["keys"])
        first = np.load(_firsts(folder, number), allow_pickle=False)
        if path.stat().st_size != 8 * size or first.shape != (-(-size // BLOCK),):
            raise ValueError(f"{path} is damaged: remove its folder and prepare the graph again")
        runs.append(Run(path, size, first))
    return runs


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.keys"


def _firsts(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.npy"


def _note(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.json"
