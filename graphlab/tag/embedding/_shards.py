"""Writing of embeddings: shards that are made once, and a manifest at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from graphlab._io import atomic_path, read_json, sweep_stale, write_json
from graphlab.tag._texts import text_digest

__all__: list[str] = []

MANIFEST = "manifest.json"
FORMAT = "graphlab-embeddings-1"


def shard_path(folder: Path, number: int) -> Path:
    """File of a shard."""
    return folder / f"shard-{number:05d}.npy"


def note_path(folder: Path, number: int) -> Path:
    """File that appears after a shard, with the hash of its texts."""
    return folder / f"shard-{number:05d}.json"


def is_whole(folder: Path, number: int) -> bool:
    """Whether a shard is there to its end."""
    return note_path(folder, number).is_file() and shard_path(folder, number).is_file()


def read_note(folder: Path, number: int) -> dict[str, Any]:
    """What is noted beside a shard.

    Raises:
        ValueError: If it is something else.
    """
    path = note_path(folder, number)
    noted = read_json(path)
    kinds = {"sha256": str, "rows": int, "dim": int}
    if not isinstance(noted, dict) or any(type(noted.get(k)) is not t for k, t in kinds.items()):
        raise ValueError(f"{path} is damaged: it is no note on a shard")
    return noted


def is_manifest(content: Any) -> bool:
    """Whether the content of a file is a manifest."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return False
    sizes = [content.get(name) for name in ("rows", "dim", "shard_size")]
    whole = all(type(size) is int and 0 <= size < 2**62 for size in sizes)
    return whole and sizes[2] != 0 and content.get("dtype") in ("float16", "float32")


def write_shards(
    folder: Path,
    texts: Iterable[str],
    settings: dict[str, Any],
    shard_size: int,
    dtype: str,
    process: tuple[int, int],
    encode: Callable[[Sequence[str]], np.ndarray],
    *,
    empty: Callable[[], int],
) -> None:
    """Embed the shards of one process, skipping those that are done.

    Args:
        folder (Path): Folder of the shards.
        texts (Iterable[str]): The texts.
        settings (dict): What decides over a row besides its text.
        shard_size (int): Rows per shard.
        dtype (str): Type of the stored numbers.
        process (tuple): Number of this process, and of all.
        encode (callable): Rows of texts.
        empty (callable): Columns where there is no text to tell them.

    Raises:
        ValueError: If the folder holds embeddings of other texts or with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_stale(folder)
    head = {"format": FORMAT, "shard_size": shard_size, "dtype": dtype, "settings": settings}
    _check_settings(folder, head)
    rank, world_size = process
    total, dim = 0, 0
    for number, part in enumerate(_parts(texts, shard_size)):
        total += len(part)
        if number % world_size == rank:
            source = {"texts": text_digest(part)}
            dim = write_shard(folder, number, source, dtype, partial(encode, part))
        elif number == 0:
            dim = int(encode(part[:1]).shape[1])
    write_json(folder / MANIFEST, {**head, "rows": total, "dim": dim if total else empty()})


def _check_settings(folder: Path, head: dict[str, Any]) -> None:
    """The manifest comes last; a file of its own has the settings from the beginning."""
    path = folder / "settings.json"
    if path.is_file() and read_json(path) != head:
        raise ValueError(f"{folder} holds embeddings with other settings: {read_json(path)}")
    write_json(path, head)


def _parts(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(texts)
    while part := list(islice(iterator, size)):
        yield part


def write_computed(
    folder: Path,
    shape: tuple[int, int],
    settings: dict[str, Any],
    shard_size: int,
    dtype: str,
    process: tuple[int, int],
    make: Callable[[int, int], np.ndarray],
) -> None:
    """Compute the shards of one process of a matrix of known shape, skipping those that are done.

    Args:
        folder (Path): Folder of the shards.
        shape (tuple): Rows and columns of the matrix.
        settings (dict): What it is made of: names the content of every shard.
        shard_size (int): Rows per shard.
        dtype (str): Type of the stored numbers.
        process (tuple): Number of this process, and of all.
        make (callable): Rows from its first argument up to its second.

    Raises:
        ValueError: If the folder holds another matrix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_stale(folder)
    head = {"format": FORMAT, "shard_size": shard_size, "dtype": dtype, "settings": settings}
    _check_settings(folder, head)
    rank, world_size = process
    starts = range(0, shape[0], shard_size)
    for number in range(rank, len(starts), world_size):
        ends = starts[number], min(starts[number] + shard_size, shape[0])
        write_shard(folder, number, {"rows_of": settings}, dtype, partial(make, *ends))
    write_json(folder / MANIFEST, {**head, "rows": shape[0], "dim": shape[1]})


def write_shard(
    folder: Path,
    number: int,
    source: dict[str, Any],
    dtype: str,
    make: Callable[[], np.ndarray],
) -> int:
    """Write a shard and then its note, unless both are there; returns the width.

    Args:
        folder (Path): Folder of the shards.
        number (int): Which of them.
        source (dict): What it is made of, noted beside it; must be that of a shard that is there.
        dtype (str): Type of the stored numbers.
        make (callable): Its rows.

    Raises:
        ValueError: If a shard of something else is there, or numbers do not fit into ``dtype``.
    """
    note = note_path(folder, number)
    if is_whole(folder, number):
        noted = read_note(folder, number)
        if any(noted.get(name) != value for name, value in source.items()):
            what = next(iter(source)).replace("_of", "")
            raise ValueError(f"{note}: these embeddings are of other {what}; use another folder")
        return int(noted["dim"])
    made = make()
    with np.errstate(over="ignore"):  # what does not fit is an error, below
        rows = np.ascontiguousarray(made, np.dtype(dtype))
    if not np.isfinite(rows).all():
        raise ValueError(f"embeddings of shard {number} do not fit into {dtype}")
    with atomic_path(shard_path(folder, number)) as temporary, temporary.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    record = {
        **source,
        "sha256": hashlib.sha256(rows.data).hexdigest(),
        "rows": int(rows.shape[0]),
        "dim": int(rows.shape[1]),
    }
    write_json(note, record)
    return int(rows.shape[1])
