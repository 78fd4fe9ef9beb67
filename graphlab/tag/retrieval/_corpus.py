"""All that a retriever knows of its documents; it changes as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlab.tag.retrieval._vectors import VectorTable
from graphlab.tag.retrieval.documents import Document, DocumentId
from graphlab.tag.retrieval.phrase_index import PhraseIndex, Reading

__all__: list[str] = []

Tokenize = Callable[[str], list[str]]
_BRACKETS = re.compile(r"\s*[\(\[][^\)\]]*[\)\]]")


class Corpus:
    """Documents under numbers that are never used twice, with their phrases and embeddings.

    Args:
        tokenize (callable): From a text to its tokens.
        names (callable): From a text to the names it mentions.
        max_phrase (int): Longest phrase in tokens.
        dtype (str): Of the embeddings.

    Attributes:
        documents (dict[int, Document]): By number.
        number (dict): Number of each id.
        index (PhraseIndex): Phrases.
        vectors (VectorTable): Embeddings; none without an encoder.
        links (dict[str, list]): More links between documents, as pairs of ids, by name.
    """

    def __init__(self, tokenize: Tokenize, names: Tokenize, max_phrase: int, dtype: str) -> None:
        self._tokenize = tokenize
        self._names = names
        self.documents: dict[int, Document] = {}
        self.number: dict[DocumentId, int] = {}
        self.index = PhraseIndex(max_phrase)
        self.vectors = VectorTable(dtype)
        self.links: dict[str, list[tuple[DocumentId, DocumentId]]] = {}
        self._next = 0

    def __repr__(self) -> str:
        return f"Corpus({len(self.documents)} documents, {len(self.index.phrases)} phrases)"

    @property
    def kind(self) -> type | None:
        """Type of the ids, or None before there is one."""
        return type(next(iter(self.number))) if self.number else None

    def replace(
        self,
        removed: Sequence[DocumentId],
        documents: Sequence[Document],
        vectors: NDArray[Any] | None,
    ) -> None:
        """Remove known documents and add checked ones with new ids.

        Args:
            removed (sequence): Ids to remove first.
            documents (sequence of Document): Documents to add.
            vectors (ndarray, optional): Their embeddings.
        """
        # What the user's functions return is asked for before anything changes: they may raise.
        readings = [self._read(document) for document in documents]
        self._remove(removed)
        numbers = range(self._next, self._next + len(documents))
        self._next += len(documents)
        self.index.add(zip(numbers, readings, strict=True))
        if vectors is not None:
            self.vectors.insert(numbers, vectors)
        for number, document in zip(numbers, documents, strict=True):
            self.documents[number] = document
            self.number[document.id] = number

    def restore(self, documents: Sequence[Document], vectors: NDArray[Any] | None) -> None:
        """Take the documents of an index that was filled with them already, in its order."""
        self._next = len(documents)
        self.documents = dict(enumerate(documents))
        self.number = {document.id: number for number, document in enumerate(documents)}
        if vectors is not None:
            self.vectors.insert(range(len(documents)), vectors)

    def _read(self, document: Document) -> Reading:
        tokens = self._tokens(document.full_text)
        names = dict.fromkeys(_strings(self._names(document.text), "names"))
        title = self._tokens(_BRACKETS.sub("", document.title))
        return self.index.read(tokens, map(self._tokens, names), title)

    def _tokens(self, text: str) -> list[str]:
        return _strings(self._tokenize(text), "tokenize")

    def _remove(self, ids: Sequence[DocumentId]) -> None:
        gone = set(ids)
        for identity in ids:
            number = self.number.pop(identity)
            del self.documents[number]
            self.index.remove(number)
            if self.vectors.width is not None:
                self.vectors.remove(number)
        for name, pairs in self.links.items():
            self.links[name] = [pair for pair in pairs if not gone.intersection(pair)]

    def ordered(self, ids: Iterable[DocumentId] | None = None) -> list[int]:
        """Numbers of documents in the order of their ids.

        Args:
            ids (iterable, optional): Distinct known ids; all by default.
        """
        wanted = self.number if ids is None else ids
        return [self.number[identity] for identity in sorted(wanted)]  # type: ignore[type-var]

    def link_numbers(self) -> dict[str, NDArray[np.int64]]:
        """Links as pairs of document numbers ``(2, L)``, by name."""
        return {
            name: np.array(
                [[self.number[one], self.number[other]] for one, other in pairs], dtype=np.int64
            )
            .reshape(-1, 2)
            .T
            for name, pairs in sorted(self.links.items())
        }

    def question_postings(self, text: str) -> list[NDArray[np.int32]]:
        """Document numbers of each word of a question, once per occurrence."""
        known = self.index.vocabulary
        found = (self.index.postings[known[t]] for t in self._tokens(text) if t in known)
        return [np.frombuffer(posting, dtype=np.int32) for posting in found if len(posting)]


def _strings(found: Any, name: str) -> list[str]:
    if not isinstance(found, (list, tuple)) or not all(isinstance(item, str) for item in found):
        raise TypeError(f"{name} must return a list of str, got {type(found).__name__}")
    return list(found)
