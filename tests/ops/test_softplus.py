"""Sums of softplus over pairs: the definition, extremes, sides of the gradient, memory."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import pairwise_softplus
from graphlab.ops.library import active_kernel
from tests.ops._cases import OPS, rand, randn, relative_error
from tests.ops._memory import peak_growth


def dense(x, y):
    """The definition with an N x M matrix."""
    logits = x @ y.t()
    return torch.logaddexp(logits, torch.zeros_like(logits)).sum(1)


@pytest.mark.parametrize("shape", [(7, 90, 3), (200, 13, 33), (500, 900, 8)])
def test_equals_the_dense_sums_and_their_gradients(shape, device):
    n, m, dim = shape
    x, y = (randn(k, dim, seed=k).to(device).requires_grad_() for k in (n, m))
    factor = rand(n, seed=1).to(device)
    results = []
    for row in (pairwise_softplus(x, y), dense(x, y)):
        results.append((row, *torch.autograd.grad((row * factor).sum(), (x, y))))
    for got, want in zip(*results, strict=True):
        assert relative_error(got, want) < 1e-12


@pytest.mark.parametrize("wanted", ["x", "y"])
def test_one_side_alone_has_the_same_gradient(wanted, device):
    sides = {"x": randn(40, 9).to(device), "y": randn(70, 9).to(device)}
    leaves = {name: side.clone().requires_grad_() for name, side in sides.items()}
    both = torch.autograd.grad(pairwise_softplus(**leaves).sum(), tuple(leaves.values()))
    alone = sides | {wanted: leaves[wanted]}
    (one,) = torch.autograd.grad(pairwise_softplus(**alone).sum(), leaves[wanted])
    assert relative_error(one, dict(zip(sides, both, strict=True))[wanted]) < 1e-13


@pytest.mark.parametrize("size", [1e-3, 1.0, 46.0, 1800.0, 1e6])
def test_digits_at_any_size(size, device):
    x = torch.linspace(-size, size, 801).view(-1, 1)
    ones = torch.ones(3, 1)
    got = pairwise_softplus(x.to(device), ones.to(device))
    want = dense(x.double(), ones.double())
    seen = want > 1e-37  # below, float32 has no digits left
    error = ((got.double().cpu() - want).abs() / want)[seen]
    # Where the sum is tiny, the rounding of the logit times log2 e shows.
    assert float(error.max()) < 1e-5
    assert float(error[(want > 1)[seen]].max()) < 1e-6


def test_sums_of_tiny_terms_keep_their_digits(device):
    x = torch.full((2, 1), -50.0, device=device)
    got = pairwise_softplus(x, torch.ones(1000, 1, device=device))
    assert got.tolist() == pytest.approx([1000 * math.exp(-50)] * 2, rel=1e-5)


def test_long_sums_are_accurate(device):
    x, y = randn(3, 4), randn(300_000, 4, seed=1)
    got = pairwise_softplus(x.float().to(device), y.float().to(device))
    assert relative_error(got, dense(x, y)) < 1e-6


def test_what_is_not_finite_stays_visible(device):
    x = torch.ones(5, 2, device=device)
    x[1, 0], x[2, 1], x[3, 0] = math.inf, math.nan, -math.inf
    got = pairwise_softplus(x, torch.ones(7, 2, device=device)).tolist()
    assert got[1] == math.inf and math.isnan(got[2]) and got[3] == 0
    assert got[0] == got[4] == pytest.approx(7 * math.log1p(math.exp(2)), rel=1e-6)
    big = torch.full((2, 1), 1e30, device=device)
    assert pairwise_softplus(big, big).tolist() == [math.inf] * 2
    assert pairwise_softplus(big, -big).tolist() == [0.0] * 2


def test_an_infinite_row_spoils_no_other_gradient(device):
    x = torch.ones(3, 2, device=device, requires_grad=True)
    y = torch.ones(4, 2, device=device)
    y[1] = -math.inf
    pairwise_softplus(x, y[[0, 2, 3]]).sum().backward()
    want = x.grad.clone()
    value = pairwise_softplus(x, y)
    assert bool(value.isfinite().all())
    assert relative_error(value, pairwise_softplus(x, y[[0, 2, 3]])) < 1e-6
    assert bool(want.isfinite().all())


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
def test_order_of_the_rows_does_not_matter(seed, n, m):
    x, y = randn(n, 3, seed=seed), randn(m, 3, seed=seed)
    order = torch.randperm(m, generator=torch.Generator().manual_seed(seed))
    assert relative_error(pairwise_softplus(x, y[order]), pairwise_softplus(x, y)) < 1e-13


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 30))
def test_both_signs_differ_by_the_logits(seed, n, m):
    x, y = randn(n, 3, seed=seed), randn(m, 3, seed=seed + 1)
    difference = pairwise_softplus(x, y) - pairwise_softplus(-x, y)
    torch.testing.assert_close(difference, (x @ y.t()).sum(1), rtol=1e-10, atol=1e-10)


def test_half_and_mixed_precision(device):
    x, y = randn(4, 3).to(device), randn(5, 3).to(device)
    assert pairwise_softplus(x.half(), y.bfloat16()).dtype == torch.float32
    assert pairwise_softplus(x.float(), y).dtype == torch.float64
    half = x.half().requires_grad_()
    pairwise_softplus(half, half).sum().backward()
    assert half.grad.dtype == torch.float16


def test_kernels_check_their_arguments(kernels):
    if not kernels.compiled or active_kernel("pairwise_softplus", "cpu") == "pure":
        pytest.skip("a promise of the compiled kernels")
    x = torch.ones(3, 2)
    with pytest.raises(RuntimeError, match="y must have size 2 along axis 1, got 3"):
        OPS.pairwise_softplus(x, torch.ones(3, 3))
    with pytest.raises(RuntimeError, match="grad must have size 3 along axis 0, got 4"):
        OPS.pairwise_softplus_backward(torch.ones(4), x, x, True, True)


@pytest.mark.parametrize("rows", [(9_000, 9_000), (90, 900_000)])
def test_memory_does_not_hold_all_pairs(rows):
    code = f"""
        x, y = (torch.randn(count, 8).requires_grad_() for count in {rows})
        def work():
            graphlab.ops.pairwise_softplus(x, y).sum().backward()
        size = x.shape[0] * y.shape[0] * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.6 * size
