"""Scores of a question on their way to an order: by the formulas, on any scale."""

from __future__ import annotations

import numpy as np
import pytest

from graphlab.tag.retrieval._ranking import best, seed_shares, standardized

RNG = np.random.default_rng(0)
COSINES = RNG.uniform(-0.4, 0.9, size=30)
WORDS = np.maximum(RNG.normal(2.0, 3.0, size=30), 0.0)


def by_the_formula(kinds: list[np.ndarray], power: float) -> np.ndarray:
    parts = [((k - k.min()) / (k.max() - k.min())) ** power for k in kinds]
    total = sum(part / part.sum() for part in parts)
    return total / total.sum()


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0, 4.0, 6.0, 1.5])
def test_shares_are_those_of_the_formula(power: float) -> None:
    for kinds in ([COSINES], [WORDS + 3.0], [COSINES, WORDS], [COSINES * 5 - 7, WORDS]):
        shares = seed_shares(kinds, power, None)
        assert shares == pytest.approx(by_the_formula(kinds, power), abs=1e-14)


def test_a_kind_in_which_all_are_equal_says_nothing() -> None:
    equal = np.full(30, 0.7)
    assert np.array_equal(
        seed_shares([equal, COSINES], 2.0, None), seed_shares([COSINES], 2.0, None)
    )
    assert not seed_shares([equal], 2.0, None).any()


@pytest.mark.parametrize("seeds", [1, 4, 29, 30, 31])
def test_only_the_best_start_a_walk(seeds: int) -> None:
    every = seed_shares([COSINES, WORDS], 2.0, None)
    shares = seed_shares([COSINES, WORDS], 2.0, seeds)
    kept = np.argsort(-every, kind="stable")[:seeds]
    expected = np.zeros(30)
    expected[kept] = every[kept] / every[kept].sum()
    assert shares == pytest.approx(expected, abs=1e-14)


def test_standardized_scores_have_mean_0_and_deviation_1() -> None:
    unit = standardized(COSINES * 4 + 9)
    assert unit.mean() == pytest.approx(0.0, abs=1e-12) and unit.std() == pytest.approx(1.0)
    assert np.argsort(unit).tolist() == np.argsort(COSINES).tolist()
    assert not standardized(np.full(7, 0.1)).any() and not standardized(np.empty(0)).size


@pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
def test_the_first_of_equal_scores_is_the_best(count: int) -> None:
    scores = np.array([0.5, 2.0, -1.0, 2.0, 0.5, 2.0])
    assert best(scores, count).tolist() == [1, 3, 5, 0, 4, 2][:count]
