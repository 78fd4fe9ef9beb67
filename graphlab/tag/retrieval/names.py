"""Tokens of a text, and the names it mentions, without a model."""

from __future__ import annotations

import re

from graphlab._checks import check_text

__all__ = ["capitalised_names", "tokenize"]

_TOKEN = re.compile(r"[a-z0-9]+")
_WORD = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*|&|[^\w\s]")
_FOREIGN = re.compile(r"[^\W\d_\x00-\x7f]")
_JOINERS = frozenset(("of", "the", "and", "de", "la", "in", "for", "von", "van", "du", "&"))
# fmt: off
STOP_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "does",
    "during", "for", "from", "had", "has", "have", "he", "her", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "may", "most", "no", "not", "of", "on", "once", "one", "or",
    "our", "she", "since", "so", "some", "such", "than", "that", "the", "their", "there",
    "these", "they", "this", "those", "to", "two", "under", "until", "up", "was", "we", "were",
    "what", "when", "where", "which", "while", "who", "whom", "whose", "why", "will", "with",
    "you", "your", "after", "all", "also", "although", "among", "another", "any", "because",
    "before", "being", "between", "both", "each", "few", "first", "following", "further", "here",
    "however", "many", "more", "much", "my", "new", "now", "only", "other", "out", "over",
    "same", "several", "then", "through", "too", "very",
))
# fmt: on


def tokenize(text: str) -> list[str]:
    """Words of a text: runs of ASCII letters and digits, in lower case.

    For other scripts give :class:`GraphRetriever` another ``tokenize``.

    Args:
        text (str): Any text.

    Returns:
        list[str]: Tokens in order.

    Example:
        >>> tokenize("AT&T's 2nd office")
        ['at', 't', 's', '2nd', 'office']
    """
    return _TOKEN.findall(check_text(text, "text").lower())


def is_foreign(text: str) -> bool:
    """Whether most letters of a text are none of ASCII: :func:`tokenize` skips them."""
    return not text.isascii() and 2 * len(_FOREIGN.findall(text)) > sum(map(str.isalpha, text))


def capitalised_names(text: str) -> list[str]:
    """Names in a text of a language that capitalises them: runs of capitalised words and years.

    Runs may be joined by short words such as "of" and "de". Stop words at their beginning are cut,
    so that "The" at the start of a sentence is no name.

    Args:
        text (str): Any text.

    Returns:
        list[str]: Names in order, with repetitions.

    Complexity: O(length of the text).

    Example:
        >>> capitalised_names("In 1999 she joined the University of Copenhagen, Denmark.")
        ['1999', 'University of Copenhagen', 'Denmark']
    """
    names: list[str] = []
    run: list[str] = []
    pending: list[str] = []
    for match in _WORD.finditer(check_text(text, "text")):
        word = match.group()
        if word[0].isupper() or (word.isdigit() and len(word) == 4):
            run += [*pending, word] if run else [word]
            pending = []
        elif run and word in _JOINERS and len(pending) < 3:
            pending.append(word)
        else:
            _close(run, names)
            run, pending = [], []
    _close(run, names)
    return names


def _close(run: list[str], names: list[str]) -> None:
    first = 0
    while first < len(run) and run[first].lower() in STOP_WORDS:
        first += 1
    if first < len(run):
        names.append(" ".join(run[first:]))
