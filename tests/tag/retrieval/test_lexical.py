"""BM25 against the formula, word by word."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphlab.tag.retrieval.lexical import BM25

DOCUMENTS = [["a", "b"], ["b", "b", "c"], ["c"], ["d", "c", "a", "a"], *[["e"]] * 20]


def by_hand(question: list[str], document: list[str], k1: float, b: float) -> float:
    mean = sum(map(len, DOCUMENTS)) / len(DOCUMENTS)
    total = 0.0
    for word in question:
        holding = sum(word in other for other in DOCUMENTS)
        count = document.count(word)
        idf = math.log(1 + (len(DOCUMENTS) - holding + 0.5) / (holding + 0.5))
        total += idf * count * (k1 + 1) / (count + k1 * (1 - b + b * len(document) / mean))
    return total


@pytest.mark.parametrize("question", [["a"], ["b", "c"], ["e"], ["e", "d", "d"], []])
@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.0), (2.0, 1.0)])
def test_scores_are_those_of_the_formula(question, k1, b):
    length = np.array([len(document) for document in DOCUMENTS])
    model = BM25(np.arange(len(DOCUMENTS)), length, k1, b)
    postings = [
        np.array([i for i, d in enumerate(DOCUMENTS) for w in d if w == word], dtype=np.int32)
        for word in question
    ]
    wanted = [by_hand(question, document, k1, b) for document in DOCUMENTS]
    np.testing.assert_allclose(model.scores(postings), wanted, rtol=1e-12)
