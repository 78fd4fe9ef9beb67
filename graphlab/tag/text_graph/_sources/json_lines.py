"""Files with one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from graphlab._text_file import open_text
from graphlab.tag.text_graph._sources.source import Plain

__all__: list[str] = []

_PART = 1 << 24  # characters of a part, about
_MOST = 512  # records of a part, see CSV files


class JsonLines(Plain):
    """A file of JSON lines. Its columns are the keys of all records; what a record lacks is None.

    Args:
        path (Path): The file, maybe packed with gzip, bzip2 or xz.
        encoding (str, optional): Its encoding; by default that of its byte order mark, else UTF-8.
    """

    unit = "line"

    def __init__(self, path: Path, encoding: str | None) -> None:
        self.name = str(path)
        self._path, self._encoding = path, encoding
        keys: dict[str, None] = {}
        for records in self._records():
            for names in set(map(tuple, records)):
                keys |= dict.fromkeys(names)
        self.columns = list(keys)

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some keys."""
        for records in self._records():
            yield [[record.get(column) for record in records] for column in wanted]

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Lines, from 1: there is one per record."""
        return [row + 1 for row in rows]

    def _records(self) -> Iterator[list[dict[str, Any]]]:
        """Records, some at a time.

        Raises:
            ValueError: If a line is no JSON object; the message names it.
        """
        with open_text(self._path, self._encoding) as file:
            done, size = 0, 64
            while lines := list(islice(file, size)):
                yield self._parsed(lines, done, file)
                done += len(lines)
                length = sum(map(len, lines)) // len(lines) + 1
                size = max(1, min(_MOST, 4 * size, _PART // length))

    def _parsed(self, lines: list[str], done: int, file: Any) -> list[dict[str, Any]]:
        records = []
        for i, line in enumerate(lines):
            if not line.strip():
                if not any(rest.strip() for rest in (*lines[i:], *file)):
                    break  # empty lines at the end
                raise ValueError(f"{self.name}, line {done + i + 1} is empty")
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(self._complaint(done + i + 1, line, f"{error}")) from error
            if not isinstance(record, dict):
                kind = f"got {type(record).__name__}"
                raise ValueError(self._complaint(done + i + 1, line, kind))
            records.append(record)
        return records

    def _complaint(self, number: int, line: str, what: str) -> str:
        hint = ""
        if number == 1 and line.lstrip()[:1] in "[{":
            hint = "; a JSON document over several lines can be written anew by pandas: "
            hint += "read_json(...).to_json(..., orient='records', lines=True)"
        return (
            f"{self.name}, line {number} must hold one JSON object, {what}: "
            f"{line.strip()[:60]!r}{hint}"
        )
