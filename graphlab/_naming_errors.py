"""Errors of the system that name the file they are about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__: list[str] = []


@contextmanager
def naming_errors(path: Path) -> Iterator[None]:
    """Let an error of the system in a block name the file: those of writing name none.

    Args:
        path: The file that is written.

    Yields:
        None: While it is written.

    Raises:
        OSError: That of the block.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        # numpy raises one without number and reason where a file could not be written to its end.
        if error.errno is None or error.strerror is None:
            raise OSError(f"{path} cannot be written: {error}") from error
        error.filename = os.fspath(path)
        raise
