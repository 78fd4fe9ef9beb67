"""Warnings at the line of the user."""

from __future__ import annotations

import sys
import warnings

__all__: list[str] = []


def warn_caller(message: str) -> None:
    """Warn (UserWarning) at the line outside of the library that led here."""
    level, frame = 1, sys._getframe(0)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
