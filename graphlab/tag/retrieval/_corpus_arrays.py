"""Arrays that hold a corpus, so that loading it reads no text again."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
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
# How texts are cut into words; folders without it have rule 1, which knew ASCII letters alone. A
# text of ASCII has the same words by both.
_RULE = 2
# Prefixes of the embedded encoder, which changed at the same time and agrees on the same texts.
_HASHING = ("hashing-1-", "hashing-2-")


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
        "rule": _RULE,
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

    Documents that were cut into words by an earlier rule are read again, where that matters.

    Args:
        corpus (Corpus): The corpus.
        stored (dict): What :func:`arrays` gave.
        identity (str, optional): Name of the encoder that is there now.

    Raises:
        ValueError: If the documents were embedded by another encoder.
    """
    documents = [Document(*row) for row in _decoded(stored["documents"])]
    _check_encoder(_decoded(stored["encoder"]), identity, documents, "vectors" in stored)
    lists = {name: _split(stored, name) for name in _LISTS}
    titles = stored["titles"].tolist()
    rows = zip(*(lists[name] for name in _LISTS), titles, strict=True)
    entries = [Entry(*row) for row in rows]
    phrases = [tuple(phrase) for phrase in _split(stored, "phrases")]
    words = _decoded(stored["words"])
    vectors = stored["vectors"].numpy() if "vectors" in stored else None
    links = {
        name: [(one, other) for one, other in pairs]
        for name, pairs in _decoded(stored["links"]).items()
    }
    _check(documents, words, phrases, entries, vectors, links)
    rule = _decoded(stored["rule"]) if "rule" in stored else 1
    if rule not in (1, _RULE):
        raise ValueError(f"rule must be 1 or {_RULE}, got {rule!r:.80}: a later version saved it")
    if rule == _RULE or _plain(documents):
        corpus.index.restore(words, phrases, entries)
        corpus.restore(documents, vectors)
    else:
        corpus.replace([], documents, vectors)
    corpus.links = links


def _check_encoder(
    before: str | None, identity: str | None, documents: list[Document], embedded: bool
) -> None:
    """Require the encoder that embedded the documents, or one with the same answers for them.

    Raises:
        ValueError: If it is another one.
    """
    if before == identity or (before is None and not embedded):
        return
    later = False
    if before is not None and identity is not None:
        later = before.startswith(_HASHING[0]) and identity.startswith(_HASHING[1])
        later = later and before[len(_HASHING[0]) :] == identity[len(_HASHING[1]) :]
    if later and _plain(documents):
        return
    hint = ": it has learned letters outside ASCII since, index the documents again"
    raise ValueError(
        f"encoder must be the one that embedded the documents, {before!r}, got {identity!r}"
        + (hint if later else "")
    )


def _plain(documents: list[Document]) -> bool:
    return all(isinstance(d.text, str) and d.full_text.isascii() for d in documents)


def _check(
    documents: list[Document],
    words: Any,
    phrases: list[tuple[int, ...]],
    entries: list[Entry],
    vectors: NDArray[Any] | None,
    links: dict[str, list[tuple[Any, Any]]],
) -> None:
    """Numbers in a file of somebody else may name anything: here, and not in the middle of a query.

    Raises:
        ValueError: If parts do not fit together.
    """
    kinds = {type(document.id) for document in documents}
    ids = {document.id for document in documents} if kinds <= {str, int} else set()
    texts = [text for document in documents for text in (document.text, document.title)]
    known = isinstance(words, list) and all(isinstance(word, str) for word in words)
    fits = (
        len(ids) == len(documents) == len(entries)
        and len(kinds) <= 1
        and known
        and len(set(words)) == len(words)
        and len(set(phrases)) == len(phrases)
        and all(isinstance(text, str) for text in texts)
        and (vectors is None or (vectors.ndim == 2 and len(vectors) == len(documents)))
        and all(one in ids and other in ids for pairs in links.values() for one, other in pairs)
        and all(phrase and _within(phrase, len(words)) for phrase in phrases)
        and all(_within(entry.tokens, len(words)) for entry in entries)
        and all(_within(e.contained, len(phrases)) for e in entries)
        and all(_within(e.proposed, len(phrases)) for e in entries)
        and all(-1 <= entry.title < len(phrases) for entry in entries)
    )
    if not fits:
        raise ValueError("the documents, words and phrases of the index do not fit together")


def _within(numbers: Sequence[int], count: int) -> bool:
    return not numbers or (min(numbers) >= 0 and max(numbers) < count)


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
    length = stored[f"{name}.length"].numpy()
    right = flat.dtype == np.int32 and length.dtype == np.int64 and flat.ndim == length.ndim == 1
    if not right or (length < 0).any() or length.sum() != flat.size:
        raise ValueError(f"the lists {name!r} of the index do not fit their lengths")
    parts = np.split(flat, length.cumsum()[:-1])
    return [array("i", part.tobytes()) for part in parts] if len(stored[f"{name}.length"]) else []
