"""Standard streams of a command: any encoding, a reader that leaves, an interrupt.

Everything here changes the process, so only commands call it, never the library.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

__all__: list[str] = []

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""

_PLAIN = "graphlab.plain"
_SPELLED = {
    "±": "+-", "\N{MULTIPLICATION SIGN}": "x", "≥": ">=", "≤": "<=", "→": "->", "…": "...",
    "\N{EN DASH}": "-", "—": "-", "─": "-", "━": "-", "│": "|", "┃": "|", "█": "#",
}  # fmt: skip
_CORNERS = "╭╮╰╯┌┐└┘├┤┬┴┼"


def plain(text: str) -> str:
    """Text in ASCII: signs are spelled, accents dropped, the rest is ``?``."""
    words = []
    for character in text:
        base = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        mark = "+" if character in _CORNERS else "?"
        words.append(_SPELLED.get(character) or base or mark)
    return "".join(words)


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding lacks, one character after the other, for :mod:`codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


class _DroppingWriter(io.RawIOBase):
    """A raw stream whose reader may leave, as ``head`` does: what is written then is dropped.

    The work behind the output goes on, and its files are written.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._left = False

    def write(self, data: Any) -> int:
        if not self._left:
            try:
                return int(self._raw.write(data) or 0)
            except BrokenPipeError:
                self._left = True
        return len(data)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())


def open_console() -> None:
    """Make standard output and error take every character, and outlive their readers.

    A character that the console's encoding lacks is spelled (``±`` becomes ``+-``), and output
    after the reader has left is dropped. Streams that are no files, such as those of a notebook or
    of a test, stay as they are. Doing it again changes nothing.
    """
    codecs.register_error(_PLAIN, _spell)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)  # python -u has no buffer between
        if type(stream) is io.TextIOWrapper and isinstance(raw, io.FileIO):
            stream.flush()
            opened = io.TextIOWrapper(
                io.BufferedWriter(_DroppingWriter(raw)),
                encoding=stream.encoding,
                errors=_PLAIN,
                # Lines of errors and of a terminal appear when they are written.
                line_buffering=stream.line_buffering or name == "stderr" or raw is buffer,
            )
            setattr(sys, name, opened)


def command(module: str, call: str = "main", *arguments: str) -> NoReturn:
    """Import a module, call a function of it, and leave with the status it returns.

    The import is part of it, so that Ctrl-C during the seconds it takes ends in one line too.

    Args:
        module (str): Full name of the module.
        call (str): The function; it returns a status or leaves by itself.
        *arguments (str): What it is called with.
    """
    open_console()
    try:
        function: Callable[..., int | None] = getattr(import_module(module), call)
        sys.exit(function(*arguments))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
