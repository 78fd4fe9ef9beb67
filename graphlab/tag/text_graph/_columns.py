"""Columns of a table by their usual names, and their values as words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from graphlab._labels import is_nothing
from graphlab.tag.text_graph._sources.source import Source, where

__all__: list[str] = []

IDS = ("id", "node", "node_id")
LABELS = ("label", "class", "y")
TEXTS = ("text",)
PARTS_OF_TEXT = ("title", "abstract")
SOURCES, TARGETS = ("src", "source"), ("dst", "target")
SPLIT = ("split",)


def find(source: Source, named: str | None, usual: Sequence[str]) -> str | None:
    """The column that was asked for, or the first with a usual name, in any case of letters.

    Raises:
        ValueError: If the table lacks what was asked for.
    """
    if named is not None:
        if named not in source.columns:
            raise ValueError(f"{source.name} has no column {named!r}, only {source.columns!s:.400}")
        return named
    folded = {column.strip().casefold(): column for column in reversed(source.columns)}
    return next((folded[name] for name in usual if name in folded), None)


def find_texts(source: Source, named: str | Sequence[str] | None) -> list[str]:
    """The columns that make a text.

    Raises:
        ValueError: If one is missing, or there is none.
    """
    if named is None:
        usual = [find(source, None, TEXTS)]
        if usual == [None]:
            usual = [find(source, None, (name,)) for name in PARTS_OF_TEXT]
        columns = [column for column in usual if column is not None]
    else:
        columns = [named] if isinstance(named, str) else list(named)
    missing = [column for column in columns if column not in source.columns]
    if missing or not columns:
        raise ValueError(
            f"{source.name} has no column {missing or 'text'!s:.400}, "
            f"only {source.columns!s:.400}; "
            "text_columns=... names what holds the texts"
        )
    return columns


def words(values: Sequence[Any], source: Source, column: str, first: int) -> Sequence[str | None]:
    """Values as words, as a CSV file would hold them, and None for a missing one.

    Args:
        values (Sequence): Texts, whole numbers, or numbers of a column with gaps.
        source (Source): The table.
        column (str): The column.
        first (int): Row of the first value.

    Raises:
        ValueError: If a value is a list or a record.
    """
    kinds = set(map(type, values))
    if kinds == {str}:
        return values
    if kinds == {int}:
        return list(map(str, values))
    return [_word(value, source, column, first + i) for i, value in enumerate(values)]


def _word(value: Any, source: Source, column: str, row: int) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, dict, set, np.ndarray)):
        kind = type(value).__name__
        raise ValueError(
            f"{source.name}, {where(source, [row])}, column {column!r:.80} must hold a text or a "
            f"number, got {kind}: {str(value)[:60]}"
        )
    if is_nothing(value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and math.isfinite(plain) and plain.is_integer():
        return str(int(plain))  # whole numbers become floats where one is missing
    return str(plain)


def blank(values: Iterable[str | None]) -> list[int]:
    """Positions of words that are missing or blank."""
    return [i for i, value in enumerate(values) if value is None or not value.strip()]
