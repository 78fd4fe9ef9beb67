"""Arrays that hold a corpus, so that loading it reads no text again."""

from __future__ import annotations

import json
from array import array
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab.tag.retrieval._corpus import Corpus
from graphlab.tag.retrieval.documents import Document
from graphlab.tag.retrieval.phrase_index import Entry, PhraseIndex

__all__: list[str] = []

_LISTS = ("tokens", "contained", "proposed")


def arrays(corpus: Corpus, identity: str | None) -> dict[str, Tensor]:
    """Arrays of a corpus, documents in the order of their ids.

    Args:
        corpus (Corpus): The corpus.
        identity (str, optional): Name of the encoder of its embeddings.
    """
    numbers = corpus.ordered()
    documents = [corpus.documents[number] for number in numbers]
    entries, phrases = _live(corpus.index, numbers)
    content = {
        "documents": [[d.id, d.text, d.title, d.metadata] for d in documents],
        "words": corpus.index.words,
        "links": corpus.links,
        "encoder": identity,
    }
    found = {name: _encoded(value) for name, value in content.items()}
    for name in _LISTS:
        found |= _flat(name, [getattr(entry, name) for entry in entries])
    found |= _flat("phrases", [array("i", phrase) for phrase in phrases])
    found["titles"] = torch.tensor(
        [entry.title for entry in entries], dtype=torch.int32, device="cpu"
    )
    if corpus.vectors.width is not None:
        found["vectors"] = torch.from_numpy(corpus.vectors.take(numbers))
    return found


def fill(corpus: Corpus, stored: dict[str, Tensor], identity: str | None) -> None:
    """Fill an empty corpus.

    Args:
        corpus (Corpus): The corpus.
        stored (dict): What :func:`arrays` gave.
        identity (str, optional): Name of the encoder that is there now.

    Raises:
        ValueError: If the documents were embedded by another encoder.
    """
    before = _decoded(stored["encoder"])
    if ("vectors" in stored or before is not None) and before != identity:
        raise ValueError(
            f"encoder must be the one that embedded the documents, {before!r}, got {identity!r}"
        )
    documents = [Document(*row) for row in _decoded(stored["documents"])]
    lists = {name: _split(stored, name) for name in _LISTS}
    titles = stored["titles"].tolist()
    rows = zip(*(lists[name] for name in _LISTS), titles, strict=True)
    entries = [Entry(*row) for row in rows]
    phrases = [tuple(phrase) for phrase in _split(stored, "phrases")]
    corpus.index.restore(_decoded(stored["words"]), phrases, entries)
    vectors = stored["vectors"].numpy() if "vectors" in stored else None
    corpus.restore(documents, vectors)
    corpus.links = {
        name: [(one, other) for one, other in pairs]
        for name, pairs in _decoded(stored["links"]).items()
    }


def _live(index: PhraseIndex, numbers: list[int]) -> tuple[list[Entry], list[tuple[int, ...]]]:
    """Documents and phrases that are still there, the phrases numbered anew."""
    alive = [number for number, key in enumerate(index.keys) if key is not None]
    renumbered = np.full(len(index.keys) + 1, -1, dtype=np.int32)  # the last is "no title"
    renumbered[alive] = np.arange(len(alive))

    def mapped(phrases: array[int]) -> array[int]:
        found = (
            renumbered[np.frombuffer(phrases, dtype=np.int32)] if len(phrases) else renumbered[:0]
        )
        return array("i", found[found >= 0].tobytes())

    entries = [
        Entry(e.tokens, mapped(e.contained), mapped(e.proposed), int(renumbered[e.title]))
        for e in (index.entries[number] for number in numbers)
    ]
    return entries, [key for key in index.keys if key is not None]


def _encoded(value: Any) -> Tensor:
    raw = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8).copy())


def _decoded(blob: Tensor) -> Any:
    return json.loads(blob.numpy().tobytes())


def _flat(name: str, parts: list[array[int]]) -> dict[str, Tensor]:
    flat = np.frombuffer(b"".join(part.tobytes() for part in parts), dtype=np.int32).copy()
    length = torch.tensor([len(part) for part in parts], dtype=torch.int64, device="cpu")
    return {f"{name}.flat": torch.from_numpy(flat), f"{name}.length": length}


def _split(stored: dict[str, Tensor], name: str) -> list[array[int]]:
    flat: NDArray[np.int32] = stored[f"{name}.flat"].numpy()
    parts = np.split(flat, stored[f"{name}.length"].numpy().cumsum()[:-1])
    return [array("i", part.tobytes()) for part in parts] if len(stored[f"{name}.length"]) else []
