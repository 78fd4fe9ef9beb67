"""Where a question starts: the entities that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from graphlab.tag.retrieval.names import STOP_WORDS

__all__: list[str] = []

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Words = Callable[[str], list[str]]

_LONGEST = 12  # words of a phrase that is looked for


class EntityLinker:
    """Finds entities by the words of a question, and by the embedding of a name that none has.

    Every name in the question is looked up by its words, then by the nearest phrase, then by the
    phrases that it contains. A question without a name that leads anywhere is searched as a whole.

    Args:
        phrases (sequence of str): Names of the entities.
        tokenize (callable): From a text to its words.
        names (callable): From a text to the names it mentions.
        vectors (ndarray): Embeddings of the phrases with rows of norm 1 ``(N, F)``.
        embed (callable): Embeds other texts in the same way.
        least (float): Least cosine of a name and its nearest phrase.
    """

    def __init__(
        self,
        phrases: Sequence[str],
        tokenize: Words,
        names: Words,
        vectors: NDArray[np.float16],
        embed: Embed,
        least: float,
    ) -> None:
        self._tokenize, self._names = tokenize, names
        self._vectors, self._embed, self._least = vectors, embed, least
        self._numbers: dict[tuple[str, ...], list[int]] = {}
        for number, phrase in enumerate(phrases):
            words = tuple(tokenize(phrase))
            if words:
                self._numbers.setdefault(words, []).append(number)
        self._longest = min(max(map(len, self._numbers), default=0), _LONGEST)

    def link(self, questions: Sequence[str], present: NDArray[np.bool_]) -> list[list[int]]:
        """Entities of each question, sorted; none where nothing is near enough.

        Args:
            questions (sequence of str): Questions.
            present (ndarray): Which entities may be found, bool ``(N,)``.
        """
        names = [self._mentioned(question) for question in questions]
        exact = [[self._known(name, present) for name in row] for row in names]
        unknown = [
            " ".join(name)
            for row, found in zip(names, exact, strict=True)
            for name, numbers in zip(row, found, strict=True)
            if not numbers
        ]
        near = self._nearest(list(dict.fromkeys(unknown)), present)
        linked: list[set[int]] = []
        for row, found in zip(names, exact, strict=True):
            numbers = set[int]()
            for name, known in zip(row, found, strict=True):
                close = [] if known else near[" ".join(name)]
                numbers |= set(known or close or self._contained(name, present))
            linked.append(numbers)
        self._whole(questions, linked, present)
        return [sorted(numbers) for numbers in linked]

    def _mentioned(self, question: str) -> list[tuple[str, ...]]:
        names = (tuple(self._tokenize(name)) for name in self._names(question))
        return list(dict.fromkeys(name for name in names if name))

    def _known(self, words: tuple[str, ...], present: NDArray[np.bool_]) -> list[int]:
        return [number for number in self._numbers.get(words, []) if present[number]]

    def _contained(self, words: Sequence[str], present: NDArray[np.bool_]) -> list[int]:
        """Entities whose words stand in a text, longest first, no word used twice."""
        found: list[int] = []
        first = 0
        while first < len(words):
            step = 1
            for length in range(min(self._longest, len(words) - first), 0, -1):
                part = tuple(words[first : first + length])
                numbers = [] if _says_nothing(part) else self._known(part, present)
                if numbers:
                    found += numbers
                    step = length
                    break
            first += step
        return found

    def _whole(
        self,
        questions: Sequence[str],
        linked: list[set[int]],
        present: NDArray[np.bool_],
    ) -> None:
        """Search for questions that have no entity so far."""
        lost = [place for place, numbers in enumerate(linked) if not numbers]
        for place in lost:
            linked[place] |= set(self._contained(self._tokenize(questions[place]), present))
        lost = [place for place in lost if not linked[place]]
        near = self._nearest([questions[place] for place in lost], present)
        for place in lost:
            linked[place] |= set(near[questions[place]])

    def _nearest(self, texts: list[str], present: NDArray[np.bool_]) -> dict[str, list[int]]:
        if not texts or not len(self._vectors):
            return {text: [] for text in texts}
        found: dict[str, list[int]] = {}
        products = self._embed(texts) @ self._vectors.astype(np.float32).T
        products[:, ~present] = -np.inf
        for text, cosine in zip(texts, products, strict=True):
            best = int(cosine.argmax())
            found[text] = [best] if cosine[best] >= self._least and cosine[present].any() else []
        return found


def _says_nothing(words: tuple[str, ...]) -> bool:
    return all(word in STOP_WORDS or len(word) == 1 for word in words)
