"""Files of a store: arrays that carry their checksums in their names, and the record of both."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlab._download import sha256_of
from graphlab._io import atomic_path, file_lock, read_json, sweep_stale, write_json

__all__: list[str] = []

Array = NDArray[np.integer[Any]]

#: Names of the arrays of a store, in the order in which they are written.
FIELDS = ("node_ptr", "node", "edge_ptr", "edge", "root")
_FORMAT = "graphlab.subgraphs"
_WRITTEN = 2**20  # values that are cast and written together
_RECORD = "store.json"
_CHECKSUM = re.compile("[0-9a-f]{64}")
_OWN_FILE = re.compile(rf"({'|'.join(FIELDS)})(-[0-9a-f]{{16}})?\.npy")
_OWN_FOLDER = re.compile(r"encodings-[0-9]+-(?P<name>[0-9a-f]{16})")


@dataclass(frozen=True)
class Pieces:
    """An array whose values lie one after the other in several places.

    Attributes:
        shape (tuple[int, ...]): Of the array.
        dtype (numpy.dtype): Of the array; pieces are cast to it.
        parts (callable): Gives the values in C order, at every call.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    parts: Callable[[], Iterable[Array]]


@dataclass(frozen=True)
class Home:
    """Where a store lies, and what it is.

    Attributes:
        folder (Path): The folder.
        name (str): Hash of the checksums of all its arrays.
    """

    folder: Path
    name: str

    def encodings(self, walk_length: int) -> Path:
        """Folder of the positional encodings, which go with the store."""
        return self.folder / f"encodings-{walk_length}-{self.name}"


def write_arrays(folder: Path, arrays: Mapping[str, Array | Pieces]) -> None:
    """Write the arrays of a store beside those of an older one, then name them in its record.

    Raises:
        OSError: If the folder cannot be written; the older store stays whole.
    """
    with file_lock(folder / ".lock"):
        sweep_stale(folder)
        record: dict[str, object] = {"format": _FORMAT, "version": 2}
        for name in FIELDS:
            record[name] = _write(folder, name, _pieces(arrays[name]))
        write_json(folder / _RECORD, record)
        _sweep_older(folder, record)


def read_arrays(folder: Path, *, mapped: bool, verify: bool) -> tuple[dict[str, Any], Home]:
    """Open the arrays of a store.

    Args:
        folder (Path): Folder that :func:`write_arrays` wrote.
        mapped (bool): Map the files instead of reading them.
        verify (bool): Compare checksums.

    Returns:
        tuple[dict[str, ndarray], Home]: Arrays by name, and what they are.

    Raises:
        FileNotFoundError: If the folder holds no store.
        ValueError: If the files are damaged or do not belong together.
    """
    record = _read_record(folder)
    try:
        return _open(folder, record, mapped, verify), _home(folder, record)
    except FileNotFoundError:
        replaced = _read_record(folder)
        if replaced == record:
            raise
        # Somebody saved meanwhile.
        return _open(folder, replaced, mapped, verify), _home(folder, replaced)


def _home(folder: Path, record: Mapping[str, Any]) -> Home:
    checksums = "".join(str(record.get(name)) for name in FIELDS)
    return Home(folder, hashlib.sha256(checksums.encode()).hexdigest()[:16])


class _Checksum:
    """A file that keeps nothing but the checksum of what is written."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _pieces(array: Array | Pieces) -> Pieces:
    if isinstance(array, Pieces):
        return array
    return Pieces(array.shape, array.dtype, lambda: [array])


def _write(folder: Path, name: str, array: Pieces) -> str:
    checksum = _Checksum()
    _put(checksum, array)
    digest = checksum.digest.hexdigest()
    target = folder / f"{name}-{digest[:16]}.npy"
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        _put(file, array)
    return digest


def _put(file: Any, array: Pieces) -> None:
    """The bytes that ``numpy.save`` would write of the whole array."""
    head = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(file, head)
    for piece in array.parts():
        part = piece.ravel()
        for first in range(0, part.size, _WRITTEN):
            values = part[first : first + _WRITTEN]
            file.write(np.ascontiguousarray(values, array.dtype).data.cast("B"))


def _path(folder: Path, name: str, record: Mapping[str, Any]) -> Path:
    # Version 1 wrote over the files of an older store.
    mark = f"-{str(record.get(name))[:16]}" if record.get("version") != 1 else ""
    return folder / f"{name}{mark}.npy"


def _sweep_older(folder: Path, record: Mapping[str, Any]) -> None:
    """Remove the arrays, and encodings of them, that the record does not name."""
    current, name = {_path(folder, n, record) for n in FIELDS}, _home(folder, record).name
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path not in current:
            with suppress(OSError):  # where open files cannot be removed, they stay
                path.unlink()
        found = _OWN_FOLDER.fullmatch(path.name)
        if found and found["name"] != name:
            shutil.rmtree(path, ignore_errors=True)


def _read_record(folder: Path) -> dict[str, Any]:
    record = read_json(folder / _RECORD)
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(f"{folder / _RECORD} does not describe a store of subgraphs")
    # Files are named after them: nothing else may lead anywhere.
    if not all(_CHECKSUM.fullmatch(str(record.get(name))) for name in FIELDS):
        raise ValueError(f"{folder / _RECORD} lacks the checksum of an array")
    return record


def _open(folder: Path, record: dict[str, Any], mapped: bool, verify: bool) -> dict[str, Any]:
    arrays = {}
    for name in FIELDS:
        path = _path(folder, name, record)
        if verify and sha256_of(path) != record.get(name):
            raise ValueError(f"{path} is damaged or belongs to another store")
        try:
            # Copy on write: torch wants arrays it might write to.
            arrays[name] = np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
        except FileNotFoundError:
            raise
        except Exception as error:  # of numpy and its parser, as the damage has it
            raise ValueError(f"{path} is damaged: {error!s:.400}") from error
    _check(arrays, folder)
    return arrays


def _check(arrays: Mapping[str, Any], folder: Path) -> None:
    """Pointers and ids that do not fit together would be read from anywhere."""
    shapes = {name: array.shape for name, array in arrays.items()}
    count = shapes["root"][0] if len(shapes["root"]) == 1 else -1
    wanted = {"node_ptr": (count + 1,), "edge_ptr": (count + 1,)}
    fits = (
        count >= 0
        and all(array.dtype.kind == "i" for array in arrays.values())
        and all(shapes[name] == shape for name, shape in wanted.items())
        and len(shapes["node"]) == 1
        and len(shapes["edge"]) == 2
        and shapes["edge"][0] == 2
    )
    for name, size in (("node", 0), ("edge", 1)) if fits else ():
        pointer = arrays[f"{name}_ptr"]
        fits = fits and pointer[0] == 0 and pointer[-1] == shapes[name][size]
        fits = fits and bool((pointer[1:] >= pointer[:-1]).all())
    if not fits:
        raise ValueError(f"{folder} holds arrays that do not belong together: {shapes}")
