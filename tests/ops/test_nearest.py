"""Best rows without the matrix of scores: the definition, ties, what is left out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import pairwise_topk, unit_rows
from tests.ops._memory import peak_growth


def dense(score, k):
    """The definition: a stable sort of whole rows."""
    value, index = torch.sort(score, dim=1, descending=True, stable=True)
    value, index = value[:, :k], index[:, :k]
    missing = k - value.size(1)
    value = torch.nn.functional.pad(value, (0, missing), value=-torch.inf)
    index = torch.nn.functional.pad(index, (0, missing), value=-1)
    return value, index.masked_fill(value == -torch.inf, -1)


def whole(rows, cols, levels, seed=0):
    """Matrices of whole numbers: exact products with many ties."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-levels, levels + 1, (rows, cols), generator=generator).double()


@pytest.mark.parametrize("width", [16, 64, 100])
def test_equal_rows_are_taken_in_their_order(width, device):
    generator = torch.Generator().manual_seed(1)
    y = torch.randn(1, width, generator=generator).repeat(6, 1).to(device)
    x = torch.randn(5, width, generator=generator).to(device)
    assert pairwise_topk(x, y, 6)[1].tolist() == [[*range(6)]] * 5


@given(st.integers(0, 2**20), st.integers(1, 40), st.integers(1, 40), st.integers(1, 45))
def test_equals_a_stable_sort(seed, n, m, k):
    x, y = whole(n, 3, 1 + seed % 3, seed), whole(m, 3, 1 + seed % 3, seed + 1)
    got, want = pairwise_topk(x, y, k), dense(x @ y.t(), k)
    assert got[0].equal(want[0]) and got[1].equal(want[1])
    own = (x @ x.t()).fill_diagonal_(-torch.inf)
    got, want = pairwise_topk(x, k=k), dense(own, k)
    assert got[0].equal(want[0]) and got[1].equal(want[1])


def test_filters_leave_rows_out():
    x, y = whole(9, 4, 5), whole(12, 4, 5, seed=1)
    count = torch.tensor([0, 3, 1, 0, 12, 2, 0, 5, 1])
    ptr = torch.cat([torch.zeros(1, dtype=torch.int64), count.cumsum(0)])
    generator = torch.Generator().manual_seed(2)
    index = torch.cat([torch.randperm(12, generator=generator)[:c] for c in count.tolist()])
    score = x @ y.t()
    for row in range(9):
        score[row, index[ptr[row] : ptr[row + 1]]] = -torch.inf
    value, best = pairwise_topk(x, y, 10, ptr, index)
    assert value.equal(dense(score, 10)[0]) and best.equal(dense(score, 10)[1])
    assert (best[4] == -1).all() and (value[4] == -torch.inf).all()


def test_chunks_change_nothing(monkeypatch):
    x = whole(50, 4, 2)
    want = pairwise_topk(x, k=7)
    ptr, index = torch.arange(51), torch.arange(50).flip(0)
    kept = pairwise_topk(x, x, 7, ptr, index)
    monkeypatch.setattr("graphlab.ops.reference.rows.CHUNK_ELEMENTS", 150)
    for got, all_at_once in (
        (pairwise_topk(x, k=7), want),
        (pairwise_topk(x, x, 7, ptr, index), kept),
    ):
        assert got[0].equal(all_at_once[0]) and got[1].equal(all_at_once[1])


@pytest.mark.parametrize("count", [1, 3, 4, 17, 33, 128, 129])
@pytest.mark.parametrize("k", [1, 30])
def test_few_queries_get_what_many_get(count, k):
    x, y = whole(400, 6, 2), whole(900, 6, 2, seed=1)
    ptr, index = torch.arange(401), torch.arange(400).flip(0)
    for filters in ((), (ptr, index)):
        part = (ptr[: count + 1], index[:count]) if filters else ()
        value, best = pairwise_topk(x, y, k, *filters)
        got = pairwise_topk(x[:count], y, k, *part)
        assert got[0].equal(value[:count]) and got[1].equal(best[:count])


@pytest.mark.parametrize("width", [3, 16, 33, 47])
@pytest.mark.parametrize("count", [1, 4, 40, 140])
@pytest.mark.compiled
def test_equal_rows_follow_each_other(width, count):
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(rows, width, generator=generator) for rows in (140, 501))
    for queries in (x[:count], x[:count].double()):
        index = pairwise_topk(queries, torch.cat([y, y]), 20)[1].view(-1, 10, 2)
        assert (index[..., 1] - index[..., 0]).unique().tolist() == [501]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [1, 3, 7, 8, 16, 31, 66])
def test_values_are_the_products_whatever_the_number_of_queries(width, dtype):
    generator = torch.Generator().manual_seed(width)
    x, y = (torch.randn(rows, width, generator=generator, dtype=dtype) for rows in (140, 207))
    for count in (1, 2, 3, 4, 20, 129, 140):
        value, index = pairwise_topk(x[:count], y, 9)
        score = x[:count].double() @ y.double().t()
        torch.testing.assert_close(value.double(), dense(score, 9)[0], rtol=1e-5, atol=1e-5)
        own = score.gather(1, index)
        torch.testing.assert_close(value.double(), own, rtol=1e-5, atol=1e-5)


def test_cosine_is_the_product_of_unit_rows():
    x = torch.randn(30, 5, generator=torch.Generator().manual_seed(0))
    x[3] = 0
    value, index = pairwise_topk(x, k=4, metric="cosine")
    want = pairwise_topk(unit_rows(x), k=4)
    assert value.equal(want[0]) and index.equal(want[1])
    assert value[3].tolist() == [0.0] * 4 and index[3].tolist() == [0, 1, 2, 4]
    half = pairwise_topk(x.bfloat16(), x.bfloat16(), 3)[0]
    assert half.dtype == torch.float32 and not half.requires_grad


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((torch.ones(3, 2), 2), TypeError, "got int: write k=2"),
        ((torch.ones(3, 2), torch.ones(3, 3)), ValueError, "y must have 2 columns"),
        ((torch.ones(3, 2), None, 0), ValueError, "k must be at least 1"),
        ((torch.ones(3, 2) / 0,), ValueError, "x must be finite"),
        ((torch.ones(3, 2).long(),), TypeError, "x must be floating point"),
        ((torch.ones(1, 2), None, 1, torch.tensor([0, 0])), ValueError, "given together"),
        (
            (torch.ones(1, 2), None, 1, torch.tensor([0, 1]), torch.tensor([5])),
            IndexError,
            r"filter\[0\] = 5",
        ),
        (
            (torch.ones(2, 2), None, 1, torch.tensor([0, 1]), torch.tensor([0])),
            ValueError,
            "filter_ptr must have 3 entries, got 2",
        ),
        ((torch.tensor([[3e38, -3e38]]), torch.tensor([[3e38, 3e38]]), 1), ValueError, "overflow"),
    ],
)
def test_bad_arguments(arguments, error, match):
    with pytest.raises(error, match=match):
        pairwise_topk(*arguments)
    with pytest.raises(ValueError, match="metric must be one of"):
        pairwise_topk(torch.ones(2, 2), metric="l2")


@pytest.mark.parametrize("metric", ["dot", "cosine"])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_values_that_are_not_finite_are_refused(metric, bad):
    x, y = torch.ones(2, 3), torch.ones(4, 3)
    y[3, 1] = bad
    for other in (x, torch.zeros(0, 3)):
        with pytest.raises(ValueError, match=r"y must be finite, but y\[\(3, 1\)\]"):
            pairwise_topk(other, y, 1, metric=metric)
        with pytest.raises(ValueError, match=r"x must be finite, but x\[\(3, 1\)\]"):
            pairwise_topk(y, other, 1, metric=metric)


def test_long_rows_beside_short_ones_are_taken():
    """The squares of the long ones overflow, the products do not."""
    value, index = pairwise_topk(torch.full((1, 2), 1e-20), torch.tensor([[1e30, 0], [0, 2e30]]), 1)
    assert index.tolist() == [[1]] and value.item() == pytest.approx(2e10)


def test_no_rows():
    value, index = pairwise_topk(torch.ones(0, 2), k=2)
    assert value.shape == index.shape == (0, 2)
    value, index = pairwise_topk(torch.ones(2, 2), torch.ones(0, 2), 1)
    assert index.tolist() == [[-1], [-1]]


@pytest.mark.slow
def test_values_that_become_wrong_later_are_found():
    """What is remembered of a matrix ends with its change."""
    x, y = torch.ones(1, 3), torch.ones(5, 3)
    for _ in range(2):
        assert pairwise_topk(x, y, 1)[1].item() == 0
    y[3, 1] = float("nan")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"y must be finite, but y\[\(3, 1\)\]"):
            pairwise_topk(x, y, 1)
    y[3, 1] = 2
    assert pairwise_topk(x, y, 1)[1].item() == 3


def test_memory_is_linear():
    growth, size = peak_growth(
        """
        x = torch.randn(12_000, 16)
        size = 4 * 12_000**2  # bytes of the matrix of all pairs
        def work():
            graphlab.ops.pairwise_topk(x)
        """
    )
    assert growth < size / 8
