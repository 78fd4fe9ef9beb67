"""Tables of all kinds, read column by column and part by part."""

from __future__ import annotations

import os
from typing import Any

from graphlab._io import user_path
from graphlab.tag.text_graph._sources.arrow import ArrowFile, ArrowTable
from graphlab.tag.text_graph._sources.csv_file import CsvFile
from graphlab.tag.text_graph._sources.frame import ColumnsTable, FrameTable, HubTable
from graphlab.tag.text_graph._sources.json_lines import JsonLines
from graphlab.tag.text_graph._sources.source import Source

_COLUMNAR = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
_JSON = (".jsonl", ".ndjson", ".json")
_CSV = (".csv", ".tsv")
#: Endings of tables in a folder, in the order they are looked for.
SUFFIXES = (*_CSV, *_JSON, *_COLUMNAR)
_PACKED = (".gz", ".bz2", ".xz")


def open_source(
    table: Any, name: str, encoding: str | None, sep: str | None, *, text_only: bool = False
) -> Source:
    """A table in a file, by its ending, or one that is in memory.

    Args:
        table (Any): Path, DataFrame, Arrow table, ``datasets.Dataset`` or dict of columns.
        name (str): Its argument, for errors.
        encoding (str, optional): Encoding of a text file.
        sep (str, optional): Separator of a CSV file.
        text_only (bool): Whether it must be a CSV file, whatever its ending.

    Raises:
        TypeError: If it is no table.
        ValueError: If it cannot be read, or an argument has no meaning for it.
    """
    if isinstance(table, (str, os.PathLike)):
        path = user_path(table, name)
        if text_only:
            return CsvFile(path, encoding, sep)
        suffixes = [s for s in path.suffixes if s.casefold() not in _PACKED]
        suffix = suffixes[-1].casefold() if suffixes else ""
        if suffix not in (*_COLUMNAR, *_JSON):
            return CsvFile(path, encoding, sep)
        if sep is not None:
            raise ValueError(f"sep is for CSV files, got {sep!r} for {path}")
        if suffix in _JSON:
            return JsonLines(path, encoding)
        _refuse_encoding(encoding, path)
        return ArrowFile(path)
    _refuse_encoding(encoding, f"{name}, which is in memory")
    if sep is not None:
        raise ValueError(f"sep is for CSV files, got {sep!r} for {name}, which is in memory")
    return _in_memory(table, name)


def _in_memory(table: Any, name: str) -> Source:
    library = type(table).__module__.partition(".")[0]
    if library == "pandas" and hasattr(table, "columns"):
        return FrameTable(table, name)
    if library == "datasets":
        return HubTable(table, name)
    if isinstance(table, dict):
        return ColumnsTable(table, name)
    if library == "pyarrow" or hasattr(table, "__arrow_c_stream__"):
        return ArrowTable(table, name)
    raise TypeError(
        f"{name} must be a path, a pandas DataFrame, an Arrow table, a datasets.Dataset or a dict "
        f"of columns, got {type(table).__name__}"
    )


def _refuse_encoding(encoding: str | None, what: object) -> None:
    if encoding is not None:
        raise ValueError(f"encoding is for text files, got {encoding!r} for {what}")
