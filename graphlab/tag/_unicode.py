"""Text in one form: that can be written, and whose equal words are equal strings."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

__all__: list[str] = []

_LONE = re.compile("[\ud800-\udfff]")
# NFKC would join the marks of a trade to the word before them; the others are written inside words
# and are no part of them: soft hyphens, joiners, byte order marks.
_INVISIBLE = str.maketrans(
    {"\u2122": " ", "\u2120": " "} | dict.fromkeys("\u00ad\u200c\u200d\u2060\ufeff", "")
)


def encodable(text: str) -> str:
    r"""Text with U+FFFD for every lone surrogate.

    JSON can hold them (an emoji cut in half, ``"\ud83d"``), and file names and broken exports do;
    no request, file or database takes them.
    """
    return _LONE.sub("\ufffd", text)


def sha256(text: str) -> str:
    """Hash in hexadecimal digits, also of a text that cannot be written."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encodable_values(value: Any) -> Any:
    """The same for all texts of a JSON value, keys included."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [encodable_values(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable_values(item) for key, item in value.items()}
    return value


def composed(text: str) -> str:
    """Text in NFKC, so that a letter with its accents is one character; ASCII text as it is."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE))


def folded(text: str) -> str:
    """Text as words are compared in it: NFKC, then casefold; of ASCII text its lower case.

    Lexical indexes, phrases and the hashing encoder all compare words in this form.
    """
    if text.isascii():
        return text.lower()
    # Folding takes some letters apart again.
    return unicodedata.normalize("NFKC", composed(text).casefold())


def marked(text: str, letter: str) -> str:
    """Pattern of a letter, and of the combining marks that a text has behind its letters.

    Such marks (vowels of Devanagari, points of Hebrew, accents of rare letters) are no letters to
    ``re`` and would cut words in pieces.

    Args:
        text (str): The text.
        letter (str): Pattern of one letter.
    """
    if text.isascii():
        return letter
    marks = {c for c in set(text) if unicodedata.category(c)[0] == "M"}
    return f"(?:{letter}[{''.join(sorted(marks))}]*)" if marks else letter


def words(text: str, letter: str = r"[^\W_]") -> list[str]:
    r"""Words of a text: runs of letters and digits, folded.

    Args:
        text (str): The text.
        letter (str): Pattern of one letter; by default what ``\w`` has, without the underscore.
    """
    text = folded(text)
    return re.findall(f"{marked(text, letter)}+", text)
