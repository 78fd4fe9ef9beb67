"""Scores of short answers in words."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

from graphlab._checks import check_list

__all__ = ["answer_scores"]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def answer_scores(
    predicted: Sequence[str], answers: Sequence[str | Sequence[str]]
) -> dict[str, float]:
    """Exact match, F1 of words, and the substring hit that papers on graph question answering give.

    Texts are compared in lower case without punctuation and articles. A question may have several
    right answers: the best counts. ``hit_substring`` is 1 where an answer occurs anywhere in the
    prediction, also inside a word ("4" in "42"), and for an answer of articles alone: it serves to
    compare with published numbers.

    Args:
        predicted (sequence of str): Predicted answers ``(Q,)``.
        answers (sequence): Right answer of each question, or a sequence of those that are right.

    Returns:
        dict: Means ``em``, ``f1`` and ``hit_substring``, in ``[0, 1]``.

    Raises:
        TypeError: If an entry is no text, or a list of texts has no order.
        ValueError: If lengths differ, there is no question, or a question has no answer.

    Example:
        >>> answer_scores(["The Eiffel Tower", "42"], ["Eiffel tower", ["4", "four"]])
        {'em': 0.5, 'f1': 0.5, 'hit_substring': 1.0}
    """
    predicted = check_list(predicted, "predicted", "texts")
    answers = check_list(answers, "answers", "texts")
    if len(predicted) != len(answers):
        raise ValueError(
            f"predicted must have {len(answers)} texts, one a question, got {len(predicted)}"
        )
    if not len(answers):
        raise ValueError("answers must have at least one question")
    rows = []
    for question, (text, right) in enumerate(zip(predicted, answers, strict=True)):
        options = [right] if isinstance(right, str) else check_list(right, "answers", "texts")
        if not options:
            raise ValueError(
                f"answers must name an answer for every question, but answers[{question}] is empty"
            )
        if not all(isinstance(item, str) for item in [text, *options]):
            raise TypeError(
                f"predicted and answers must hold str, but those of question {question} do not"
            )
        rows.append(_scores(_normalize(text), [_normalize(option) for option in options]))
    means = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return dict(zip(("em", "f1", "hit_substring"), means, strict=True))


def _scores(given: str, wanted: list[str]) -> tuple[float, float, float]:
    best = max(_word_f1(given, option) for option in wanted)
    return float(given in wanted), best, float(any(option in given for option in wanted))


def _normalize(text: str) -> str:
    """Lower case without punctuation and articles, words joined by single spaces."""
    plain = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split())


def _word_f1(given: str, wanted: str) -> float:
    first, second = given.split(), wanted.split()
    if not first or not second:
        return float(first == second)
    shared = (Counter(first) & Counter(second)).total()
    return 2 * shared / (len(first) + len(second))
