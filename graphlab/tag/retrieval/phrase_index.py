"""Which documents contain which names: an index that changes with every document, exactly."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Entries", "Entry", "PhraseIndex", "Reading"]

_INT = "i"  # 32 bits
Phrase = tuple[int, ...]


@dataclass
class Entry:
    """What the index keeps of a document.

    Attributes:
        tokens (array): Token numbers in order.
        contained (array): Phrases that occur in them; may hold phrases that were dropped since.
        proposed (array): Phrases that this document proposed.
        title (int): Phrase of its title, or -1.
    """

    tokens: array[int]
    contained: array[int]
    proposed: array[int]
    title: int = -1


@dataclass(frozen=True)
class Reading:
    """A document as numbers, before it is added.

    Attributes:
        tokens (array): Token numbers in order.
        phrases (frozenset): Phrases it proposes, its title included.
        title (tuple): Phrase of its title; empty where there is none.
    """

    tokens: array[int]
    phrases: frozenset[Phrase]
    title: Phrase


@dataclass(frozen=True)
class Entries:
    """Occurrences of phrases in some documents, numbered by their position in a given order.

    Attributes:
        document (ndarray): Position of the document of every occurrence, int64.
        phrase (ndarray): Number of its phrase, int64.
        title (ndarray): Phrase of the title of every document, or -1, int64 ``(N,)``.
    """

    document: NDArray[np.int64]
    phrase: NDArray[np.int64]
    title: NDArray[np.int64]


class PhraseIndex:
    """Phrases that documents propose, and all documents in whose tokens they occur.

    The phrases are the union of the proposals; the documents of a phrase are those that contain it,
    whoever proposed it. So the content depends on the set of documents alone, not on the order in
    which they came and went.

    Args:
        max_phrase (int): Longest phrase in tokens; longer proposals are left out.

    Complexity: memory of 8 bytes a token and 4 bytes an occurrence, beside a dictionary of the
    phrases. A document takes a scan of its tokens, and for each new phrase a look at the documents
    with its rarest token.
    """

    def __init__(self, max_phrase: int) -> None:
        self.max_phrase = max_phrase
        self.vocabulary: dict[str, int] = {}
        self.words: list[str] = []  # by the number of their token
        self.entries: dict[int, Entry] = {}
        self.size = 0  # one more than the largest number that was ever used
        self.postings: list[array[int]] = []  # documents of a token, once per occurrence
        self.phrases: dict[Phrase, int] = {}
        self.keys: list[Phrase | None] = []
        self._supporters: list[int] = []
        self._hashes: list[int] = []
        self._lengths: dict[int, dict[int, int]] = {}  # first token: phrases of each length
        self._removed = 0

    # --- changes ----------------------------------------------------------------------------------

    def read(
        self, tokens: Sequence[str], proposals: Iterable[Sequence[str]], title: Sequence[str]
    ) -> Reading:
        """Turn the words of a document into numbers; nothing is added but words unknown so far.

        Args:
            tokens (sequence of str): Tokens of the document.
            proposals (iterable): Tokens of the phrases it proposes.
            title (sequence of str): Tokens of its title, which proposes a phrase too.
        """
        own = self._phrase(title)
        phrases = {self._phrase(proposal) for proposal in proposals} | {own}
        return Reading(self._numbers(tokens), frozenset(phrases - {()}), own)

    def add(self, documents: Iterable[tuple[int, Reading]]) -> None:
        """Add documents.

        Args:
            documents (iterable): Number and words of each; numbers ascend, also from call to call.
        """
        new: list[Entry] = []
        fresh: list[Phrase] = []
        first = self.size
        for number, reading in documents:
            entry = Entry(reading.tokens, array(_INT), array(_INT))
            self.entries[number] = entry
            self.size = number + 1
            for token in entry.tokens:
                self.postings[token].append(number)
            fresh += self._propose(entry, reading)
            new.append(entry)
        for entry in new:
            entry.contained = self._scan(entry.tokens)
        if first:
            for phrase in fresh:
                self._look_back(phrase, first)

    def remove(self, number: int) -> None:
        """Remove a document; phrases that nobody else proposes go with it.

        Args:
            number (int): Number of the document.
        """
        entry = self.entries.pop(number)
        for phrase in entry.proposed:
            self._supporters[phrase] -= 1
            key = self.keys[phrase]
            if key is not None and self._supporters[phrase] == 0:
                self._drop(phrase, key)
        self._removed += 1
        if self._removed > max(len(self.entries), 1_000):
            self._compact()

    def _numbers(self, tokens: Sequence[str]) -> array[int]:
        numbers = array(_INT)
        for token in tokens:
            number = self.vocabulary.setdefault(token, len(self.vocabulary))
            if number == len(self.postings):
                self.postings.append(array(_INT))
                self.words.append(token)
            numbers.append(number)
        return numbers

    def _propose(self, entry: Entry, reading: Reading) -> list[Phrase]:
        """Count the document among the supporters of its phrases; return those that are new."""
        fresh = []
        for phrase in reading.phrases:
            if phrase not in self.phrases:
                self._register(phrase)
                fresh.append(phrase)
            number = self.phrases[phrase]
            self._supporters[number] += 1
            entry.proposed.append(number)
        entry.title = self.phrases.get(reading.title, -1)
        return fresh

    def _phrase(self, tokens: Sequence[str]) -> Phrase:
        """Numbers of the tokens; nothing for what is empty or too long."""
        if not 0 < len(tokens) <= self.max_phrase:
            return ()
        return tuple(self._numbers(tokens))

    def _register(self, phrase: Phrase) -> None:
        self.phrases[phrase] = len(self.keys)
        self.keys.append(phrase)
        self._supporters.append(0)
        self._hashes.append(-1)
        lengths = self._lengths.setdefault(phrase[0], {})
        lengths[len(phrase)] = lengths.get(len(phrase), 0) + 1

    def _drop(self, number: int, phrase: Phrase) -> None:
        self.keys[number] = None
        del self.phrases[phrase]
        lengths = self._lengths[phrase[0]]
        lengths[len(phrase)] -= 1
        if lengths[len(phrase)] == 0:
            del lengths[len(phrase)]
        if not lengths:
            del self._lengths[phrase[0]]

    def _scan(self, tokens: array[int]) -> array[int]:
        """Known phrases that occur in a text."""
        found = set()
        words, lengths_of, phrases = tokens.tolist(), self._lengths, self.phrases
        for first, token in enumerate(words):
            lengths = lengths_of.get(token)
            if lengths is not None:
                for length in lengths:
                    number = phrases.get(tuple(words[first : first + length]))
                    if number is not None:
                        found.add(number)
        return array(_INT, sorted(found))

    def _look_back(self, phrase: Phrase, first: int) -> None:
        """Find a new phrase in documents with numbers below the first new one."""
        number = self.phrases[phrase]
        rarest = min(phrase, key=lambda token: len(self.postings[token]))
        needle = array(_INT, phrase).tobytes()
        for document in set(self.postings[rarest]):
            entry = self.entries.get(document)
            if entry is None or document >= first:
                continue
            if len(phrase) == 1 or _contains(entry.tokens.tobytes(), needle):
                entry.contained.append(number)

    def _compact(self) -> None:
        """Drop removed documents from the postings, and dropped phrases from the documents."""
        alive = self.entries
        for token, posting in enumerate(self.postings):
            self.postings[token] = array(_INT, [d for d in posting if d in alive])
        for entry in alive.values():
            entry.contained = array(_INT, [p for p in entry.contained if self.keys[p] is not None])
        self._removed = 0

    def restore(
        self, words: Sequence[str], phrases: Sequence[Phrase], entries: Sequence[Entry]
    ) -> None:
        """Fill an empty index with what another one held.

        Args:
            words (sequence of str): Words by the number of their token.
            phrases (sequence of tuples): Phrases by their number.
            entries (sequence of Entry): Documents 0, 1, ...; phrases are numbered as above.
        """
        self.words = list(words)
        self.vocabulary = {word: number for number, word in enumerate(words)}
        self.postings = [array(_INT) for _ in words]
        for phrase in phrases:
            self._register(phrase)
        for number, entry in enumerate(entries):
            self.entries[number] = entry
            self.size = number + 1
            for token in entry.tokens:
                self.postings[token].append(number)
            for phrase_number in entry.proposed:
                self._supporters[phrase_number] += 1

    # --- what it holds ----------------------------------------------------------------------------

    def occurrences(self, documents: Sequence[int]) -> Entries:
        """Phrases of some documents, of those phrases that these documents propose themselves.

        Args:
            documents (sequence of int): Numbers of documents, in the order that is wanted.
        """
        own = [self.entries[number] for number in documents]
        phrase, length = _joined([entry.contained for entry in own])
        proposed, _ = _joined([entry.proposed for entry in own])
        supported = np.zeros(len(self.keys), dtype=bool)
        supported[proposed] = True
        document = np.repeat(np.arange(len(own)), length)
        kept = supported[phrase]
        title = np.array([entry.title for entry in own], dtype=np.int64)
        return Entries(document[kept], phrase[kept], title)

    def order(self, phrases: NDArray[np.int64]) -> NDArray[np.int64]:
        """Phrases sorted by a hash of their words: an order that no history changes.

        Args:
            phrases (ndarray): Numbers of phrases.
        """
        for number in phrases.tolist():
            if self._hashes[number] < 0:
                self._hashes[number] = _hash(self._text(number))
        keys = np.array([self._hashes[number] for number in phrases.tolist()], dtype=np.uint64)
        return phrases[np.argsort(keys, kind="stable")]

    def text(self, phrases: Iterable[int]) -> list[str]:
        """Words of phrases, joined by spaces.

        Args:
            phrases (iterable of int): Numbers of phrases.
        """
        return [self._text(number) for number in phrases]

    def _text(self, number: int) -> str:
        return " ".join(self.words[token] for token in self.keys[number] or ())


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _contains(tokens: bytes, needle: bytes) -> bool:
    """Whether numbers of 32 bits occur in others, in a row."""
    position = tokens.find(needle)
    while position >= 0 and position % 4:
        position = tokens.find(needle, position + 1)
    return position >= 0


def _joined(parts: Sequence[array[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers one after the other, and how many each part has."""
    length = np.array([len(part) for part in parts], dtype=np.int64)
    flat = np.frombuffer(b"".join(part.tobytes() for part in parts), dtype=np.int32)
    return flat.astype(np.int64), length
