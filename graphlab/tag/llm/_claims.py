"""Claims on answers: locks between processes, which end with the process that holds them."""

from __future__ import annotations

import os
import struct
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

__all__: list[str] = []


class Claims:
    """Locks by key in one file, one byte per key, so that nobody pays for an answer twice.

    A key claims the byte at an offset derived from it in an empty file. These locks belong to the
    open file (Linux); where the system lacks them everybody may fetch everything, which costs money
    but never an answer.

    Args:
        path (Path, optional): Lock file, created if missing; None claims nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        self._command = getattr(fcntl, "F_OFD_SETLK", None)
        if path is not None and self._command is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def take(self, key: str) -> bool:
        """Claim a key unless somebody else holds it; does not wait."""
        if self._file is None or fcntl is None:
            return True
        try:
            self._set(fcntl.F_WRLCK, key)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self, key: str) -> None:
        """Give a claimed key back."""
        if self._file is not None and fcntl is not None:
            self._set(fcntl.F_UNLCK, key)

    def close(self) -> None:
        """Give everything back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _set(self, kind: int, key: str) -> None:
        # struct flock: type, whence, start, length, process (0 for locks of an open file)
        flock = struct.pack("hhqqi4x", kind, os.SEEK_SET, int(key[:15], 16), 1, 0)
        fcntl.fcntl(self._file, self._command, flock)  # type: ignore[arg-type]
