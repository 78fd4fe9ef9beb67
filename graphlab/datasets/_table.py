"""Columns of a table: a file, or a frame that is in memory, with the place of every row."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graphlab._io import user_path
from graphlab._text_file import Lines, data_lines, read_text

if TYPE_CHECKING:
    import pandas as pd

__all__: list[str] = []

Column = str | int
_BLANKS = r"\s+"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COLUMNAR = {".parquet": "parquet", ".pq": "parquet", ".feather": "feather"}  # modules of pyarrow


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out; None where the file shall tell."""

    sep: str | None = None
    header: bool | None = None
    comment: tuple[str, ...] = ("#", "%")
    encoding: str | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A frame and where it comes from.

    Attributes:
        frame (DataFrame): The columns, under their names or numbers.
        name (str): File, or kind of the object, for messages.
        lines (ndarray, optional): Line of every row in the file.
        is_text (bool): Whether every value is a word of a text file.
        guessed (bool): Whether the file was taken for one without a header by its looks.
    """

    frame: pd.DataFrame
    name: str
    lines: npt.NDArray[np.int64] | None = None
    is_text: bool = False
    guessed: bool = False

    def place(self, row: int, column: Any) -> str:
        """Where a value stands, for messages."""
        line = self.lines[row] if self.lines is not None and row < len(self.lines) else None
        where = f"row {row}" if line is None else f"line {line}"
        return f"{self.name}, {where}, column {column!r:.80}"

    def column(self, wanted: Column | None, usual: Sequence[str], position: int) -> Any:
        """Name of a column that was asked for by name or position, or of the usual one."""
        name = self._column(wanted, usual, position)
        if list(self.frame.columns).count(name) > 1:
            raise ValueError(f"{self.name} has several columns {name!r:.80}: rename them")
        return name

    def _column(self, wanted: Column | None, usual: Sequence[str], position: int) -> Any:
        names = list(self.frame.columns)
        if wanted is None:
            found = [name for name in names if str(name).strip().casefold() in usual]
            if found:
                return found[0]
            wanted = position
        if wanted in names and not (isinstance(wanted, int) and not isinstance(names[0], int)):
            return wanted
        if isinstance(wanted, int) and 0 <= wanted < len(names):
            return names[wanted]
        inner = [name for name in self.frame.index.names if name is not None]
        hint = f"; reset_index() makes columns of its index {inner}" if inner else ""
        if self.is_text:
            hint = "; where the first row is data: header=False, source=0, target=1"
        raise ValueError(f"{self.name} has no column {wanted!r:.80}, only {names!s:.400}{hint}")


def load_pandas() -> Any:
    """The module pandas, which ogb brings."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError("tables need pandas: pip install 'graphlab[tables]'") from error
    return pandas


def read_table(table: Any, layout: Layout, wanted: Sequence[Column | None]) -> Table:
    """Read a file, or take a frame as it is.

    Raises:
        TypeError: If it is no table.
        ValueError: If a file is not laid out as told.
    """
    pd = load_pandas()
    if isinstance(table, (str, os.PathLike)):
        return _read_file(table, layout, wanted)
    if isinstance(table, pd.DataFrame):
        return Table(table, "the frame")
    if hasattr(table, "to_pandas"):  # pyarrow, polars
        return Table(table.to_pandas(), "the table")
    if isinstance(table, np.ndarray) and table.ndim == 2 and len(table) == 2 < 5 <= table.shape[1]:
        raise TypeError(
            f"table must have a row per edge, got shape {table.shape}: an edge_index is a graph "
            "already, Data(edge_index=torch.from_numpy(table)); table.T has its edges as rows"
        )
    if isinstance(table, (list, np.ndarray)):
        return Table(pd.DataFrame(table), "the list")
    raise TypeError(
        "table must be a path, a pandas DataFrame, a pyarrow or polars table, or a list of rows, "
        f"got {type(table).__name__}"
    )


def _read_file(
    file: str | os.PathLike[str], layout: Layout, wanted: Sequence[Column | None]
) -> Table:
    path = user_path(file)
    module = _COLUMNAR.get(path.suffix.casefold())
    if module is None:
        return _read_text(str(path), layout, wanted)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        reader = import_module(f"pyarrow.{module}")
    except ImportError as error:
        raise ImportError(f"{path.name} needs pyarrow: pip install 'graphlab[tables]'") from error
    try:
        content = reader.read_table(path)
        # Otherwise words that are no UTF-8 are found where the ids are compared, or never.
        content.validate(full=True)
        return Table(content.to_pandas(), str(path))
    except Exception as error:  # what pyarrow raises depends on what the file holds
        raise ValueError(f"{path} cannot be read as {path.suffix[1:]}: {error!s:.400}") from error


def _read_text(path: str, layout: Layout, wanted: Sequence[Column | None]) -> Table:
    lines = data_lines(read_text(path, layout.encoding), layout.comment)
    if not lines.lines:
        hint = f"; lines that begin with one of {layout.comment} are comments" * bool(
            lines.comments
        )
        raise ValueError(f"{path} holds no line with data{hint}")
    if lines.skipped:
        warnings.warn(
            f"{path}: {len(lines.skipped)} lines below the first row begin with one of "
            f"{layout.comment} and were skipped, the first is line {lines.skipped[0]}; "
            "comment=() reads them",
            UserWarning,
            stacklevel=4,
        )
    if lines.comments and lines.comments[0].startswith("MatrixMarket"):
        raise ValueError(
            f"{path} is a MatrixMarket file: scipy.io.mmread reads it, graphlab takes the matrix"
        )
    sep = _separator(lines.lines[0]) if layout.sep is None else layout.sep
    first = _fields(lines.lines[0], sep, path)
    names, begin = _names(lines, first, sep, layout.header, wanted, path)
    _check_widths(lines, len(first), sep, path)
    frame = _parse(lines, begin, len(first), sep, path)
    frame.columns = names
    kept = lines.numbers[begin:] if len(frame) == len(lines.lines) - begin else None
    guessed = layout.header is None and begin == 0 and isinstance(names[0], int)
    return Table(frame, path, kept, is_text=True, guessed=guessed)


def _separator(line: str) -> str:
    """The first of the usual separators that a line has outside of quotes, else white space."""
    bare = re.sub(r'"[^"]*"', "", line)
    return next((sign for sign in "\t,;|" if sign in bare), _BLANKS)


def _fields(line: str, sep: str, path: str) -> list[str]:
    if sep == _BLANKS or len(sep) > 1:
        return re.split(sep, line.strip())
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=sep))]
    except csv.Error as error:
        raise ValueError(f"{path}: {line[:60]!r} cannot be split into fields: {error}") from error


def _names(
    lines: Lines,
    first: list[str],
    sep: str,
    header: bool | None,
    wanted: Sequence[Column | None],
    path: str,
) -> tuple[list[Any], int]:
    """Names of the columns, and how many lines they take."""
    words = [name for name in wanted if isinstance(name, str)]
    if header is None:
        header = bool(words) if words else _looks_like_header(first, lines, sep, path)
        # SNAP names the columns in the last comment.
        there, asked = set(first), set(words)
        if asked and not asked <= there and lines.comments:
            above = _fields(lines.comments[-1], sep, path)
            if asked <= set(above) and len(above) == len(first):
                return list(above), 0
    if not header:
        return list(range(len(first))), 0
    if len(set(first)) != len(first):
        raise ValueError(
            f"{path}: the header repeats a column: {first!s:.400}; header=False has none"
        )
    return list(first), 1


USUAL_SOURCE = ("source", "src", "from", "fromnodeid", "head", "u", "node1", "id1")
USUAL_TARGET = ("target", "dst", "to", "tonodeid", "tail", "v", "node2", "id2")


def _looks_like_header(first: list[str], lines: Lines, sep: str, path: str) -> bool:
    """Usual names, or a word above a number."""
    if {name.casefold() for name in first} & {*USUAL_SOURCE, *USUAL_TARGET}:
        return True
    if len(lines.lines) < 2:
        return False
    second = _fields(lines.lines[1], sep, path)
    return any(
        _NUMBER.fullmatch(b) and a and not _NUMBER.fullmatch(a)
        for a, b in zip(first, second, strict=False)
    )


def _check_widths(lines: Lines, width: int, sep: str, path: str) -> None:
    if len(sep) == 1:
        if lines.quoted:
            return  # separators may be quoted: the parser counts
        counts = np.fromiter(map(str.count, lines.lines, repeat(sep)), np.int64) + 1
    elif sep == _BLANKS:
        counts = np.fromiter(map(len, map(str.split, lines.lines)), np.int64)
    else:
        return
    wrong = np.flatnonzero(counts != width)
    if wrong.size:
        at = int(wrong[0])
        raise ValueError(
            f"{path}, line {lines.numbers[at]} has {counts[at]} fields, the first row {width}: "
            f"{lines.lines[at][:60]!r} (separator {sep!r}; sep=... takes another)"
        )


def _parse(lines: Lines, begin: int, width: int, sep: str, path: str) -> pd.DataFrame:
    import pandas as pd

    if len(lines.lines) == begin:
        return pd.DataFrame({i: pd.Series(dtype=str) for i in range(width)})
    text = "\n".join(lines.lines[begin:])
    try:
        frame = pd.read_csv(
            StringIO(text),
            sep=sep,
            header=None,
            dtype=str,
            na_filter=False,
            skipinitialspace=True,
            engine="python" if len(sep) > 1 and sep != _BLANKS else "c",
        )
    except pd.errors.ParserError as error:
        found = re.search(r"line (\d+)", str(error))
        at = begin + int(found[1]) - 1 if found else begin
        number = int(lines.numbers[min(at, len(lines.numbers) - 1)])
        raise ValueError(f"{path}, line {number}: {str(error).strip()}") from error
    except pd.errors.EmptyDataError as error:  # lines of separators alone
        raise ValueError(f"{path} holds no values: {error}") from error
    if frame.shape[1] != width:
        raise ValueError(f"{path} has {frame.shape[1]} fields a row, but {width} in the first")
    if f" {sep}" in text or " \n" in text or text.endswith(" "):
        frame = frame.apply(lambda column: column.str.strip())
    return frame
