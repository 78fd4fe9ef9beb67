"""Scores of short answers against the published evaluation and counts by hand."""

from __future__ import annotations

import pytest

from graphlab.evaluate import answer_scores
from tests import _golden

CASES = _golden.document("retrieval", "grag_answer_metrics")


def test_golden_hits() -> None:
    assert len(CASES) > 10
    for case in CASES:
        # The released code splits predictions and answers at these marks.
        found = answer_scores([case["pred"]], [case["label"].split("|")])
        assert found["hit_substring"] == case["hit"], case


def test_exact_match_and_words() -> None:
    assert answer_scores(["The  Eiffel-Tower!"], ["eiffeltower"])["em"] == 1
    found = answer_scores(["in old Paris", "Rome"], [["Paris", "old Paris"], "Oslo"])
    assert found["em"] == 0
    assert found["f1"] == pytest.approx(0.8 / 2)
    assert found["hit_substring"] == 0.5
    assert answer_scores(["42"], ["4"]) == {"em": 0.0, "f1": 0.0, "hit_substring": 1.0}
    assert answer_scores(["the"], ["a"]) == {"em": 1.0, "f1": 1.0, "hit_substring": 1.0}


@pytest.mark.parametrize(
    ("predicted", "answers", "message"),
    [
        (["a"], [], "predicted must have 0 texts"),
        ("ab", ["a", "b"], "predicted must be a list of texts, got str"),
        ([], [], "answers must have at least one question"),
        (["a"], [[]], r"answers\[0\] is empty"),
        (["a"], [[1]], "must hold str"),
        ([None], ["a"], "must hold str"),
    ],
)
def test_bad_input(predicted, answers, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        answer_scores(predicted, answers)
