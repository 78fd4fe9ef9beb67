"""Many small checks in one test, of which every failure is told.

A parametrised test costs more than a call that is refused at its border: where one function is
given thousands of things, the things are rows of one test per function.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


class Rows:
    """Failures of the rows of a test, which is over when all of them have been tried."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.tried = 0

    @contextmanager
    def row(self, name: str) -> Iterator[None]:
        """What is done inside belongs to one row; an error there does not end the test."""
        self.tried += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def end(self) -> None:
        """Fails with every row that failed; a table without rows fails too."""
        assert self.tried, "no row was tried"
        assert not self.failures, "\n".join(self.failures)


@contextmanager
def rows() -> Iterator[Rows]:
    """The rows of a test, judged at its end."""
    found = Rows()
    yield found
    found.end()
