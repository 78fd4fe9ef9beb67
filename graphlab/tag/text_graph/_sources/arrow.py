"""Parquet, Feather and Arrow files, and Arrow tables in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from graphlab.tag._optional import optional
from graphlab.tag.text_graph._sources.source import Plain, distinct_columns

__all__: list[str] = []

_ROWS = 4096  # of a part


class ArrowFile(Plain):
    """A Parquet file, or an Arrow file or stream (Feather is one), read part by part.

    Args:
        path (Path): The file.

    Raises:
        ImportError: If pyarrow is missing.
        ValueError: If it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._arrow = optional("pyarrow", f"reading {path.name}", "tables")
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        with self._explained():
            self.columns = distinct_columns(self._schema().names, self.name)

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns."""
        with self._explained():
            for batch in self._batches(list(wanted)):
                yield [batch.column(name).to_pylist() for name in wanted]

    def _is_parquet(self) -> bool:
        return self._path.suffix.casefold() in (".parquet", ".pq")

    def _schema(self) -> Any:
        if self._is_parquet():
            return optional("pyarrow.parquet", self.name, "tables").read_schema(self._path)
        with self._arrow.memory_map(str(self._path)) as file:
            return self._ipc(file).schema

    def _batches(self, wanted: list[str]) -> Iterator[Any]:
        if self._is_parquet():
            with optional("pyarrow.parquet", self.name, "tables").ParquetFile(self._path) as file:
                yield from file.iter_batches(_ROWS, columns=wanted)
            return
        with self._arrow.memory_map(str(self._path)) as file:
            reader = self._ipc(file)
            stream = hasattr(reader, "read_next_batch")
            whole = reader if stream else map(reader.get_batch, range(reader.num_record_batches))
            for batch in whole:
                part = batch.select(wanted)
                yield from (part.slice(at, _ROWS) for at in range(0, part.num_rows, _ROWS))

    def _ipc(self, file: Any) -> Any:
        """Reader of a file, or of a stream, as the cache of ``datasets`` has it."""
        ipc = optional("pyarrow.ipc", self.name, "tables")
        try:
            return ipc.open_file(file)
        except self._arrow.ArrowInvalid:
            file.seek(0)
            return ipc.open_stream(file)

    def _explained(self) -> Any:
        return _Explained(self._arrow, self._path)


class _Explained:
    """Errors of pyarrow as a ValueError that names the file."""

    def __init__(self, arrow: Any, path: Path) -> None:
        self._kinds = (arrow.ArrowException, OSError)
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, self._kinds):
            form = self._path.suffix[1:]
            raise ValueError(f"{self._path} cannot be read as {form}: {error}") from error


class ArrowTable(Plain):
    """A table of pyarrow, or of a library that speaks its protocol, such as polars.

    Args:
        table (Any): The table.
        name (str): Its argument.
    """

    def __init__(self, table: Any, name: str) -> None:
        arrow = optional("pyarrow", f"{name} of {type(table).__module__}", "tables")
        self._table = table if isinstance(table, arrow.Table) else arrow.table(table)
        self.name = name
        self.columns = distinct_columns(self._table.column_names, name)

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns."""
        for batch in self._table.select(list(wanted)).to_batches(max_chunksize=_ROWS):
            yield [batch.column(name).to_pylist() for name in wanted]
