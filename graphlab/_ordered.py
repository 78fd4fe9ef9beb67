"""Sequences whose entries belong to nodes by their order."""

from __future__ import annotations

from typing import Any

__all__: list[str] = []


def refuse_unordered(values: Any, name: str) -> None:
    """Refuse what would be iterated in no order, or by the names of columns or keys.

    Raises:
        TypeError: If it is a set, a dict, or a table with columns.
    """
    kind = type(values).__name__
    if isinstance(values, (set, frozenset)):
        raise TypeError(f"{name} must be a list, got {kind}, which has no order")
    if isinstance(values, dict):
        raise TypeError(f"{name} must be a list, got dict: pass list({name}.values()), in order")
    if hasattr(values, "columns"):
        raise TypeError(f"{name} must be a list or one column, got {kind}: pass {name}['...']")
