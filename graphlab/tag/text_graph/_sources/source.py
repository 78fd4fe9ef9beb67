"""What a table has to offer to be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

__all__: list[str] = []


class Source(Protocol):
    """A table that is read part by part, as often as one likes.

    Attributes:
        name (str): File or argument, for messages.
        columns (list[str]): Names of the columns, distinct.
        unit (str): What a row is called there, ``"line"`` or ``"row"``.
        named_rows (bool): Whether somebody named the rows apart from the columns.
    """

    name: str
    columns: list[str]
    unit: str
    named_rows: bool

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns, a part of the rows at a time."""
        ...

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Lines, or numbers, of rows that are counted from 0, as a person finds them."""
        ...

    def own_ids(self) -> Sequence[Any] | None:
        """Names of the rows where the table has them apart from its columns."""
        ...

    def class_names(self, column: str) -> list[str] | None:
        """Names of the classes where the table itself numbers them."""
        ...


class Plain:
    """What most tables are not: named rows, classes with names, lines."""

    unit = "row"
    named_rows = False

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Rows counted from 0."""
        return list(rows)

    def own_ids(self) -> Sequence[Any] | None:
        """No names apart from the columns."""
        return None

    def class_names(self, column: str) -> list[str] | None:
        """No names of classes."""
        return None


def distinct_columns(columns: Sequence[Any], name: str) -> list[str]:
    """Names of columns, as text.

    Raises:
        ValueError: If one is there twice.
    """
    names = [str(column) for column in columns]
    if len(set(names)) != len(names):
        raise ValueError(f"{name} repeats a column: {names!s:.400}")
    return names


def where(source: Source, rows: Sequence[int]) -> str:
    """Where rows stand, in words: ``"line 3"``, ``"rows [1, 2]"``."""
    found = source.numbers(rows)
    return f"{source.unit} {found[0]}" if len(found) == 1 else f"{source.unit}s {found}"
