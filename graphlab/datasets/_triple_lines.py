"""Lines of triples: head, relation and tail, by tabs, white space, or a delimiter with quotes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, TypeAlias

from graphlab._checks import warn_caller

Row: TypeAlias = "tuple[str, str, str]"

#: Words that stand over columns, not for entities.
_HEADS = frozenset({"head", "subject", "source", "h", "s", "head_id", "subject_id"})
_TAILS = frozenset({"tail", "object", "target", "t", "o", "tail_id", "object_id"})


def check_delimiter(value: Any) -> str | None:
    """Require one character, or None.

    Raises:
        ValueError: If it is anything else.
    """
    if value is None or (isinstance(value, str) and len(value) == 1 and value not in '"\r\n'):
        return value
    raise ValueError(f"delimiter must be one character such as ',', or None, got {value!r}")


def parse_triples(
    text: str, name: str, *, delimiter: str | None = None, header: bool = False
) -> list[Row]:
    """Triples of the lines of a file.

    Args:
        text (str): The file.
        name (str): Its name, for errors; one that ends in ``.csv`` (packed or not) has commas.
        delimiter (str, optional): What separates the fields; then they may be quoted.
        header (bool): Whether the first line names the columns.

    Raises:
        ValueError: If a line has no three fields, or an empty one.

    Warns:
        UserWarning: If the first line looks like names of columns and is read as a triple.
    """
    if delimiter is None and ".csv" in name.lower()[-8:]:
        delimiter = ","
    lines = _plain(text) if delimiter is None else _delimited(text, name, delimiter)
    rows: list[Row] = []
    for number, fields, line in lines:
        if header:
            header = False
            continue
        if len(fields) != 3:
            hint = ""
            if delimiter is None and line.count(",") == 2:
                hint = ": are they separated by commas? Then say delimiter=','"
            raise ValueError(
                f"{name}, line {number} must hold head, relation and tail, got {len(fields)} "
                f"field(s): {line[:80]!r}{hint}"
            )
        head, relation, tail = (field.strip() for field in fields)
        if not (head and relation and tail):
            raise ValueError(f"{name}, line {number} lacks a name: {line[:80]!r}")
        rows.append((head, relation, tail))
    if rows and rows[0][0].lower() in _HEADS and rows[0][2].lower() in _TAILS:
        warn_caller(
            f"the first line of {name} looks like names of columns, {rows[0]}, but is read as a "
            "triple: header=True skips it"
        )
    return rows


_Line: TypeAlias = "tuple[int, list[str], str]"


def _plain(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.split("\t") if "\t" in line else line.split(), line


def _delimited(text: str, name: str, delimiter: str) -> Iterator[_Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, fields, delimiter.join(fields)
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num} cannot be read: {error}") from None
