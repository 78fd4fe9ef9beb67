"""Labels as numbers of classes, from whatever tables and graphs of others hold as labels.

Numbers stay numbers, also where a missing label made floats of them; names are numbered in their
order. What stands for "no label" in pandas, numpy, networkx and PyG is -1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._ordered import refuse_unordered

__all__: list[str] = []

_MOST_CLASSES = 1_000_000  # larger numbers are ids or dates, and no list of all below them is meant
_MOST_DIGITS = 1000  # Python refuses to read numbers of some thousand
#: What pandas reads as missing, in any case, and -1, which PyG and ogb use.
_USUAL = {"", "-1", "-1.0", "nan", "-nan", "none", "null", "na", "n/a", "<na>", "nat"}
_RARE = {"#na", "#n/a", "#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"}
_MISSING = _USUAL | _RARE
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")


def is_missing(value: Any) -> bool:
    """Whether a label stands for none.

    ``None``, NaN of any type, ``pandas.NA``, ``NaT``, -1, and the words that pandas reads so.
    """
    if is_nothing(value):
        return True
    word = str(value.item() if isinstance(value, Tensor) else value)
    return word.strip().casefold() in _MISSING


def is_nothing(value: Any) -> bool:
    """Whether a value is none at all: ``None``, NaN of any type, ``pandas.NA``, ``NaT``."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA, whose comparisons have no truth value
        return True


def encode_labels(labels: Iterable[Any], names: Sequence[str] | None) -> tuple[Tensor, list[str]]:
    """Numbers of labels, -1 for none, and the names of the classes.

    Labels are names, numbers, or numbers of names that are given. Whole numbers from 0 are the
    numbers of the classes; other numbers, and names, are numbered in their order.

    Args:
        labels (iterable): One label per node.
        names (Sequence[str], optional): Names of the classes. A label that is one of them is never
            taken for missing.

    Raises:
        ValueError: If a label is not among the names, negative, or too large to number a class.
    """
    refuse_unordered(labels, "labels")
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    known = set() if names is None else {str(name) for name in names}
    words = _words(values, known)
    given = {word for word in words if word is not None}
    numeric = all(_NUMBER.fullmatch(word) for word in given)
    whole = numeric and all(word.isdecimal() for word in given)
    if whole and max(map(len, given), default=0) > _MOST_DIGITS:
        raise ValueError(f"labels hold a number of over {_MOST_DIGITS} digits, which is no class")
    if names is None:
        _refuse_negative(given, numeric)
        # Numbers keep their meaning, whatever classes are missing.
        most = max(map(int, given), default=-1) if whole else -1
        names = _numbered(most + 1) if whole else sorted(given, key=_place)
    names = [str(name) for name in names]
    numbers = {name: i for i, name in enumerate(names)}
    if whole and not given <= set(names):
        numbers = {str(i): i for i in range(len(names))}
        given = {str(int(word)) for word in given}
        words = [word if word is None else str(int(word)) for word in words]
    unknown = sorted(given - set(numbers))
    if unknown:
        raise ValueError(
            f"labels {unknown[:5]!s:.400} are not among the label_names {names!s:.400}"
        )
    found = [-1 if word is None else numbers[word] for word in words]
    return torch.tensor(found, dtype=torch.long, device="cpu"), names


def label_groups(labels: Iterable[Any]) -> tuple[list[str], list[int]]:
    """Names of the labels that occur, in their order, and the number of each label's, -1 for none.

    As :func:`encode_labels` without names, but any number may be a label, and only those that
    occur are counted.
    """
    refuse_unordered(labels, "labels")
    values = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    words = [_word(value, set()) for value in values]
    names = sorted({word for word in words if word is not None}, key=_place)
    numbers = {name: i for i, name in enumerate(names)}
    return names, [-1 if word is None else numbers[word] for word in words]


def class_numbers(y: Tensor) -> Tensor:
    """Labels ``(N,)`` that became floats because some are missing, as int64 again, -1 for NaN.

    Anything else, such as labels with fractions, is returned as it is.
    """
    if not y.is_floating_point() or y.dim() != 1:
        return y
    missing = y.isnan()
    if bool((y.isinf() | (~missing & (y != y.round()))).any()):
        return y
    return y.masked_fill(missing, -1).long()


def _words(values: list[Any], known: set[str]) -> list[str | None]:
    if set(map(type, values)) == {str}:  # a word is read once, however many nodes have it
        once = {value: _word(value, known) for value in set(values)}
        return [once[value] for value in values]
    return [_word(value, known) for value in values]


def _word(value: Any, known: set[str]) -> str | None:
    """A label as a word, whole numbers without a fraction; None for a missing one."""
    if isinstance(value, (list, tuple, dict, set)):
        raise TypeError(f"labels must be one number or name per node, got {value!r}")
    if isinstance(value, bytes):  # HDF5 and numpy keep names as bytes
        value = value.decode()
    word = str(value.item() if isinstance(value, Tensor) else value).strip()
    if word in known and not is_nothing(value):
        return word
    if is_missing(value):
        return None
    if _NUMBER.fullmatch(word) and "." in word and float(word).is_integer():
        return str(int(float(word)))
    return word


def _place(word: str) -> tuple[bool, float, str]:
    """Numbers by value, before all other names."""
    numeric = _NUMBER.fullmatch(word) is not None
    return not numeric, float(word) if numeric else 0.0, word


def _refuse_negative(given: set[str], numeric: bool) -> None:
    low = min(given, key=float, default="0") if numeric else "0"
    if float(low) < 0:
        raise ValueError(
            f"labels must be numbers of classes from 0, or -1 for none, got {low}; "
            "give label_names where they are numbers of another kind"
        )


def _numbered(count: int) -> list[str]:
    if count > _MOST_CLASSES:
        raise ValueError(
            f"labels must be numbers of classes from 0, got {count - 1}; "
            "give label_names where they are numbers of another kind"
        )
    return [str(i) for i in range(count)]
