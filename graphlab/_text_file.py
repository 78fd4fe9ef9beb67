"""Text files as other programs write them: compressed, with a byte order mark, with comments."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
import numpy.typing as npt

from graphlab._io import StrPath, user_path

__all__: list[str] = []

_PACKED: tuple[tuple[bytes, Callable[[BinaryIO], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
_FIELD_LIMIT = 1 << 27  # characters; longer fields are a broken quote
_FIELD_LOCK = threading.Lock()
# Packing makes tables ten or a hundred times smaller. A file that grows a thousandfold when it is
# unpacked was made to fill the memory.
_MOST_RATIO = 200
_FREE = 1 << 30  # bytes that any file may unpack to
_BLOCK = 1 << 24
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: StrPath, encoding: str | None = None) -> str:
    """The text of a file: unpacked, without byte order mark, with line feeds only.

    Args:
        path: Plain text, or packed with gzip, bzip2 or xz, whatever the name says.
        encoding: Name of the encoding; ``None`` means that of the byte order mark, else UTF-8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no text in that encoding (the message names the line and the fix), is
            packed and damaged, or unpacks to over 1 GiB and 200 times its size.
    """
    path = user_path(path)
    content = _unpacked(path)
    chosen = _encoding(content, encoding)
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not {chosen}; pass the "
            "encoding it was written in, such as encoding='cp1252' (or 'latin-1', 'cp1251', 'gbk')"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


@contextmanager
def open_text(path: StrPath, encoding: str | None = None) -> Iterator[TextIO]:
    """A file as :func:`read_text` reads it, but in memory that does not grow with its length.

    Line ends stay as they are, as ``csv`` wants them.

    Args:
        path: Plain text, or packed with gzip, bzip2 or xz, whatever the name says.
        encoding: Name of the encoding; ``None`` means that of the byte order mark, else UTF-8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no text in that encoding; the message names the line and the fix.
    """
    path = user_path(path)
    with path.open("rb") as raw:
        head = raw.read(8)
    _refuse_archive(head, path)
    opener: Callable[..., Any] = next((o for sign, o in _PACKED if head.startswith(sign)), open)
    try:
        with opener(path, "rb") as raw:
            chosen = _encoding(raw.read(4), encoding)
        with io.TextIOWrapper(opener(path, "rb"), encoding=chosen, newline="") as file:
            yield file
    except (UnicodeError, *_DAMAGED):
        read_text(path, encoding)  # raises an error that names the line
        raise


def csv_rows(reader: Any, count: int) -> list[list[str]]:
    """The next records of a ``csv.reader``, whose fields may be as long as documents are."""
    # The limit on fields is one for the whole process.
    with _FIELD_LOCK:
        before = csv.field_size_limit(_FIELD_LIMIT)
        try:
            return list(islice(reader, count))
        finally:
            csv.field_size_limit(before)


def _encoding(head: bytes, given: str | None) -> str:
    mark = next((name for sign, name in _MARKS if head.startswith(sign)), None)
    chosen = mark or given or "utf-8"
    try:
        codecs.lookup(chosen)
    except LookupError as error:
        raise ValueError(f"encoding must be a name that Python knows, got {given!r}") from error
    return chosen


def _refuse_archive(head: bytes, path: Path) -> None:
    if head.startswith(b"PK\x03\x04"):
        raise ValueError(f"{path} is a zip archive or a spreadsheet: unpack it, or save it as CSV")


def _unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    _refuse_archive(content, path)
    for sign, unpack in _PACKED:
        if content.startswith(sign):
            try:
                return _unpacked_within(content, unpack, path)
            except (ValueError, *_DAMAGED) as error:
                if isinstance(error, _TooLarge):
                    raise
                raise ValueError(f"{path} is damaged and cannot be unpacked: {error}") from error
    return content


class _TooLarge(ValueError):
    """A file that grows as none does that holds a table."""


def _unpacked_within(packed: bytes, unpack: Callable[[BinaryIO], Any], path: Path) -> bytes:
    limit = max(_FREE, _MOST_RATIO * len(packed))
    parts: list[bytes] = []
    left = limit
    with unpack(BytesIO(packed)) as file:
        while part := file.read(_BLOCK):
            parts.append(part)
            left -= len(part)
            if left < 0:
                raise _TooLarge(
                    f"{path} unpacks to more than {_MOST_RATIO} times its size and {_FREE >> 20} "
                    "MiB, as files do that are made to fill the memory; unpack it yourself if you "
                    "trust it"
                )
    return b"".join(parts)


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of a text that hold data.

    Attributes:
        lines (list[str]): The lines, without empty ones and comments.
        numbers (ndarray): Their numbers in the file, from 1.
        comments (list[str]): The comments above the first of them, without their signs.
        skipped (list[int]): Numbers of the comments below it.
        quoted (bool): Whether any line holds a quotation mark.
    """

    lines: list[str]
    numbers: npt.NDArray[np.int64]
    comments: list[str]
    skipped: list[int]
    quoted: bool


def data_lines(text: str, comment: tuple[str, ...]) -> Lines:
    """Split a text into lines; those that begin with one of the signs are comments."""
    lines = text.split("\n")
    signs = "|".join(re.escape(sign) for sign in comment)
    # Found by one pass over the text, as a loop over a million lines takes seconds.
    special = re.compile(rf"^[^\S\n]*(?:({signs})|$)" if signs else r"^[^\S\n]*()$", re.MULTILINE)
    keep = np.ones(len(lines), dtype=bool)
    marked, number, before = [], 0, 0
    for match in special.finditer(text):
        number += text.count("\n", before, match.start())
        before = match.start()
        keep[number] = False
        if match[1]:
            marked.append(number)
    numbers = np.flatnonzero(keep)
    first = int(numbers[0]) if numbers.size else len(lines)
    stripped = "".join(comment)
    return Lines(
        lines if keep.all() else [lines[i] for i in numbers.tolist()],
        numbers + 1,
        [lines[i].strip().lstrip(stripped).strip() for i in marked if i < first],
        [i + 1 for i in marked if i > first],
        '"' in text,
    )
