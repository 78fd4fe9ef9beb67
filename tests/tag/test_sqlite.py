"""SQLite files behind caches: whose mistake an error is, and what it says of the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from graphlab.tag._sqlite import naming, transaction

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
