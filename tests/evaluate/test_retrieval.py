"""Scores of rankings against counts by hand."""

from __future__ import annotations

import tracemalloc
from collections import deque, namedtuple
from typing import Any

import numpy as np
import pytest
import torch

from graphlab.evaluate import compare_retrieval, retrieval_scores

IDS = [["a", "b", "c"], ["d", "a", "b"], ["x", "y", "z"]]
GOLD = [["a", "c"], ["a"], ["q"]]


def test_scores_by_hand() -> None:
    found = retrieval_scores(IDS, GOLD, k=(1, 2, 3))
    assert found["recall@1"] == pytest.approx((0.5 + 0 + 0) / 3)
    assert found["recall@2"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert found["recall@3"] == pytest.approx((1 + 1 + 0) / 3)
    assert [found[f"all@{k}"] for k in (1, 2, 3)] == pytest.approx([0, 1 / 3, 2 / 3])
    assert found["mrr"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["num_questions"] == 3


def test_groups_and_answers_outside_the_corpus() -> None:
    found = retrieval_scores(IDS, GOLD, k=(3,), groups=[2, 1, 2], corpus=["a", "b", "c", "d"])
    assert found["missing_gold"] == 1
    assert list(found["groups"]) == [1, 2]
    assert found["groups"][1]["recall@3"] == 1
    assert found["groups"][2]["recall@3"] == 0.5
    assert found["groups"][2]["num_questions"] == 2


def test_intervals_cover_the_mean_and_shrink_with_the_questions() -> None:
    draw = np.random.default_rng(0)
    hits = draw.random(400) < 0.6
    ids = [["right" if hit else "wrong"] for hit in hits]
    widths = []
    for count in (25, 400):
        found = retrieval_scores(ids[:count], [["right"]] * count, k=(1,))
        low, high = found["recall@1_interval"]
        assert low < found["recall@1"] < high
        widths.append(high - low)
        expected = 2 * 1.96 * np.sqrt(0.24 / count)
        assert widths[-1] == pytest.approx(expected, rel=0.3)
    assert "recall@1_interval" not in retrieval_scores(ids, [["right"]] * 400, num_bootstrap=0)


def test_comparison_is_paired() -> None:
    draw = np.random.default_rng(1)
    easy = draw.random(200) < 0.5
    better = easy | (draw.random(200) < 0.1)
    rows = [[["right" if hit else "wrong"] for hit in hits] for hits in (better, easy)]
    found = compare_retrieval(*rows, [["right"]] * 200, k=(1,))["recall@1"]
    assert found["difference"] == pytest.approx(better.mean() - easy.mean())
    # Each has an interval of about .14; that of the difference is far narrower.
    assert found["interval"][1] - found["interval"][0] < 0.08
    assert found["interval"][0] > 0
    assert found["share_above"] > 0.99
    same = compare_retrieval(rows[0], rows[0], [["right"]] * 200, k=(1,))["recall@1"]
    assert same == {"difference": 0.0, "interval": (0.0, 0.0), "share_above": 0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": IDS[:2]}, "ids must have 3 rows"),
        ({"ids": [["a", "b", "a"], *IDS[1:]]}, r"ids\[0\] has 'a' twice"),
        ({"gold": [[], *GOLD[1:]]}, r"gold\[0\] is empty"),
        ({"ids": [], "gold": []}, "gold must have at least one question"),
        ({"k": ()}, "k must name at least one cut-off"),
        ({"k": (0,)}, "k must be at least 1"),
        ({"groups": [1]}, "groups must have 3 entries"),
        ({"num_bootstrap": -1}, "num_bootstrap must be at least 0"),
    ],
)
def test_bad_input(change: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"ids": IDS, "gold": GOLD} | change
    with pytest.raises(ValueError, match=message):
        retrieval_scores(**arguments)  # type: ignore[arg-type]


def test_a_single_id_is_no_list_of_letters() -> None:
    with pytest.raises(TypeError, match=r"gold\[1\] must be a list of ids, got 'oslo': write"):
        retrieval_scores([["oslo"], ["oslo"]], [["oslo"], "oslo"])
    with pytest.raises(TypeError, match=r"ids\[0\] must be a list of ids, got 7: write \[7\]"):
        retrieval_scores([7], [[7]])


@pytest.mark.parametrize("read", [torch.tensor, np.array, lambda rows: [*map(torch.tensor, rows)]])
def test_tensors_and_arrays_are_the_lists_they_hold(read: Any) -> None:
    ids, gold, other = [[1, 2], [3, 4]], [[1], [4]], [[2, 1], [3, 4]]
    plain = retrieval_scores(ids, gold, k=(1, 2), corpus=[1, 2], num_bootstrap=0)
    assert plain["recall@1"] == 0.5
    assert plain["missing_gold"] == 1
    for left, right in ((ids, read(gold)), (read(ids), gold), (read(ids), read(gold))):
        corpus = torch.tensor([1, 2])
        assert retrieval_scores(left, right, k=(1, 2), corpus=corpus, num_bootstrap=0) == plain
    compared = compare_retrieval(read(ids), read(other), read(gold), k=(1,), num_bootstrap=9)
    assert compared == compare_retrieval(ids, other, gold, k=(1,), num_bootstrap=9)
    with pytest.raises(ValueError, match=r"ids\[0\] has 1 twice"):
        retrieval_scores(read([[1, 1]]), [[1]])


def test_rows_of_every_kind_that_has_an_order_are_read() -> None:
    pair = namedtuple("pair", ["first", "second"])
    one, two = torch.tensor(1), torch.tensor(2)
    for row in (pair(one, two), deque([one, two]), (1, two), range(1, 3)):
        assert retrieval_scores([row], [[two]], k=(1, 2), num_bootstrap=0)["recall@2"] == 1
    with pytest.raises(TypeError, match=r"an id must be one number or word, got a tensor of \(2,"):
        retrieval_scores([[torch.tensor([1, 2])]], [[1]])


def test_cut_offs_by_default() -> None:
    found = compare_retrieval([[1]], [[2]], [[1]], num_bootstrap=10)
    cuts = {name.partition("@")[2] for name in found if name.startswith("recall@")}
    assert cuts == {"1", "2", "5", "10", "20"}


@pytest.mark.parametrize(
    "groups", [torch.tensor([2, 1, 2]), np.array([2, 1, 2]), list(torch.tensor([2, 1, 2]))]
)
def test_groups_of_tensors_are_those_of_their_numbers(groups: Any) -> None:
    found = retrieval_scores(IDS, GOLD, k=(3,), groups=groups, num_bootstrap=0)
    assert found == retrieval_scores(IDS, GOLD, k=(3,), groups=[2, 1, 2], num_bootstrap=0)


@pytest.mark.parametrize("groups", [{"a", "b", "c"}, {"a": 0, "b": 1, "c": 2}, "abc"])
def test_groups_without_an_order_are_refused(groups: Any) -> None:
    with pytest.raises(TypeError, match="groups must be a list"):
        retrieval_scores(IDS, GOLD, groups=groups)


def test_resamples_are_those_of_one_table_which_is_not_stored() -> None:
    draw = np.random.default_rng(0)
    count, number = 3_000, 1_000
    better = draw.random(count) < 0.6
    ids = [["right" if hit else "wrong"] for hit in better]
    tracemalloc.start()
    try:
        found = compare_retrieval(
            ids, [["wrong"]] * count, [["right"]] * count, k=(1,), num_bootstrap=number, seed=3
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < count * number * 8
    sample = np.random.default_rng(3).integers(0, count, (number, count))
    means = better.astype(np.float64)[sample].mean(axis=1)
    assert found["recall@1"]["interval"] == tuple(np.percentile(means, (2.5, 97.5)))
