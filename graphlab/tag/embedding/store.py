"""Matrices of embeddings that are larger than memory: shards on disk with a manifest."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_index
from graphlab._io import atomic_path, read_json, sweep_stale, write_json

__all__ = ["EmbeddingStore"]

_MANIFEST = "manifest.json"
_FORMAT = "graphlab-embeddings-1"


class EmbeddingStore:
    """Rows of embeddings in a folder, mapped into memory and not read into it.

    The folder holds ``manifest.json`` (what was embedded, by what), ``shard-00000.npy`` and so on
    (equal numbers of consecutive rows, any numpy reads them), and a small file beside each shard
    that appears after it and holds the hash of its texts.

    Args:
        folder: Folder that :meth:`TextEncoder.encode_to` wrote.

    Raises:
        FileNotFoundError: If there is no manifest, or shards are missing; the message lists them.
        ValueError: If a file does not fit the manifest.

    Example:
        >>> store = EmbeddingStore("embeddings")  # doctest: +SKIP
        >>> x = store[torch.tensor([5, 17, 5])]  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        if not (self.folder / _MANIFEST).is_file():
            raise FileNotFoundError(f"{self.folder} holds no {_MANIFEST}")
        self.manifest = read_json(self.folder / _MANIFEST)
        if not isinstance(self.manifest, dict) or self.manifest.get("format") != _FORMAT:
            raise ValueError(f"{self.folder / _MANIFEST} is not a manifest of embeddings")
        self.shape = (int(self.manifest["rows"]), int(self.manifest["dim"]))
        self._size = int(self.manifest["shard_size"])
        count = -(-self.shape[0] // self._size)
        missing = [i for i in range(count) if not _whole(self.folder, i)]
        if missing:
            raise FileNotFoundError(
                f"{self.folder} lacks {len(missing)} of {count} shards: {missing[:10]}; run the "
                "same encode_to again to make them"
            )
        self._shards = [self._open(i) for i in range(count)]

    def _open(self, number: int) -> np.ndarray:
        path = _shard(self.folder, number)
        rows = min(self._size, self.shape[0] - number * self._size)
        try:
            shard: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        if shard.shape != (rows, self.shape[1]) or shard.dtype != self.manifest["dtype"]:
            raise ValueError(
                f"{path} must be {(rows, self.shape[1])} {self.manifest['dtype']}, "
                f"it is {shard.shape} {shard.dtype}"
            )
        return shard

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Tensor) -> Tensor:
        """Copy some rows.

        Args:
            index: ``(M,)`` int64 rows, in any order, repeats allowed.

        Returns:
            Tensor: ``(M, dim)``.
        """
        rows = check_index(index, len(self), "index").cpu().numpy()
        result = np.empty((rows.size, self.shape[1]), self.manifest["dtype"])
        shards = rows // self._size
        for number in np.unique(shards):
            here = shards == number
            result[here] = self._shards[number][rows[here] - number * self._size]
        return torch.from_numpy(result)

    def tensor(self) -> Tensor:
        """Read everything into memory.

        Returns:
            Tensor: ``(N, dim)``.
        """
        if not self._shards:
            return torch.from_numpy(np.empty(self.shape, self.manifest["dtype"]))
        return torch.from_numpy(np.concatenate(self._shards))

    def verify(self) -> None:
        """Compare every shard with the checksum beside it.

        Raises:
            ValueError: If one differs.
        """
        for number, shard in enumerate(self._shards):
            noted = read_json(_note(self.folder, number))
            if noted["sha256"] != hashlib.sha256(np.ascontiguousarray(shard).data).hexdigest():
                raise ValueError(f"{_shard(self.folder, number)} is damaged: its checksum differs")


def _shard(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05d}.npy"


def _note(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:05d}.json"


def _whole(folder: Path, number: int) -> bool:
    return _note(folder, number).is_file() and _shard(folder, number).is_file()


def write_shards(
    folder: Path,
    texts: Iterable[str],
    settings: dict[str, Any],
    shard_size: int,
    dtype: str,
    place: tuple[int, int],
    encode: Callable[[Sequence[str]], np.ndarray],
) -> None:
    """Embed the shards of one process, skipping those that are done.

    Raises:
        ValueError: If the folder holds embeddings of other texts or with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep_stale(folder)
    head = {"format": _FORMAT, "shard_size": shard_size, "dtype": dtype, "settings": settings}
    _check_settings(folder, head)
    rank, world_size = place
    total, dim = 0, 0
    for number, part in enumerate(_parts(texts, shard_size)):
        total += len(part)
        if number % world_size == rank:
            dim = _write_shard(folder, number, part, dtype, encode)
        elif number == 0:
            dim = int(encode(part[:1]).shape[1])
    write_json(folder / _MANIFEST, {**head, "rows": total, "dim": dim})


def _check_settings(folder: Path, head: dict[str, Any]) -> None:
    """The manifest comes last; a file of its own says from the beginning what is made here."""
    path = folder / "settings.json"
    if path.is_file() and read_json(path) != head:
        raise ValueError(f"{folder} holds embeddings with other settings: {read_json(path)}")
    write_json(path, head)


def _parts(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(texts)
    while part := list(islice(iterator, size)):
        yield part


def text_digest(texts: Iterable[str]) -> str:
    """Hash of a list of texts; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def _write_shard(
    folder: Path,
    number: int,
    texts: list[str],
    dtype: str,
    encode: Callable[[Sequence[str]], np.ndarray],
) -> int:
    digest = text_digest(texts)
    note = _note(folder, number)
    if _whole(folder, number):
        noted = read_json(note)
        if noted["texts"] != digest:
            raise ValueError(f"{note}: these embeddings are of other texts; use another folder")
        return int(noted["dim"])
    rows = np.ascontiguousarray(encode(texts), np.dtype(dtype))
    if not np.isfinite(rows).all():
        raise ValueError(f"embeddings of shard {number} do not fit into {dtype}")
    with atomic_path(_shard(folder, number)) as temporary, temporary.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    record = {
        "texts": digest,
        "sha256": hashlib.sha256(rows.data).hexdigest(),
        "rows": len(texts),
        "dim": int(rows.shape[1]),
    }
    write_json(note, record)
    return int(rows.shape[1])
