"""Lists of texts, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from graphlab._checks import check_list
from graphlab._stored_texts import StoredTexts

__all__: list[str] = []

_LISTED = 10  # positions in an error


def as_list(texts: Any, name: str) -> Sequence[Any]:
    """Entries of a list of texts; those of a file stay there.

    Raises:
        TypeError: If it is one text, has no length, or its entries no order.
    """
    if isinstance(texts, StoredTexts):
        return texts
    return check_list(texts, name, "texts")


def check_texts(texts: Any, name: str = "texts") -> Sequence[str]:
    """Texts as a list, none of them blank; those of a file stay there.

    Raises:
        TypeError: If it is no list, or an entry is no text.
        ValueError: If an entry is blank.
    """
    entries = as_list(texts, name)
    if isinstance(entries, StoredTexts):  # looked at when they were written
        return entries
    wrong = [i for i, text in enumerate(entries) if not isinstance(text, str)]
    if wrong:
        kind = type(entries[wrong[0]]).__name__
        count, shown = len(wrong), wrong[:_LISTED]
        raise TypeError(f"{name} must hold str, but {count} are not: {shown} ({kind})")
    empty = [i for i, text in enumerate(entries) if not text.strip()]
    if empty:
        raise ValueError(f"{name} must not be empty, but {len(empty)} are: {empty[:_LISTED]}")
    return entries


def check_question(text: Any) -> str:
    """One question, not blank, where ``query_many`` takes several.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is blank.
    """
    if not isinstance(text, str):
        hint = ": query_many takes several" if isinstance(text, (list, tuple)) else ""
        raise TypeError(f"text must be str, got {type(text).__name__}{hint}")
    if not text.strip():
        raise ValueError(f"text must not be empty, got {text!r:.40}")
    return text


def text_digest(texts: Iterable[str]) -> str:
    """Hash of a list of texts; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()
