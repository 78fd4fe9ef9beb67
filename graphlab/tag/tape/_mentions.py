"""Class names in the answer of a language model, and the list that the answer begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__: list[str] = []

_WORD = re.compile(r"[^\W_]+")
_ASIDE = re.compile(r"\([^()\n]{0,80}\)")
_NUMBERING = re.compile(r"(?:(?<=\s)|^)\(?#?\d{1,3}[.):]\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?\s*%?")
_JOINING = re.compile(r"\b(?:and|or|then)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
_ITEM = re.compile(r"^[ \t]*(?:[-*\u2022]|\(?\d{1,3}[.):])[ \t]*", re.MULTILINE)
_MARKER = re.compile(
    r"\b(?:answers?|labels?|categor(?:y|ies)|class(?:es)?|ranked list|ranking|predictions?)\b"
    r"[^\n:]{0,40}:",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A class name in a text, with its position.

    Attributes:
        label (int): Class.
        start (int): First character.
        end (int): Character behind the last.
    """

    label: int
    start: int
    end: int


class Mentions:
    """Finder of names of classes, the longest at every position.

    Words are compared without case, hyphens, underscores, punctuation and plural s.

    Args:
        names (Sequence[str]): Name of every class.
        aliases (Mapping[str, Iterable[str]]): Other names by class name.

    Raises:
        ValueError: If a name has no words, or two classes have the same.
    """

    def __init__(self, names: Sequence[str], aliases: Mapping[str, Iterable[str]]) -> None:
        self._labels: dict[tuple[str, ...], int] = {}
        for label, name in enumerate(names):
            for surface in (name, *aliases.get(name, ())):
                words = tuple(word for word, _, _ in _words(surface))
                if not words:
                    raise ValueError(f"classes must have names with words, got {surface!r}")
                self._add(words, label, surface)
        for words, label in list(self._labels.items()):
            # "Case-based" is also written "Casebased".
            self._labels.setdefault(("".join(words),), label)
        self._longest = max(map(len, self._labels))

    def _add(self, words: tuple[str, ...], label: int, surface: str) -> None:
        if self._labels.setdefault(words, label) != label:
            raise ValueError(f"two classes are called {surface!r} but for case and punctuation")

    def find(self, text: str) -> list[Mention]:
        """All mentions in their order; they do not overlap."""
        words = _words(text)
        mentions, i = [], 0
        while i < len(words):
            # The longest name first: "Neural Networks" is not "Networks".
            for length in range(min(self._longest, len(words) - i), 0, -1):
                label = self._labels.get(tuple(word for word, _, _ in words[i : i + length]))
                if label is not None:
                    mentions.append(Mention(label, words[i][1], words[i + length - 1][2]))
                    i += length - 1
                    break
            i += 1
        return mentions

    def ranked(self, text: str) -> list[int]:
        """Classes of the list in a reply, best first, each once.

        Only the list is read, not the reasons around it. An answer that begins with a class begins
        with its list. Otherwise the list is the numbered or bulleted lines that begin with a
        class; else the mentions behind "Answer:" or the like; else the first mentions that stand
        together.
        """
        mentions = self.find(text)
        items = _itemised(text, mentions)
        if mentions and not _WORD.search(_bare(text[: mentions[0].start])):
            chosen = items if items[:1] == mentions[:1] else _run(text, mentions)
        else:
            chosen = items or _listed(text, mentions)
        return list(dict.fromkeys(mention.label for mention in chosen))


def _words(text: str) -> list[tuple[str, int, int]]:
    return [(_fold(m.group()), m.start(), m.end()) for m in _WORD.finditer(text)]


def _fold(word: str) -> str:
    word = word.casefold()
    # A plural s, but not the end of "class" or of short words such as "gas".
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _itemised(text: str, mentions: list[Mention]) -> list[Mention]:
    """Mentions at the beginning of numbered or bulleted lines, if there are at least two."""
    starts = [match.end() for match in _ITEM.finditer(text)]
    leading = []
    for start in starts:
        first = next((m for m in mentions if m.start >= start), None)
        if first is not None and not _WORD.search(text[start : first.start]):
            leading.append(first)
    return leading if len(leading) > 1 else []


def _listed(text: str, mentions: list[Mention]) -> list[Mention]:
    for marker in _MARKER.finditer(text):
        behind = [m for m in mentions if m.start >= marker.end()]
        if behind and not _WORD.search(_bare(text[marker.end() : behind[0].start])):
            return _run(text, behind)
    return _run(text, mentions)


def _run(text: str, mentions: list[Mention]) -> list[Mention]:
    """The first mention and those that follow it with nothing but separators between."""
    run = mentions[:1]
    for mention in mentions[1:]:
        gap = text[run[-1].end : mention.start]
        if not _separates(gap) or ("\n" in gap and not _own_line(text, run, mention)):
            break
        run.append(mention)
    return run


def _separates(gap: str) -> bool:
    bare = _bare(gap)
    return not (_WORD.search(bare) or _SENTENCE_END.search(bare) or "\n\n" in gap)


def _bare(gap: str) -> str:
    """Text between two mentions without numbering, asides in brackets and joining words."""
    for pattern in (_ASIDE, _NUMBERING, _NUMBER, _JOINING):
        gap = pattern.sub(" ", gap)
    return gap


def _own_line(text: str, run: list[Mention], mention: Mention) -> bool:
    """True if a list of one class per line goes on, and no sentence begins."""
    if len(run) > 1 and "\n" not in text[run[0].end : run[-1].start]:
        return False
    rest = text[mention.end :].split("\n", 1)[0]
    return not _WORD.search(_bare(rest))
