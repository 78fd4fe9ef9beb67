"""Files of a store: arrays that carry their checksums in their names, and the record of both."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
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
_RECORD = "store.json"
_OWN_FILE = re.compile(rf"({'|'.join(FIELDS)})(-[0-9a-f]{{16}})?\.npy")


def write_arrays(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Write the arrays of a store beside those of an older one, then name them in its record.

    Raises:
        OSError: If the folder cannot be written; the older store stays whole.
    """
    with file_lock(folder / ".lock"):
        sweep_stale(folder)
        record: dict[str, object] = {"format": _FORMAT, "version": 2}
        for name in FIELDS:
            record[name] = _write(folder, name, np.ascontiguousarray(arrays[name]))
        write_json(folder / _RECORD, record)
        _sweep_older(folder, {_path(folder, name, record) for name in FIELDS})


def read_arrays(folder: Path, *, mapped: bool, verify: bool) -> dict[str, Any]:
    """Open the arrays of a store.

    Args:
        folder (Path): Folder that :func:`write_arrays` wrote.
        mapped (bool): Map the files instead of reading them.
        verify (bool): Compare checksums.

    Returns:
        dict[str, ndarray]: Arrays by name.

    Raises:
        FileNotFoundError: If the folder holds no store.
        ValueError: If the files are damaged or do not belong together.
    """
    record = _read_record(folder)
    try:
        return _open(folder, record, mapped, verify)
    except FileNotFoundError:
        replaced = _read_record(folder)
        if replaced == record:
            raise
        return _open(folder, replaced, mapped, verify)  # somebody saved meanwhile


class _Checksum:
    """A file that keeps nothing but the checksum of what is written."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _write(folder: Path, name: str, array: Array) -> str:
    checksum = _Checksum()
    np.save(checksum, array, allow_pickle=False)
    digest = checksum.digest.hexdigest()
    target = folder / f"{name}-{digest[:16]}.npy"
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return digest


def _path(folder: Path, name: str, record: Mapping[str, Any]) -> Path:
    # Version 1 wrote over the files of an older store.
    mark = f"-{str(record.get(name))[:16]}" if record.get("version") != 1 else ""
    return folder / f"{name}{mark}.npy"


def _sweep_older(folder: Path, current: set[Path]) -> None:
    for path in folder.iterdir():
        if _OWN_FILE.fullmatch(path.name) and path not in current:
            with suppress(OSError):  # where open files cannot be removed, they stay
                path.unlink()


def _read_record(folder: Path) -> dict[str, Any]:
    record = read_json(folder / _RECORD)
    if not isinstance(record, dict) or record.get("format") != _FORMAT:
        raise ValueError(f"{folder / _RECORD} does not describe a store of subgraphs")
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
