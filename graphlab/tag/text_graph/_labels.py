"""Labels as numbers of classes: from names, from numbers, or from numbers of given names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []

_MOST_CLASSES = 1_000_000  # larger numbers are ids or dates, and no list of all below them is meant


def encode_labels(labels: Sequence[Any], names: Sequence[str] | None) -> tuple[Tensor, list[str]]:
    """Numbers of labels, -1 for none, and the names of the classes.

    Labels are names, numbers, or numbers of names that are given.

    Raises:
        ValueError: If a label is not among the names.
    """
    words = ["" if _is_missing(value) else str(value).strip() for value in labels]
    given = {word for word in words if word}
    numeric = all(word.isdecimal() for word in given)
    if names is None:
        # Numbers keep their meaning, whatever classes are missing.
        names = _numbered(max(map(int, given), default=-1) + 1) if numeric else sorted(given)
    names = [str(name) for name in names]
    numbers = {name: i for i, name in enumerate(names)}
    if numeric and not given <= set(names):
        numbers = {str(i): i for i in range(len(names))}
    unknown = sorted(given - set(numbers))
    if unknown:
        raise ValueError(f"labels {unknown[:5]} are not among the label_names {names}")
    return torch.tensor(
        [numbers[w] if w else -1 for w in words], dtype=torch.long, device="cpu"
    ), names


def _is_missing(value: Any) -> bool:
    nan = isinstance(value, float) and value != value  # what tables in memory hold for nothing
    return value is None or nan or str(value).strip() in ("", "-1")


def _numbered(count: int) -> list[str]:
    if count > _MOST_CLASSES:
        raise ValueError(
            f"labels must be numbers of classes from 0, got {count - 1}; "
            "give label_names where they are numbers of another kind"
        )
    return [str(i) for i in range(count)]


def descriptions_by_name(
    descriptions: Mapping[str, str] | Sequence[str], names: list[str] | None
) -> list[str]:
    """Descriptions in the order of the names.

    Raises:
        ValueError: If names are missing or unknown.
    """
    if not isinstance(descriptions, Mapping):
        return list(descriptions)
    if names is None or set(descriptions) != set(names):
        raise ValueError(f"label_descriptions must describe {names}, got {sorted(descriptions)}")
    return [descriptions[name] for name in names]
