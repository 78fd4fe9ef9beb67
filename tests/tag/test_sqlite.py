"""SQLite files behind caches: whose mistake an error is, and what it says of the file."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from graphlab.tag._sqlite import naming, open_database, transaction

WORDS = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (sqlite3.OperationalError("disk I/O error"), OSError, "store.db cannot be used as a data"),
        (sqlite3.DatabaseError("malformed"), ValueError, "store.db is damaged .*malformed"),
        (WORDS, ValueError, "store.db is damaged or no database .*invalid start byte"),
        (sqlite3.IntegrityError("a mistake"), sqlite3.IntegrityError, "a mistake"),
    ],
)
def test_errors_name_the_file(error, kind, message):
    with pytest.raises(kind, match=message), naming(Path("store.db")):
        raise error


def test_a_broken_transaction_writes_nothing_and_the_next_one_works():
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE t (x)")
    with pytest.raises(KeyboardInterrupt), transaction(database):
        database.execute("INSERT INTO t VALUES (1)")
        raise KeyboardInterrupt
    with transaction(database):
        database.execute("INSERT INTO t VALUES (2)")
    assert database.execute("SELECT x FROM t").fetchall() == [(2,)]
    database.close()


def test_a_transaction_that_sqlite_has_ended_itself_gives_its_own_error():
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE t (x UNIQUE ON CONFLICT ROLLBACK)")
    broken = pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: t\.x")
    with broken, transaction(database):
        database.execute("INSERT INTO t VALUES (1)")
        database.execute("INSERT INTO t VALUES (1)")
    assert database.execute("SELECT x FROM t").fetchall() == []
    database.close()


def test_a_disk_that_fails_while_a_database_is_opened_is_named_at_once(tmp_path, monkeypatch):
    class Failing(sqlite3.Connection):
        def execute(self, sql, *arguments):
            if "journal_mode" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *arguments)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
    with pytest.raises(OSError, match=r"s\.db cannot be used as a database: disk I/O error"):
        open_database(tmp_path / "s.db", 1, 1, "CREATE TABLE t (x)")
