"""Packages that only some people install, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__: list[str] = []


def optional(name: str, purpose: str, extra: str = "tag") -> Any:
    """Import a package, or say which extra brings it.

    Args:
        name (str): Module to import.
        purpose (str): Feature that needs it, the subject of the error message.
        extra (str): Extra of graphlab that installs it.

    Returns:
        Any: The module.

    Raises:
        ImportError: If the package, or one that it needs, is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs {name!r}, which cannot be imported ({error}); "
            f"install it with: pip install graphlab[{extra}]"
        ) from error
