"""Tokens of a text, and the names it mentions, without a model."""

from __future__ import annotations

import re
import unicodedata

from graphlab._checks import check_text
from graphlab.tag._unicode import composed, marked, words

__all__ = ["capitalised_names", "tokenize"]

_LETTER = r"[^\W_]"
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
    """Words of a text: runs of letters and digits of any script, in NFKC and case-folded.

    Accents stay: "caf\u00e9" is one word, and another one than "cafe". For scripts that put no
    spaces between words, such as Chinese and Thai, give :class:`GraphRetriever` another
    ``tokenize``.

    Args:
        text (str): Any text.

    Returns:
        list[str]: Tokens in order.

    Example:
        >>> tokenize("AT&T's 2nd office")
        ['at', 't', 's', '2nd', 'office']
    """
    return words(check_text(text, "text"))


def is_foreign(text: str) -> bool:
    """Whether most letters of a text have no capitals: names and often words cannot be told."""
    if text.isascii():
        return False
    plain = sum(unicodedata.category(character) == "Lo" for character in text)
    return 2 * plain > sum(map(str.isalpha, text))


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
    text = composed(check_text(text, "text"))
    for match in re.finditer(_word(marked(text, _LETTER)), text):
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


def _word(letter: str) -> str:
    """Pattern of a word of such letters, or of a sign."""
    return rf"{letter}+(?:['\u2019.-]{letter}+)*|&|[^\w\s]"


def _close(run: list[str], names: list[str]) -> None:
    first = 0
    while first < len(run) and run[first].lower() in STOP_WORDS:
        first += 1
    if first < len(run):
        names.append(" ".join(run[first:]))
