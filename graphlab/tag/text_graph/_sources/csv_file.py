"""CSV files, a part at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from graphlab._text_file import csv_rows, open_text
from graphlab.tag.text_graph._sources.source import Plain, distinct_columns

__all__: list[str] = []

_PART = 1 << 24  # characters of a part, about
#: Rows of a part: below the number of new lists (700) at which Python looks for garbage, which
#: otherwise takes ten times as long as reading does.
_MOST = 512


class CsvFile(Plain):
    """A CSV file with a header.

    Lines and not rows are told, of a record with line breaks the first. They are found by reading
    the file once more, as nothing is kept of rows that are right.

    Args:
        path (Path): The file, maybe packed with gzip, bzip2 or xz.
        encoding (str, optional): Its encoding; by default that of its byte order mark, else UTF-8.
        sep (str, optional): Its separator; by default the first of tab, comma, semicolon and ``|``
            that the header has outside of quotes.
    """

    unit = "line"

    def __init__(self, path: Path, encoding: str | None, sep: str | None) -> None:
        self.name = str(path)
        self._path, self._encoding = path, encoding
        if sep is not None and (not isinstance(sep, str) or len(sep) != 1):
            raise ValueError(f"sep must be one character, such as ';', got {sep!r}")
        self._refuse_columnar()
        self._sep = sep or self._separator()
        with self._reading() as reader:
            header: list[str] = next(reader, [])
        if any("\0" in name for name in header):
            raise ValueError(
                f"{path} has null characters in its header: it may be UTF-16, encoding='utf-16'"
            )
        self.columns = distinct_columns(header, self.name)

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Words of some columns.

        Raises:
            ValueError: If a row is ragged or empty, or quotes or bytes are broken; the message
                names the line.
        """
        places = [self.columns.index(column) for column in wanted]
        width, size, done = len(self.columns), 64, 0
        with self._reading() as reader:
            next(reader, [])
            while rows := csv_rows(reader, size):
                if set(map(len, rows)) != {width}:
                    rows = self._without_end(rows, reader, width, done)
                columns = list(zip(*rows, strict=True))
                if columns:
                    yield [columns[place] for place in places]
                done += len(rows)
                length = sum(map(len, chain.from_iterable(rows))) // max(1, len(rows)) + 1
                size = max(1, min(_MOST, 4 * size, _PART // length))

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """First lines of records."""
        wanted, found = set(rows), {}
        with self._reading() as reader:
            next(reader, [])
            line = reader.line_num
            for row, _ in enumerate(islice(self._records(reader), max(rows) + 1)):
                if row in wanted:
                    found[row] = line + 1
                line = reader.line_num
        return [found[row] for row in rows]

    # --- inside -----------------------------------------------------------------------------------

    def _refuse_columnar(self) -> None:
        with self._path.open("rb") as file:
            head = file.read(8)
        if head.startswith((b"PAR1", b"ARROW1")):
            raise ValueError(
                f"{self.name} is a Parquet or Arrow file and no CSV: TextGraph.from_tables reads "
                "it if it is named .parquet or .arrow"
            )

    def _separator(self) -> str:
        with open_text(self._path, self._encoding) as lines:
            bare = re.sub(r'"[^"]*"', "", next(lines, ""))
        return next((sign for sign in "\t,;|" if sign in bare), ",")

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with open_text(self._path, self._encoding) as file:
            reader = csv.reader(file, strict=True, delimiter=self._sep)
            try:
                yield reader
            except csv.Error as error:
                raise ValueError(self._broken(reader.line_num, error)) from error

    def _records(self, reader: Any) -> Iterator[list[str]]:
        while rows := csv_rows(reader, 1):
            yield rows[0]

    def _without_end(
        self, rows: list[list[str]], reader: Any, width: int, done: int
    ) -> list[list[str]]:
        """The rows but empty ones at the end of the file; all others must have all fields."""
        wrong = next(i for i, row in enumerate(rows) if len(row) != width)
        rest = chain(rows[wrong:], self._records(reader))
        if not rows[wrong] and not any(rest):
            return rows[:wrong]
        line = self.numbers([done + wrong])[0]
        if not rows[wrong]:
            raise ValueError(f"{self.name}, line {line} is empty")
        raise ValueError(
            f"{self.name}, line {line} has {len(rows[wrong])} fields, the header {width}: "
            f"{self._sep.join(rows[wrong])[:60]!r} (separator {self._sep!r}; fields that hold it "
            "need quotes)"
        )

    def _broken(self, line: int, error: csv.Error) -> str:
        if "unexpected end" in str(error):
            start = self._unclosed()
            return f"{self.name}: the quote that opens in line {start} is never closed"
        return (
            f"{self.name}, line {line}: {error} (a quote within a quoted field must be written "
            'twice, as in "say ""hi""")'
        )

    def _unclosed(self) -> int:
        """Line where the record begins that the file ends in."""
        with open_text(self._path, self._encoding) as file:
            reader = csv.reader(file, strict=True, delimiter=self._sep)
            line = 0
            try:
                for _ in self._records(reader):
                    line = reader.line_num
            except csv.Error:
                pass
        return line + 1
