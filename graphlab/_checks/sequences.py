"""Lists, mappings and texts of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab._ordered import refuse_unordered

__all__: list[str] = []


def check_list(values: Any, name: str, what: str = "values") -> list[Any]:
    """Require entries in an order; one text is none of texts."""
    refuse_unordered(values, name)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
        raise TypeError(f"{name} must be a list of {what}, got {type(values).__name__}")
    return list(values)


def check_mapping(value: Any, name: str, what: str = "values") -> Mapping[Any, Any]:
    """Require values by name."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of {what}, got {type(value).__name__}")
    return value


def check_text(value: Any, name: str) -> str:
    """Require a text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, got {type(value).__name__}")
    return value
