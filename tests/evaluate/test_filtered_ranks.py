"""Filtered ranks against brute force, the authors' figures, and the three rules for ties."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from graphlab.evaluate import Ranks, filtered_ranks, rank_metrics
from tests import _golden

TIES = ("optimistic", "realistic", "pessimistic")


def pointers(lists: list[list[int]]) -> tuple[Tensor, Tensor]:
    counts = torch.tensor([len(entry) for entry in lists])
    flat = [index for entry in lists for index in entry]
    ptr = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
    return ptr, torch.tensor(flat, dtype=torch.int64)


def brute_force(score: Tensor, truth: Tensor, known: list[list[int]]) -> tuple[list[int], ...]:
    greater, equal, candidates = [], [], []
    for row, (answer, others) in enumerate(zip(truth.tolist(), known, strict=True)):
        left = [j for j in range(score.size(1)) if j != answer and j not in others]
        greater.append(sum(bool(score[row, j] > score[row, answer]) for j in left))
        equal.append(sum(bool(score[row, j] == score[row, answer]) for j in left))
        candidates.append(len(left) + 1)
    return greater, equal, candidates


@st.composite
def problems(draw: Any) -> tuple[Tensor, Tensor, Tensor, list[list[int]]]:
    """Small whole numbers: products are exact in any order, and ties are many."""
    rows, count, width = (draw(st.integers(1, top)) for top in (5, 9, 4))
    numbers = st.integers(-2, 2)

    def matrix(size: int) -> Tensor:
        flat = draw(st.lists(numbers, min_size=size * width, max_size=size * width))
        return torch.tensor(flat, dtype=torch.float64).view(size, width)

    truth = draw(st.lists(st.integers(0, count - 1), min_size=rows, max_size=rows))
    others = st.lists(st.integers(0, count - 1), max_size=count)
    known = [[answer, *draw(others)] for answer in truth]
    return matrix(rows), matrix(count), torch.tensor(truth), known


@given(problems())
@settings(max_examples=200, deadline=None)
def test_counts_are_those_of_brute_force_with_forced_ties(problem: Any) -> None:
    query, entity, truth, known = problem
    ranks = filtered_ranks(query, entity, truth, pointers(known))
    found = (ranks.greater.tolist(), ranks.equal.tolist(), ranks.candidates.tolist())
    assert found == brute_force(query @ entity.t(), truth, known)
    one, two, three = (ranks.rank(tie) for tie in TIES)  # type: ignore[arg-type]
    assert bool((one <= two).all()) and bool((two <= three).all())
    untied = ranks.equal == 0
    assert torch.equal(one[untied], three[untied])


@given(problems(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_numbers_of_the_candidates_do_not_matter(problem: Any, random: Any) -> None:
    query, entity, truth, known = problem
    order = list(range(entity.size(0)))
    random.shuffle(order)
    place = torch.tensor(order).argsort()
    moved = [[int(place[j]) for j in entry] for entry in known]
    before = filtered_ranks(query, entity, truth, pointers(known))
    after = filtered_ranks(query, entity[order], place[truth], pointers(moved))
    assert torch.equal(before.greater, after.greater) and torch.equal(before.equal, after.equal)


@given(problems())
@settings(max_examples=50, deadline=None)
def test_a_twin_of_the_truth_ties_and_a_known_twin_does_not(problem: Any) -> None:
    query, entity, truth, known = problem
    before = filtered_ranks(query[:1], entity, truth[:1], pointers(known[:1]))
    more = torch.cat([entity, entity[truth[:1]]])
    after = filtered_ranks(query[:1], more, truth[:1], pointers(known[:1]))
    assert int(after.equal) == int(before.equal) + 1 and torch.equal(after.greater, before.greater)
    left_out = pointers([[*known[0], entity.size(0)]])
    again = filtered_ranks(query[:1], more, truth[:1], left_out)
    assert torch.equal(again.equal, before.equal)
    assert torch.equal(again.candidates, before.candidates)


def test_equal_rows_tie_in_float32_whatever_the_width() -> None:
    generator = torch.Generator().manual_seed(0)
    entity = torch.randn(50, 67, generator=generator).repeat(2, 1)
    query = torch.randn(30, 67, generator=generator)
    ranks = filtered_ranks(query, entity, torch.arange(30))
    assert ranks.equal.tolist() == [1] * 30


def test_repeated_known_answers_count_once() -> None:
    ranks = filtered_ranks(
        torch.ones(1, 1), torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0]),
        pointers([[0, 2, 2, 2]]),
    )  # fmt: skip
    assert (int(ranks.greater), int(ranks.candidates)) == (1, 2)


@pytest.mark.parametrize("scores", ["ties", "cont"])
def test_figures_are_those_of_the_authors(scores: str) -> None:
    stored = _golden.load("kge", "kge_ranking")
    head, relation, tail = stored["test"].t()
    table = stored[f"score_{scores}"].double()
    lists = [
        [int(t) for h, r, t in stored["known"] if h == one and r == two]
        for one, two in zip(head, relation, strict=True)
    ]
    rows = table[head, relation]  # a query's scores are its products with unit vectors
    ranks = filtered_ranks(rows, torch.eye(rows.size(1)).double(), tail, pointers(lists))
    found = rank_metrics(ranks, tie="pessimistic")
    for name, value in zip(stored["metric_names"], stored[f"metrics_{scores}"], strict=True):
        assert found[name.replace("hit@", "hits@")] == pytest.approx(float(value), abs=1e-9)
    assert (found["ties"] > 0) == (scores == "ties")


def test_a_model_that_scores_all_alike_is_no_better_than_chance() -> None:
    ranks = filtered_ranks(torch.zeros(4, 3), torch.ones(11, 3), torch.arange(4))
    by_rule = {tie: rank_metrics(ranks, tie=tie)["mrr"] for tie in TIES}  # type: ignore[arg-type]
    assert by_rule == {"optimistic": 1.0, "realistic": 1 / 6, "pessimistic": 1 / 11}
    assert rank_metrics(ranks)["amri"] == 0.0 and rank_metrics(ranks)["ties"] == 1.0


def test_a_perfect_model_has_an_index_of_one() -> None:
    ranks = filtered_ranks(torch.eye(4), torch.eye(4), torch.arange(4))
    found = rank_metrics(ranks, k=(1,))
    assert found == {"mrr": 1.0, "mr": 1.0, "amri": 1.0, "hits@1": 1.0, "ties": 0.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("side", ["query", "entity"])
def test_scores_that_are_not_finite_are_never_ranked(value: float, side: str) -> None:
    sides = {"query": torch.ones(2, 3), "entity": torch.ones(5, 3)}
    sides[side][1, 2] = value
    with pytest.raises(ValueError, match=rf"{side} must be finite, but {side}\[\(1, 2\)\]"):
        filtered_ranks(**sides, truth=torch.tensor([0, 1]))


def test_products_that_overflow_are_refused() -> None:
    with pytest.raises(ValueError, match="products that do not overflow"):
        filtered_ranks(torch.full((1, 2), 1e30), torch.full((3, 2), 1e30), torch.tensor([0]))


def test_what_is_known_must_hold_the_truth() -> None:
    known = pointers([[0], [2]])
    with pytest.raises(ValueError, match=r"lacks 1 of 2, first that of query 1 \(1\)"):
        filtered_ranks(torch.ones(2, 2), torch.ones(3, 2), torch.tensor([0, 1]), known)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"query": torch.ones(2, 3)}, ValueError, "entity must have 3 columns"),
        ({"truth": torch.tensor([0])}, ValueError, "truth must have 2 entries"),
        ({"truth": torch.tensor([0, 5])}, IndexError, r"truth\[1\] = 5 is outside"),
        ({"known": torch.ones(3)}, TypeError, "known must be a pair"),
        ({"known": pointers([[0]])}, ValueError, r"known\[0\] must have 3 entries"),
        ({"known": pointers([[0], [7]])}, IndexError, r"known\[1\]\[1\] = 7"),
    ],
)
def test_malformed_arguments_are_named(change: dict[str, Any], error: Any, message: str) -> None:
    given_ = {"query": torch.ones(2, 2), "entity": torch.ones(3, 2), "truth": torch.tensor([0, 1])}
    with pytest.raises(error, match=message):
        filtered_ranks(**given_ | change)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (([0], [0], [0]), "candidates must exceed greater"),
        (([2], [1], [3]), "candidates must exceed greater"),
        (([-1], [0], [3]), "greater must hold no negative count"),
        (([0], [0, 0], [3]), "equal must be int64 of shape"),
    ],
)
def test_counts_that_cannot_be_are_refused(counts: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ranks(*(torch.tensor(entry) for entry in counts))


def test_figures_need_ranks_and_a_known_rule() -> None:
    empty = torch.zeros(0, dtype=torch.int64)
    with pytest.raises(ValueError, match="at least one query"):
        rank_metrics(Ranks(empty, empty, empty))
    with pytest.raises(TypeError, match="ranks must be Ranks, got Tensor"):
        rank_metrics(empty)  # type: ignore[arg-type]
    one = torch.ones(1, dtype=torch.int64)
    with pytest.raises(ValueError, match="tie must be one of"):
        rank_metrics(Ranks(one, one, 5 * one), tie="random")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="k must be a sequence of cut-offs"):
        rank_metrics(Ranks(one, one, 5 * one), k=10)  # type: ignore[arg-type]
    assert str(rank_metrics(Ranks(0 * one, 0 * one, one))["amri"]) == "nan"
