"""Embeddings on disk, row by row, so that no text is embedded twice."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphlab._io import user_path
from graphlab.tag._sqlite import naming, open_database, transaction

__all__: list[str] = []

_APPLICATION_ID = 0x674C4543  # "gLEC"
_VERSION = 1
_SCHEMA = "CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"
_MANY = 500  # keys per statement


class EmbeddingCache:
    """Rows of float32 by a hash of the encoder and the text.

    A copy, also one that was pickled, opens the file anew.

    Args:
        folder (path): Folder of the cache file.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = user_path(folder, "cache_dir").absolute()
        self._path = self._folder / "embeddings.db"
        self._database = open_database(self._path, _APPLICATION_ID, _VERSION, _SCHEMA)
        # Threads share one connection, and a transaction is several statements.
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return EmbeddingCache, (self._folder,)

    @staticmethod
    def keys(texts: Iterable[str], settings: str) -> list[bytes]:
        """Names of the rows of texts.

        Args:
            texts (Iterable[str]): The texts.
            settings (str): All that determines a row besides the text.
        """
        start, names = hashlib.sha256(settings.encode()), []
        for text in texts:
            digest = start.copy()
            digest.update(text.encode("utf-8", "surrogatepass"))
            names.append(digest.digest())
        return names

    def get(self, keys: Sequence[bytes]) -> dict[bytes, np.ndarray]:
        """Rows that are there and whole (each carries a checksum)."""
        result = {}
        for start in range(0, len(keys), _MANY):
            part = keys[start : start + _MANY]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, value FROM rows WHERE key IN ({marks})"  # noqa: S608
            with self._lock, naming(self._path):
                rows = self._database.execute(query, part).fetchall()
            for key, value in rows:
                # SQLite does not care which type is in a column.
                if isinstance(value, bytes) and _checksum(value[8:]) == value[:8]:
                    result[key] = np.frombuffer(value, np.float32, offset=8)
        return result

    def put(self, keys: Sequence[bytes], rows: np.ndarray) -> None:
        """Store rows in one transaction, flushed to the disk."""
        values = [row.tobytes() for row in np.ascontiguousarray(rows, np.float32)]
        pairs = [(k, _checksum(v) + v) for k, v in zip(keys, values, strict=True)]
        with self._lock, naming(self._path), transaction(self._database):
            self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", pairs)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _checksum(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()[:8]
