"""Metadata of documents, as it can be saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphlab.tag.retrieval.documents import Document

__all__: list[str] = []


def storable(documents: Sequence[Document]) -> list[Document]:
    """Documents whose metadata JSON can hold; numbers of numpy become those of Python.

    Raises:
        TypeError: If it holds anything else; the message names the document and the place.
        ValueError: If it holds NaN or an infinity, or itself.
    """
    return [document if document.metadata is None else _stored(document) for document in documents]


def _stored(document: Document) -> Document:
    try:
        return replace(document, metadata=_plain(document.metadata, "metadata"))
    except RecursionError as error:
        raise ValueError(f"metadata of document {document.id!r:.80} nests too deeply") from error
    except (TypeError, ValueError) as error:
        raise type(error)(f"metadata of document {document.id!r:.80} {error}") from None


def _plain(value: Any, place: str) -> Any:
    if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
        value = value.item()
    if isinstance(value, dict):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"must have texts as keys, but {place} has {wrong[0]!r:.80}")
        return {str(key): _plain(item, f"{place}[{key!r:.40}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{place}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must hold finite numbers, but {place} is {value}")
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(
        f"must hold what JSON can (texts, numbers, lists, dicts), but {place} is "
        f"{value!r:.80} of type {type(value).__name__}"
    )
