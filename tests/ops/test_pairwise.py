"""Tiled log-sum-exp over pairs: identities, extremes, the Python border, memory."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import pairwise_logsumexp, self_logsumexp, unit_rows
from tests.ops._cases import OPS, rand, randn, relative_error
from tests.ops._memory import peak_growth

DIAGONALS = ["keep", "exclude", "zero"]


def dense(x, y, scale=1.0, x_weight=None, y_weight=None, diagonal="keep"):
    """The definition with an N x M matrix."""
    logits = scale * x @ y.t()
    on_diagonal = torch.eye(*logits.shape, dtype=torch.bool, device=x.device)
    if diagonal != "keep":
        logits = logits.masked_fill(on_diagonal, -math.inf if diagonal == "exclude" else 0.0)
    rows = logits if y_weight is None else logits + y_weight.log()
    cols = logits if x_weight is None else logits + x_weight.log()[:, None]
    return rows.logsumexp(1), cols.logsumexp(0)


@pytest.mark.parametrize("diagonal", DIAGONALS)
@pytest.mark.parametrize("scale", [0.5, -2.0, 40.0])
def test_equals_the_dense_sums_and_their_gradients(scale, diagonal, device):
    x = unit_rows(randn(37, 8)).to(device).requires_grad_()
    y = unit_rows(randn(90, 8)).to(device).requires_grad_()
    options = {"scale": scale, "x_weight": rand(37).to(device), "y_weight": rand(90).to(device)}
    got = pairwise_logsumexp(x, y, **options, diagonal=diagonal, columns=True)
    want = dense(x, y, **options, diagonal=diagonal)
    factors = rand(37, seed=1).to(device), rand(90, seed=1).to(device)
    results = []
    for row, col in (got, want):
        total = (row * factors[0]).sum() + (col * factors[1]).sum()
        results.append((row, col, *torch.autograd.grad(total, (x, y))))
    for g, w in zip(*results, strict=True):
        assert relative_error(g, w) < 1e-12


@pytest.mark.parametrize("diagonal", DIAGONALS)
def test_self_is_the_pair_with_itself(diagonal, device):
    x = randn(800, 5).to(device).mul(0.3).requires_grad_()
    alone = self_logsumexp(x, scale=0.7, diagonal=diagonal)
    pair = pairwise_logsumexp(x, x, scale=0.7, diagonal=diagonal)
    assert relative_error(alone, pair) < 1e-13
    factor = rand(800).to(device)
    grads = [torch.autograd.grad((r * factor).sum(), x)[0] for r in (alone, pair)]
    assert relative_error(*grads) < 1e-12


#: Below, at and above whole vectors of every instruction set, and whole blocks of rows.
WIDTHS = [1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 50, 64]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("counts", [(1, 33), (13, 700), (384, 391), (385, 40), (0, 5)])
def test_every_width_of_rows_beside_few_or_many(counts, width, dtype, device):
    x = (randn(counts[0], width) / width**0.5).to(device, dtype).requires_grad_()
    y = (randn(counts[1], width, seed=1) / width**0.5).to(device, dtype).requires_grad_()
    factor = rand(counts[0], seed=2).to(device, dtype)
    got, want = pairwise_logsumexp(x, y, scale=1.5), dense(x, y, scale=1.5)[0]
    bound = 1e-5 if dtype == torch.float32 else 1e-12
    assert relative_error(got, want) < bound
    grads = [torch.autograd.grad((r * factor).sum(), (x, y)) for r in (got, want)]
    for g, w in zip(*grads, strict=True):
        assert relative_error(g, w) < 10 * bound


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_one_large_number_is_seen_wherever_it_stands(count, width, device):
    y = torch.ones(5, width, device=device)
    for row, column in {(0, 0), (count // 2, width - 1), (count - 1, width // 2)}:
        x = torch.zeros(count, width, device=device)
        x[row, column] = 200.0  # beyond the range of exponentials
        assert relative_error(pairwise_logsumexp(x, y), dense(x, y)[0]) < 1e-5
        x[row, column] = math.nan
        nan = pairwise_logsumexp(y, x)
        assert bool(nan.isnan().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_one_row_alone(dtype, device):
    x = torch.ones(1, 2, device=device, dtype=dtype, requires_grad=True)
    assert self_logsumexp(x, diagonal="exclude").tolist() == [-math.inf]
    assert self_logsumexp(x, diagonal="zero").tolist() == [0.0]
    assert self_logsumexp(x, diagonal="keep").tolist() == pytest.approx([2.0])
    self_logsumexp(x, diagonal="exclude").sum().backward()
    assert not x.grad.any()


def test_empty_sums_are_minus_infinity_without_gradient(device):
    x = randn(3, 2).to(device).requires_grad_()
    none = torch.zeros(4, device=device).double()
    for y, weight in ((randn(0, 2).to(device), None), (randn(4, 2).to(device), none)):
        row = pairwise_logsumexp(x, y, y_weight=weight)
        assert row.tolist() == [-math.inf] * 3
        (grad,) = torch.autograd.grad(row.sum(), x)
        assert not grad.any()


@pytest.mark.parametrize("size", [30.0, 1e3, 1e9, 1e18])
def test_large_logits_neither_overflow_nor_drown(size, device):
    x = unit_rows(randn(50, 6)).float().to(device)
    row = pairwise_logsumexp(x * size, x, scale=1.0)
    want = dense(x.double() * float(torch.tensor(size).float()), x.double())[0]
    assert relative_error(row, want) < 1e-6
    y = (x * size).requires_grad_()
    pairwise_logsumexp(y, x).sum().backward()
    assert bool(y.grad.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("columns", [False, True])
def test_a_part_of_the_rows_against_all_of_them(columns, dtype, device):
    x = randn(40, 5).to(device, dtype)
    x[30] *= 1000  # large logits that the part, which begins where x does, knows nothing of
    for a, b in ((x[:7], x), (x, x[:7])):
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        got = pairwise_logsumexp(a, b, columns=columns)
        want = dense(a, b)
        pairs = list(zip(got if columns else (got,), want, strict=False))
        for g, w in pairs:
            assert relative_error(g, w) < 1e-5
        grads = [torch.autograd.grad(sum(p[i].sum() for p in pairs), (a, b)) for i in (0, 1)]
        for g, w in zip(*grads, strict=True):
            assert relative_error(g, w) < 1e-3


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("order", ["rising", "falling", "jumping"])
def test_a_maximum_far_behind_is_raised_in_time(order, weighted, columns, device):
    # Logits of a row from -600 to 600: more than one exponential of float32 spans.
    size = torch.linspace(-20.0, 20.0, 901)
    place = {"rising": slice(None), "falling": torch.arange(900, -1, -1)}
    size = size[place.get(order, rand(901, seed=4).argsort())].unsqueeze(1).to(device)
    x = torch.linspace(-30.0, 30.0, 61, device=device).unsqueeze(1)
    weight = (rand(901, seed=5).abs() * (rand(901, seed=6) > 0)).to(device) if weighted else None
    found = pairwise_logsumexp(x, size, y_weight=weight, columns=columns)
    row, col = dense(x.double(), size.double(), y_weight=weight)
    assert relative_error(found[0] if columns else found, row) < 1e-6
    if columns:
        assert relative_error(found[1], col) < 1e-6
    grad = torch.autograd.functional.jacobian(
        lambda x: pairwise_logsumexp(x, size, y_weight=weight).sum(), x
    )
    wanted = torch.autograd.functional.jacobian(
        lambda x: dense(x, size.double(), y_weight=weight)[0].sum(), x.double()
    )
    assert relative_error(grad, wanted) < 1e-4  # a logit of 600 is off by 3e-5 in float32


def test_overflowing_logits_are_infinite(device):
    x = torch.full((2, 1), 1e30, device=device)
    assert pairwise_logsumexp(x, x).tolist() == [math.inf, math.inf]
    assert pairwise_logsumexp(x, -x).tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("columns", [False, True])
def test_an_infinite_feature_gives_infinite_sums(columns, dtype, device):
    # Neither side fills whole tiles: what fills them up has no part in this.
    x = rand(5, 2).to(device, dtype)
    y = rand(37, 2, seed=1).to(device, dtype)
    y[1, 0] = math.inf
    for a, b in ((x, y), (y, x)):
        got = pairwise_logsumexp(a, b, columns=columns)
        for g, w in zip(got if columns else (got,), dense(a, b), strict=False):
            assert g.isinf().tolist() == w.isinf().tolist()
            assert relative_error(g, w) < 1e-5
    alone = self_logsumexp(y, diagonal="exclude")
    assert alone.tolist() == [math.inf] * 37
    # Less than nothing is nothing.
    assert relative_error(pairwise_logsumexp(x, -y), dense(x, -y)[0]) < 1e-5


def test_an_undefined_row_does_not_hide_large_ones(device):
    x = torch.tensor([[200.0], [math.nan], [0.1]], device=device)
    row = pairwise_logsumexp(x, torch.ones(3, 1, device=device))
    assert row[::2].tolist() == pytest.approx([200 + math.log(3), 0.1 + math.log(3)])
    assert bool(row[1].isnan())


def test_nan_stays_visible(device):
    x = torch.zeros(4, 3, device=device)
    x[2, 1] = math.nan
    y = torch.zeros(5, 3, device=device)
    row, col = pairwise_logsumexp(x, y, columns=True)
    assert row.isnan().tolist() == [False, False, True, False]
    assert bool(col.isnan().all())


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_extreme_weights_shift_the_sum(size, device):
    x = unit_rows(randn(20, 3)).float().to(device)
    weight = rand(20).float().to(device)
    plain = self_logsumexp(x, weight=weight)
    scaled = self_logsumexp(x, weight=weight * size)
    assert relative_error(scaled - math.log(size), plain) < 1e-5
    assert bool(pairwise_logsumexp(x, x, y_weight=weight * size).isfinite().all())


def test_long_rows_are_summed_accurately(device):
    x, y = unit_rows(randn(3, 4)), unit_rows(randn(300_000, 4))
    want = dense(x, y)[0]
    assert (
        relative_error(pairwise_logsumexp(x.float().to(device), y.float().to(device)), want) < 1e-6
    )
    row, col = pairwise_logsumexp(y.float().to(device), x.float().to(device), columns=True)
    assert relative_error(col, want) < 1e-6 and row.shape == (300_000,)


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
def test_order_of_the_rows_does_not_matter(seed, n, m):
    x, y = randn(n, 3, seed=seed), randn(m, 3, seed=seed)
    order = torch.randperm(m, generator=torch.Generator().manual_seed(seed))
    row, col = pairwise_logsumexp(x, y, columns=True)
    moved_row, moved_col = pairwise_logsumexp(x, y[order], columns=True)
    assert relative_error(moved_row, row) < 1e-13
    assert relative_error(moved_col, col[order]) < 1e-13


@given(st.integers(0, 2**31), st.integers(1, 20), st.floats(-3, 3))
def test_a_common_factor_of_the_weights_comes_out(seed, n, log_factor):
    x = randn(n, 2, seed=seed)
    weight = rand(n, seed=seed)
    plain = self_logsumexp(x, weight=weight, diagonal="zero")
    moved = self_logsumexp(x, weight=weight * math.exp(log_factor), diagonal="zero")
    assert relative_error(moved - log_factor, plain) < 1e-9


def test_half_and_mixed_precision(device):
    x, y = randn(4, 3).to(device), randn(5, 3).to(device)
    assert pairwise_logsumexp(x.half(), y.bfloat16()).dtype == torch.float32
    assert pairwise_logsumexp(x.float(), y).dtype == torch.float64
    half = x.half().requires_grad_()
    self_logsumexp(half).sum().backward()
    assert half.grad.dtype == torch.float16


def test_unit_rows(device):
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1e30, 1e30], [1e-40, 0.0]], device=device)
    x.requires_grad_()
    unit = unit_rows(x)
    half = math.sqrt(0.5)
    expected = torch.tensor([[0.6, 0.8], [0.0, 0.0], [half, half], [1.0, 0.0]])
    torch.testing.assert_close(unit.detach().cpu(), expected)
    unit[:3].sum().backward()
    assert bool(x.grad[:3].isfinite().all()) and not x.grad[1].any()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"x": [[1.0]]}, TypeError, "x must be a torch.Tensor"),
        ({"x": torch.ones(3, 2).long()}, TypeError, "x must be floating point"),
        ({"y": torch.ones(4, 3)}, ValueError, "y must have 2 columns"),
        ({"y": torch.ones(4)}, ValueError, "y must be 2-D"),
        ({"x_weight": torch.ones(2)}, ValueError, r"x_weight must have shape \(3,\)"),
        ({"y_weight": torch.ones(4, 1)}, ValueError, r"y_weight must have shape \(4,\)"),
        ({"y_weight": torch.ones(4).requires_grad_()}, ValueError, "y_weight must not require"),
        ({"x_weight": [1.0] * 3}, TypeError, "x_weight must be a torch.Tensor, got list"),
        ({"x_weight": torch.tensor([1, -2, 0])}, ValueError, r"x_weight\[1\] = -2.0"),
        ({"scale": math.inf}, ValueError, "scale must be finite"),
        ({"scale": torch.tensor(1.0)}, TypeError, "scale must be a real number"),
        ({"diagonal": "none"}, ValueError, "diagonal must be one of 'keep'"),
    ],
)
def test_bad_input_is_refused_by_name(change, error, words):
    arguments = {"x": torch.ones(3, 2), "y": torch.ones(4, 2), **change}
    with pytest.raises(error, match=words):
        pairwise_logsumexp(arguments.pop("x"), arguments.pop("y"), **arguments)


@pytest.mark.compiled
def test_kernels_check_their_arguments():
    x = torch.ones(3, 2)
    with pytest.raises(RuntimeError, match="diagonal must be 0, 1 or 2, got 7"):
        OPS.self_logsumexp(x, None, 1.0, 7)
    with pytest.raises(RuntimeError, match="y must have size 2 along axis 1, got 3"):
        OPS.pairwise_logsumexp(x, torch.ones(3, 3), None, None, 1.0, 0, False)
    with pytest.raises(RuntimeError, match="row_grad and row_lse must come together"):
        nothing = (None,) * 5
        OPS.pairwise_logsumexp_backward(x, x, torch.ones(3), *nothing, 1.0, 0)


def test_memory_does_not_hold_all_pairs():
    code = """
        rows = 9_000
        x = torch.nn.functional.normalize(torch.randn(rows, 8)).requires_grad_()
        def work():
            graphlab.ops.self_logsumexp(x, scale=0.5).sum().backward()
        size = rows * rows * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.6 * size


@pytest.mark.slow
@pytest.mark.compiled
def test_memory_is_a_few_copies_of_the_input():
    code = """
        x = torch.nn.functional.normalize(torch.randn(50_000, 128)).requires_grad_()
        def work():
            graphlab.ops.self_logsumexp(x[:20_000]).sum().backward()
        size = 20_000 * 128 * 4
        x = x.detach()[:20_000].clone().requires_grad_()
    """
    growth, size = peak_growth(code)
    assert growth < 4 * 2 * size
