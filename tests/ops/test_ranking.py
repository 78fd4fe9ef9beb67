"""Ranks among all products: brute force, ties, twins, filters, refusals."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import pairwise_rank, reference, trusted_values
from tests.ops._cases import randint, randn
from tests.ops._memory import peak_growth


def brute_force(x, y, truth, named=None):
    """One row after another, one candidate after another."""
    greater, equal = [], []
    for i, score in enumerate((x @ y.t()).tolist()):
        own = int(truth[i])
        others = set(range(len(score))) - {own} - set(named[i] if named else ())
        greater.append(sum(score[j] > score[own] for j in others))
        equal.append(sum(score[j] == score[own] for j in others))
    return greater, equal


def as_filter(named):
    ptr = torch.tensor([0, *(len(row) for row in named)]).cumsum(0)
    return ptr, torch.tensor([j for row in named for j in row], dtype=torch.int64)


def lists(pair):
    return tuple(part.tolist() for part in pair)


@given(st.integers(0, 2**20), st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_equals_brute_force_with_forced_ties(seed, n, m, levels):
    x, y = (
        (randint(2 * levels + 1, k, 3, seed=seed + k) - levels).to(torch.float64) for k in (n, m)
    )
    truth = randint(m, n, seed=seed)
    named = [randint(m, seed % 7 * i % (m + 1), seed=seed + i).tolist() for i in range(n)]
    for dtype in (torch.float32, torch.float64):
        got = pairwise_rank(x.to(dtype), y.to(dtype), truth, *as_filter(named))
        assert lists(got) == brute_force(x, y, truth, named)
        assert lists(pairwise_rank(x.to(dtype), y.to(dtype), truth)) == brute_force(x, y, truth)


@given(st.integers(0, 2**20), st.integers(1, 20), st.integers(1, 300), st.integers(0, 90))
def test_several_truths_of_a_row_equal_brute_force(seed, n, m, most):
    x, y = ((randint(5, k, 3, seed=seed + k) - 2).to(torch.float64) for k in (n, m))
    counts = randint(most + 1, n, seed=seed + 1)
    row = torch.repeat_interleave(counts)
    ptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    truth = randint(m, row.numel(), seed=seed + 2)
    named = [randint(m, seed % 7 * i % (m + 1), seed=seed + i).tolist() for i in range(n)]
    want = brute_force(x[row], y, truth, [named[i] for i in row.tolist()])
    for dtype in (torch.float32, torch.float64):
        sides = x.to(dtype), y.to(dtype)
        got = pairwise_rank(*sides, truth, *as_filter(named), truth_ptr=ptr)
        assert lists(got) == want
        got = pairwise_rank(*sides, truth, truth_ptr=ptr)
        assert lists(got) == brute_force(x[row], y, truth)


@pytest.mark.parametrize("width", [1, 13, 66, 130])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_truths_of_one_row_have_the_ranks_of_equal_rows(width, dtype, device):
    """To the last bit, twins among the other truths and in the filter included."""
    x, y = randn(60, width).to(device, dtype), randn(700, width, seed=1).to(device, dtype)
    y[350:] = y[:350]
    counts = randint(9, 60, seed=2).to(device)
    counts[30] = 500  # more than a tile of rows has columns
    ptr, row = torch.cat([counts.new_zeros(1), counts.cumsum(0)]), torch.repeat_interleave(counts)
    truth = randint(700, row.numel(), seed=3).to(device)
    named = [torch.cat([truth[row == i][::2], truth[row == i] % 350]).tolist() for i in range(60)]
    filters = [part.to(device) for part in as_filter(named)]
    repeated = [part.to(device) for part in as_filter([named[i] for i in row.tolist()])]
    want = pairwise_rank(x[row], y, truth, *repeated)
    got = pairwise_rank(x, y, truth, *filters, truth_ptr=ptr)
    assert lists(got) == lists(want)
    assert int(want[1].sum()) > 0


def test_undefined_and_infinite_scores_count_by_their_values():
    """Behind the checks: what a filter hides does not tie with a truth of minus infinity."""
    bad = torch.tensor([[1.0], [float("nan")], [3.0], [-float("inf")], [-float("inf")]])
    ptr, named = torch.tensor([0, 1]), torch.tensor([2])
    truths = torch.arange(4), torch.tensor([0, 4])
    with trusted_values():
        greater, equal = pairwise_rank(
            torch.ones(1, 1), bad, truths[0], ptr, named, truth_ptr=truths[1]
        )
    assert greater.tolist() == [0, 0, 0, 1] and equal.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("width", [1, 13, 66, 130])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_twins_of_the_truth_tie_to_the_last_bit(width, dtype, device):
    count = 1100
    x = randn(50, width, seed=3).to(device, dtype)
    y = randn(count, width, seed=4).to(device, dtype)
    truth = randint(count, 50, seed=5).to(device)
    before = pairwise_rank(x, y, truth)
    # A copy of every truth, at places in all parts of a vector.
    more = torch.cat([y, y[truth], y[truth].flip(0), y[:1]])
    greater, equal = pairwise_rank(x, more, truth)
    copies = (more[count:, None] == y[truth]).all(2).sum(0)
    assert (equal - before[1] >= copies).all()
    alone = torch.cat([y, y[truth[:1]]])
    one = pairwise_rank(x[:1], alone, truth[:1])
    assert one[1].tolist() == [int(before[1][0]) + 1] and one[0].tolist() == [int(before[0][0])]
    assert bool((greater >= before[0]).all())


def test_negative_zeros_are_zeros():
    x, y = torch.ones(1, 2), torch.tensor([[0.0, 1.0], [-0.0, 1.0]])
    assert lists(pairwise_rank(x, y, torch.tensor([0]))) == ([0], [1])


def test_filters_in_any_order_keep_the_truth(device):
    x, y = randn(9, 4).float().to(device), randn(30, 4, seed=1).float().to(device)
    truth = randint(30, 9).to(device)
    everything = [torch.randperm(30).tolist() * 2 for _ in range(9)]
    ptr, named = (part.to(device) for part in as_filter(everything))
    assert lists(pairwise_rank(x, y, truth, ptr, named)) == ([0] * 9, [0] * 9)
    best = (x @ y.t()).argmax(1)
    ptr = torch.arange(10, device=device)
    without = pairwise_rank(x, y, truth, ptr, best)
    assert (pairwise_rank(x, y, truth)[0] - without[0]).tolist() == (best != truth).long().tolist()


@given(st.integers(0, 2**20), st.integers(1, 60))
def test_order_of_the_candidates_does_not_matter(seed, m):
    x, y = randn(8, 5, seed=seed).float(), randn(m, 5, seed=seed + 1).float()
    truth = randint(m, 8, seed=seed)
    order = torch.randperm(m, generator=torch.Generator().manual_seed(seed))
    moved = pairwise_rank(x, y[order], order.argsort()[truth])
    assert lists(moved) == lists(pairwise_rank(x, y, truth))


def test_parts_of_the_queries_have_the_same_ranks():
    x, y, truth = randn(700, 7).float(), randn(900, 7, seed=1).float(), randint(900, 700)
    whole = pairwise_rank(x, y, truth)
    for part in (slice(0, 1), slice(3, 50), slice(400, 700)):
        got = pairwise_rank(x[part], y, truth[part])
        assert lists(got) == lists(tuple(side[part] for side in whole))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_never_ranked(bad, device):
    x, y = torch.ones(2, 3, device=device), torch.ones(4, 3, device=device)
    truth = torch.zeros(2, dtype=torch.int64, device=device)
    for name, sides in (("x", (x.clone(), y)), ("y", (x, y.clone()))):
        sides[name == "y"][1, 2] = bad
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            pairwise_rank(*sides, truth)


def test_products_that_might_overflow_are_refused():
    x, truth = torch.tensor([[3e38, -3e38]]), torch.tensor([0])
    with pytest.raises(ValueError, match="norms 4.2e\\+38 and 1.4: scale them"):
        pairwise_rank(x, torch.ones(1, 2), truth)
    assert lists(pairwise_rank(x.double(), torch.ones(1, 2), truth)) == ([0], [0])


def test_no_queries_have_no_ranks_whatever_the_candidates():
    none = torch.zeros(0, dtype=torch.int64)
    large = torch.full((3, 2), 3e38)
    assert lists(pairwise_rank(torch.ones(0, 2), large, none)) == ([], [])
    assert lists(pairwise_rank(torch.ones(0, 2).double(), 5e269 * large.double(), none)) == ([], [])
    with pytest.raises(ValueError, match="y must be finite"):
        pairwise_rank(torch.ones(0, 2), large * 10, none)


def test_candidates_of_one_sum_of_bits_are_told_apart(monkeypatch):
    monkeypatch.setattr("graphlab._distinct_rows._FACTORS", (0, 2))
    y = torch.tensor([[1.0, 5.0], [2.0, 5.0], [1.0, 5.0], [3.0, 6.0]])
    x, truth = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([0, 1])
    found = reference.pairwise_rank(x, y, truth, None, None, None)
    assert lists(found) == brute_force(x, y, truth)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"truth": torch.tensor([0, 5, 1])}, IndexError, r"truth\[1\] = 5 is outside \[0, 5\)"),
        ({"truth": torch.tensor([0])}, ValueError, "truth must have 3 entries, got 1"),
        ({"y": torch.ones(5, 3)}, ValueError, "y must have 2 columns"),
        ({"truth_ptr": torch.tensor([0, 3])}, ValueError, "truth_ptr must have 4 entries, got 2"),
        (
            {"truth_ptr": torch.tensor([0, 2, 1, 3])},
            ValueError,
            r"truth_ptr must ascend",
        ),
        (
            {"truth_ptr": torch.tensor([0, 1, 1, 2])},
            ValueError,
            r"truth_ptr must ascend from 0 to 3, got 0 to 2",
        ),
        ({"filter": torch.zeros(0).long()}, ValueError, "must be given together"),
        (
            {"filter": torch.tensor([7]), "filter_ptr": torch.tensor([0, 0, 0, 1])},
            IndexError,
            r"filter\[0\] = 7",
        ),
        (
            {"filter": torch.tensor([1]), "filter_ptr": torch.tensor([0, 1])},
            ValueError,
            "filter_ptr must have 4 entries, got 2",
        ),
    ],
)
def test_bad_input_is_refused_by_name(change, error, words):
    arguments = {"x": torch.ones(3, 2), "y": torch.ones(5, 2), "truth": torch.zeros(3).long()}
    with pytest.raises(error, match=words):
        pairwise_rank(**arguments | change)


def test_memory_does_not_hold_all_pairs():
    code = """
        x, y = torch.randn(9_000, 8), torch.randn(9_000, 8)
        truth = torch.arange(9_000)
        def work():
            graphlab.ops.pairwise_rank(x, y, truth)
        size = 9_000 * 9_000 * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.6 * size
