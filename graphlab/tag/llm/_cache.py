"""Replies of a language model on disk: paid once, kept whatever happens."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphlab._io import user_path
from graphlab._repr import short_repr
from graphlab.tag._sqlite import naming, open_database, transaction
from graphlab.tag._unicode import sha256

__all__: list[str] = []

KEY_VERSION = 1

_APPLICATION_ID = 0x674C4C4D  # "gLLM"
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL, digest TEXT NOT NULL,
    created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, error TEXT NOT NULL, attempts INTEGER NOT NULL,
    created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS exported (key TEXT PRIMARY KEY, request TEXT NOT NULL) WITHOUT ROWID;
"""


@short_repr
@dataclass(frozen=True)
class Failure:
    """A call that failed for good in its last run.

    Attributes:
        key (str): Name of its answer in the cache.
        error (str): Description of the last failure.
        attempts (int): Attempts that were made.
    """

    key: str
    error: str
    attempts: int


def canonical(obj: object) -> str:
    """JSON text that is equal for equal objects; NaN and infinities are refused."""
    return json.dumps(
        obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def request_key(request: Mapping[str, Any], version: str) -> str:
    """Name of the answer to a request: all that determines it, and nothing else."""
    content = canonical({"format": KEY_VERSION, "request": request, "version": version})
    return sha256(content)


class ReplyCache:
    """Raw replies by key.

    Args:
        path (path, optional): Database file, created if missing; ``":memory:"`` is not
            possible, None keeps the replies in memory only.

    Raises:
        ValueError: If the path is ``":memory:"``, of which each connection would have its own, or
            the file is no cache.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else user_path(path, "cache")
        self._memory: dict[str, str] = {}
        if self.path is not None:
            if str(self.path) == ":memory:":
                raise ValueError('cache must be a file, or None for memory, got ":memory:"')
            # Two connections, so that reads never wait for a flush to the disk.
            options = (self.path, _APPLICATION_ID, _SCHEMA_VERSION, _SCHEMA)
            self._writer = open_database(*options)
            self._reader = open_database(*options)

    def get(self, key: str) -> str | None:
        """Raw reply, or None. A row that is not whole counts as missing, with a warning."""
        if self.path is None:
            return self._memory.get(key)
        with naming(self.path):
            row = self._reader.execute(
                "SELECT request, response, digest FROM replies WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        if _digest(key, str(row[0]), str(row[1])) != row[2]:
            warnings.warn(
                f"{self.path}: the reply {key} is damaged; it is requested again",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        return str(row[1])

    def put(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Store (key, request, response) rows in one transaction, flushed to the disk."""
        if self.path is None:
            self._memory.update({key: response for key, _, response in rows})
            return
        now = time.time()
        full = [(*row, _digest(*row), now) for row in rows]
        with naming(self.path), transaction(self._writer) as database:
            # Only damaged rows are replaced: whole ones are served, and never asked for again.
            database.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?)", full)
            keys = [(row[0],) for row in rows]
            database.executemany("DELETE FROM failures WHERE key = ?", keys)
            database.executemany("DELETE FROM exported WHERE key = ?", keys)

    def put_failures(self, rows: Sequence[tuple[str, str, str, int]]) -> None:
        """Record (key, request, error, attempts) rows; they are never served as answers."""
        if self.path is not None:
            now = time.time()
            with naming(self.path), transaction(self._writer) as database:
                database.executemany(
                    "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)",
                    [(*row, now) for row in rows],
                )

    def failures(self) -> list[Failure]:
        """Calls whose last run failed for good."""
        if self.path is None:
            return []
        with naming(self.path):
            rows = self._reader.execute(
                "SELECT key, error, attempts FROM failures ORDER BY key"
            ).fetchall()
        return [Failure(*row) for row in rows]

    def forget(self, keys: Iterable[str]) -> None:
        """Drop replies, so that they are requested again."""
        keys = list(keys)
        for key in keys:
            self._memory.pop(key, None)
        if self.path is not None:
            with naming(self.path), transaction(self._writer) as database:
                database.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])

    def put_exported(self, rows: Sequence[tuple[str, str]]) -> None:
        """Remember the requests that left in a batch file."""
        if self.path is None:
            raise ValueError("a batch needs a cache on disk: pass cache=... to LLMClient")
        with naming(self.path), transaction(self._writer) as database:
            database.executemany("INSERT OR REPLACE INTO exported VALUES (?, ?)", rows)

    def exported(self, key: str) -> str | None:
        """Request of an exported call that has not come back."""
        if self.path is None:
            return None
        with naming(self.path):
            row = self._reader.execute(
                "SELECT request FROM exported WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close the file."""
        if self.path is not None:
            self._reader.close()
            self._writer.close()

    def __len__(self) -> int:
        if self.path is None:
            return len(self._memory)
        with naming(self.path):
            return int(self._reader.execute("SELECT count(*) FROM replies").fetchone()[0])


def _digest(key: str, request: str, response: str) -> str:
    content = "\0".join((key, request, response))
    return sha256(content)
