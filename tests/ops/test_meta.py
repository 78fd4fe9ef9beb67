"""Meta-node log-sum-exp: exactness, its error bounds, the Python border."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import (
    cluster_outer,
    cluster_sum,
    meta_logsumexp,
    pairwise_logsumexp,
    unit_rows,
)
from tests.ops._cases import OPS, rand, randint, randn, relative_error


def moments(u, cluster, clusters):
    """Sizes, means and covariances of clusters of rows."""
    count = torch.bincount(cluster, minlength=clusters).to(u.dtype)
    size = count.clamp(min=1)
    mean = cluster_sum(u, cluster, clusters) / size[:, None]
    second = cluster_outer(u, cluster, clusters) / size[:, None, None]
    return count, mean, second - mean[:, :, None] * mean[:, None, :]


def dense(u, count, mean, cov, tau):
    """The definition with N x K x D temporaries."""
    logits = tau * u @ mean.t() + count.log()
    if cov is not None:
        logits = logits + 0.5 * tau**2 * torch.einsum("nd,kde,ne->nk", u, cov, u)
    return logits.logsumexp(1)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(("n", "k", "d"), [(70, 5, 3), (700, 3, 16), (40, 2, 37)])
def test_equals_the_dense_sum_and_its_gradients(n, k, d, order, device):
    u = unit_rows(randn(n, d)).to(device).requires_grad_()
    mean = (0.5 * randn(k, d)).to(device).requires_grad_()
    cov = (0.2 * randn(k, d, d)).to(device).requires_grad_() if order == 2 else None
    count = (9 * rand(k)).to(device)
    got, want = meta_logsumexp(u, count, mean, cov, tau=1.4), dense(u, count, mean, cov, 1.4)
    assert relative_error(got, want) < 1e-13
    wanted = [t for t in (u, mean, cov) if t is not None]
    factor = randn(n).to(device)
    grads = [torch.autograd.grad((out * factor).sum(), wanted) for out in (got, want)]
    for g, w in zip(*grads, strict=True):
        assert relative_error(g, w) < 1e-12


def test_exact_when_the_members_of_a_cluster_agree(device):
    centers = unit_rows(randn(4, 5)).to(device)
    cluster = randint(4, 60).to(device)
    u = centers[cluster]
    count, mean, cov = moments(u, cluster, 4)
    exact = pairwise_logsumexp(u, u, scale=2.0)
    assert relative_error(meta_logsumexp(u, count, mean, tau=2.0), exact) < 1e-13
    assert relative_error(meta_logsumexp(u, count, mean, cov, tau=2.0), exact) < 1e-12


@given(st.integers(0, 2**31), st.integers(2, 50), st.integers(1, 5), st.floats(0.1, 3.0))
def test_error_stays_within_the_bounds(seed, n, k, tau):
    u, cluster = unit_rows(randn(n, 4, seed=seed)), randint(k, n, seed=seed)
    count, mean, cov = moments(u, cluster, k)
    exact = pairwise_logsumexp(u, u, scale=tau)
    spread = max(
        float((p.amax(1) - p.amin(1)).max())
        for c in range(k)
        if (p := u @ u[cluster == c].t()).numel()
    )
    first = meta_logsumexp(u, count, mean, tau=tau) - exact
    assert float(first.max()) < 1e-9 and float(first.min()) > -(tau**2) * spread**2 / 8 - 1e-9
    second = meta_logsumexp(u, count, mean, cov, tau=tau) - exact
    assert float(second.abs().max()) < tau**3 * spread**3 / (36 * math.sqrt(3)) + 1e-9


def test_clusters_without_mass_are_left_out(device):
    u, mean = unit_rows(randn(9, 3)).to(device), randn(3, 3).to(device)
    cov = randn(3, 3, 3).to(device)
    count = torch.tensor([2.0, 0.0, 5.0], device=device).double()
    kept = [0, 2]
    want = meta_logsumexp(u, count[kept], mean[kept], cov[kept], tau=1.0)
    assert relative_error(meta_logsumexp(u, count, mean, cov, tau=1.0), want) < 1e-14
    mean.requires_grad_()
    meta_logsumexp(u, count, mean, cov, tau=1.0).sum().backward()
    assert not mean.grad[1].any() and bool(mean.grad[0].any())


def test_no_mass_at_all_is_minus_infinity_without_gradient(device):
    u = randn(4, 2).to(device).requires_grad_()
    nothing = torch.zeros(3, device=device).double()
    out = meta_logsumexp(u, nothing, randn(3, 2).to(device), tau=1.0)
    (grad,) = torch.autograd.grad(out.sum(), u)
    assert out.tolist() == [-math.inf] * 4 and not grad.any()


@pytest.mark.parametrize("tau", [1e-3, 50.0, 2000.0])
def test_any_temperature_is_finite(tau, device):
    u = unit_rows(randn(40, 5)).float().to(device).requires_grad_()
    cov = 1e-3 * torch.eye(5, device=device).expand(6, 5, 5)
    args = (rand(6).float().to(device), unit_rows(randn(6, 5)).float().to(device), cov)
    out = meta_logsumexp(u, *args, tau=tau)
    out.sum().backward()
    assert bool(out.isfinite().all()) and bool(u.grad.isfinite().all())


def test_half_precision_is_read_as_single(device):
    u = unit_rows(randn(4, 2)).to(device, torch.bfloat16).requires_grad_()
    out = meta_logsumexp(u, rand(3).to(device).bfloat16(), randn(3, 2).to(device).half(), tau=1.0)
    out.sum().backward()
    assert out.dtype == torch.float32 and u.grad.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"u": [[1.0]]}, TypeError, "u must be a torch.Tensor"),
        ({"u": torch.ones(2).long()}, TypeError, "u must be floating point"),
        ({"count": [1.0]}, TypeError, "count must be a torch.Tensor"),
        ({"count": torch.ones(2)}, ValueError, r"count must have shape \(3,\)"),
        ({"count": torch.tensor([1.0, -1.0, 2.0])}, ValueError, "count must be non-negative"),
        ({"mean": torch.ones(3, 4)}, ValueError, "mean must have 2 columns"),
        ({"cov": torch.ones(3, 2)}, ValueError, r"cov must have shape \(3, 2, 2\)"),
        ({"tau": 0.0}, ValueError, "tau must be positive"),
        ({"tau": None}, TypeError, "tau must be a real number"),
    ],
)
def test_bad_input_is_refused_by_name(change, error, words):
    arguments = {"u": torch.ones(4, 2), "count": torch.ones(3), "mean": torch.ones(3, 2)}
    arguments |= {"cov": None, "tau": 1.0, **change}
    with pytest.raises(error, match=words):
        meta_logsumexp(**arguments)


@pytest.mark.compiled
def test_kernels_check_sizes():
    u, count, mean = torch.ones(4, 2), torch.ones(3), torch.ones(3, 2)
    with pytest.raises(RuntimeError, match="mean must have size 3 along axis 0, got 2"):
        OPS.meta_logsumexp(u, count, mean[:2], None, 1.0)
    with pytest.raises(RuntimeError, match="cov must have size 2 along axis 2, got 5"):
        OPS.meta_logsumexp(u, count, mean, torch.ones(3, 2, 5), 1.0)
    with pytest.raises(RuntimeError, match="lse must have size 4"):
        OPS.meta_logsumexp_backward(torch.ones(4), torch.ones(5), u, count, mean, None, 1.0)
