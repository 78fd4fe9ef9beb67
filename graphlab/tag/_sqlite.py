"""SQLite files that several processes write to and that survive kill -9."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphlab._io import user_path

__all__: list[str] = []

_BUSY_TIMEOUT = 60.0  # seconds
_PAUSE = 0.01


def open_database(
    path: str | os.PathLike[str], application_id: int, version: int, schema: str
) -> sqlite3.Connection:
    """Open or create a database in write-ahead mode, each statement its own transaction.

    Every commit is flushed to the disk. The connection may move between threads, but only one may
    use it at a time. Write-ahead mode needs a local file system: not NFS.

    Args:
        path (path): File; missing folders are created.
        application_id (int): Number that marks files of this kind.
        version (int): Version of the schema.
        schema (str): Statements that create what is missing.

    Returns:
        sqlite3.Connection: The connection.

    Raises:
        ValueError: If the file is damaged, no database, or of another kind or version.
        OSError: If the folder cannot be created or the file not opened.
    """
    path = user_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        database = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise OSError(f"{path} cannot be opened: {error}") from error
    try:
        with naming(path):
            _prepare(database, path, application_id, version, schema)
    except (OSError, ValueError):
        database.close()
        raise
    return database


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors of a block with the name of the file, which SQLite leaves out.

    Raises:
        OSError: If the disk is full, or the file cannot be read, written or locked.
        ValueError: If it is damaged.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OSError(f"{path} cannot be used as a database: {error}") from error
    except UnicodeDecodeError as error:  # of words of SQLite about words in the file
        raise ValueError(f"{path} is damaged or no database ({error}); move it away") from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # a mistake in the use of the module
            raise
        raise ValueError(f"{path} is damaged or no database ({error}); move it away") from error


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write all of a block or nothing of it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        # Also where the commit itself failed: else every later transaction would begin within it.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _prepare(
    database: sqlite3.Connection, path: Path, application_id: int, version: int, schema: str
) -> None:
    database.execute("BEGIN")  # one snapshot: another process may be creating it just now
    known = _is_known(database, path, (application_id, version))
    database.execute("COMMIT")
    _write_ahead(database)
    database.execute("PRAGMA synchronous = FULL")
    if known:
        return
    database.execute("BEGIN IMMEDIATE")
    if not _is_known(database, path, (application_id, version)):
        for statement in filter(str.strip, schema.split(";")):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {application_id}")
        database.execute(f"PRAGMA user_version = {version}")
    database.execute("COMMIT")


def _write_ahead(database: sqlite3.Connection) -> None:
    """Switch to write-ahead mode; SQLite does not always wait for others who open or close."""
    end = time.monotonic() + _BUSY_TIMEOUT
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_PAUSE)


def _is_known(database: sqlite3.Connection, path: Path, wanted: tuple[int, int]) -> bool:
    """Whether the file is ours already; False if it is empty, an error if it is another's."""
    marks = (_pragma(database, "application_id"), _pragma(database, "user_version"))
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if marks != wanted and (tables or marks != (0, 0)):
        raise ValueError(
            f"{path} is a database of another kind or version: found {marks}, expected {wanted}"
        )
    return marks == wanted


def _pragma(database: sqlite3.Connection, name: str) -> int:
    return int(database.execute(f"PRAGMA {name}").fetchone()[0])
