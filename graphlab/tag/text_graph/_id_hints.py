"""Columns that look like the ids of the nodes where row numbers are taken instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphlab._checks import warn_caller
from graphlab.tag.text_graph._columns import blank, words
from graphlab.tag.text_graph._sources.source import Source

__all__: list[str] = []

#: What pandas calls an index that it writes, to Parquet and to CSV, and reads again.
_INDEX = ("index", "level_0", "__index_level_0__", "unnamed: 0")
#: Words that end in "id" and name no id.
_NO_IDS = ("valid", "paid", "grid", "covid")


class UnusedIds:
    """Unused columns that look like ids, watched while the nodes are read.

    Args:
        source (Source): The table of nodes.
        used (Sequence): Columns that something else is read from.
    """

    def __init__(self, source: Source, used: Sequence[str | None]) -> None:
        self._source = source
        names = [column for column in source.columns if column not in used]
        self._seen: dict[str, set[str]] = {
            column: set() for column in names if _looks_like_ids(column, source)
        }
        self._other = dict.fromkeys(self._seen, False)  # whether they differ from row numbers
        self.columns = list(self._seen)

    def look(self, values: Mapping[str, Sequence[Any]], first: int) -> None:
        """Look at some rows: columns that lack a value or repeat one hold no ids.

        Args:
            values (Mapping): Values by column.
            first (int): Number of the first row.
        """
        for column, seen in list(self._seen.items()):
            found = self._words(values[column], column, first)
            before = len(seen)
            seen.update(found)
            if not found or len(seen) != before + len(found):
                del self._seen[column]
            self._other[column] |= found != list(map(str, range(first, first + len(found))))

    def warn(self) -> None:
        """Warn about the first column that holds ids and not the numbers of the rows."""
        found = [column for column in self._seen if self._other[column]]
        if found:
            warn_caller(
                f"{self._source.name} has no column id, node or node_id, so that rows are the ids "
                f"of the nodes, but {found[0]!r:.80} looks like ids: id_column={found[0]!r:.80} "
                "takes them; if they are none, leave the column out"
            )

    def _words(self, values: Sequence[Any], column: str, first: int) -> list[str]:
        """Values as words; none where one is missing or no word at all."""
        try:
            found = words(values, self._source, column, first)
        except ValueError:  # lists or records, which is no fault of a column that nobody asked for
            return []
        return [] if blank(found) else [word for word in found if word is not None]


def _looks_like_ids(column: str, source: Source) -> bool:
    name = column.strip().casefold()
    if not name:  # the index, as ``to_csv`` of pandas writes it
        return column == source.columns[0]
    return name in _INDEX or (name.endswith("id") and not name.endswith(_NO_IDS))
