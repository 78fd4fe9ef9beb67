"""Cluster sums and second moments: identities, accuracy, the Python border."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import cluster_outer, cluster_pair_logsum, cluster_sum, library
from tests.ops._cases import OPS, rand, randint, randn, relative_error


def one_hot(cluster, clusters):
    return torch.nn.functional.one_hot(cluster, clusters).double()


@pytest.mark.parametrize(("n", "d", "k"), [(50, 3, 4), (4000, 10, 3), (3000, 40, 1200)])
def test_sum_is_a_product_with_the_assignment(n, d, k, device):
    x = randn(n, d).to(device).requires_grad_()
    cluster = randint(k, n).to(device)
    got, want = cluster_sum(x, cluster, k), one_hot(cluster, k).t() @ x
    assert relative_error(got, want) < 1e-13
    factor = randn(k, d, seed=1).to(device)
    grads = [torch.autograd.grad((out * factor).sum(), x)[0] for out in (got, want)]
    assert relative_error(*grads) < 1e-14


@pytest.mark.parametrize(("n", "d", "k"), [(50, 3, 4), (3000, 17, 3), (200, 70, 2)])
def test_outer_is_the_sum_of_outer_products(n, d, k, device):
    x = randn(n, d).to(device).requires_grad_()
    cluster = randint(k, n).to(device)
    got = cluster_outer(x, cluster, k)
    want = torch.einsum("nk,nd,ne->kde", one_hot(cluster, k), x, x)
    assert relative_error(got, want) < 1e-12
    factor = randn(k, d, d, seed=1).to(device)
    grads = [torch.autograd.grad((out * factor).sum(), x)[0] for out in (got, want)]
    assert relative_error(*grads) < 1e-12


def test_clusters_without_members_are_zero(device):
    cluster = torch.tensor([3, 3, 1], device=device)
    x = torch.ones(3, 2, device=device)
    assert cluster_sum(x, cluster, 5).tolist() == [[0, 0], [1, 1], [0, 0], [2, 2], [0, 0]]
    assert cluster_outer(x, cluster, 5)[[0, 2, 4]].count_nonzero() == 0


def test_a_million_members_are_summed_accurately(device):
    x = rand(1_000_000, 2).float()
    cluster = torch.zeros(1_000_000, dtype=torch.int64)
    cluster[::7] = 1
    got = cluster_sum(x.to(device), cluster.to(device), 2)
    want = torch.stack([x[cluster == k].double().sum(0) for k in range(2)])
    # Pure torch adds single-precision numbers one after the other.
    limit = 1e-6 if library.active_kernel("cluster_sum", device.type) == "compiled" else 1e-3
    assert relative_error(got, want) < limit


@given(st.integers(0, 2**31), st.integers(0, 60), st.integers(1, 8))
def test_sums_add_up_and_follow_the_names_of_the_clusters(seed, n, k):
    x, cluster = randn(n, 3, seed=seed), randint(k, n, seed=seed)
    total = cluster_sum(x, cluster, k)
    torch.testing.assert_close(total.sum(0), x.sum(0))
    name = torch.randperm(k, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(cluster_sum(x, name[cluster], k)[name], total)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(cluster_sum(x[order], cluster[order], k), total)


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 6))
def test_second_moments_are_symmetric_and_positive(seed, n, k):
    blocks = cluster_outer(randn(n, 4, seed=seed), randint(k, n, seed=seed), k)
    torch.testing.assert_close(blocks, blocks.transpose(1, 2))
    assert float(torch.linalg.eigvalsh(blocks).min()) > -1e-9


def test_int32_clusters_and_half_rows(device):
    cluster = torch.tensor([0, 1, 1], device=device, dtype=torch.int32)
    x = torch.ones(3, 2, device=device, dtype=torch.float16, requires_grad=True)
    out = cluster_sum(x, cluster, 2)
    out.sum().backward()
    assert out.dtype == torch.float32 and x.grad.dtype == torch.float16


def test_pair_logsum(device):
    centers = randn(6, 4).to(device)
    weight = torch.tensor([1.0, 0.0, 1.0, 2.0, 1.0, 1.0], device=device).double()
    unit = torch.nn.functional.normalize(centers)
    cosine = (unit @ unit.t()).fill_diagonal_(0.0)
    want = (weight * torch.exp(0.7 * cosine)).sum(1).log()
    assert relative_error(cluster_pair_logsum(centers, 0.7, weight), want) < 1e-13
    assert cluster_pair_logsum(centers, 0.7, 0 * weight).tolist() == [-math.inf] * 6


def test_pair_logsum_of_an_empty_cluster_has_a_finite_gradient(device):
    centers = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], device=device, requires_grad=True)
    cluster_pair_logsum(centers, 1.0).sum().backward()
    assert bool(centers.grad.isfinite().all()) and not centers.grad[1].any()


@pytest.mark.parametrize("function", [cluster_sum, cluster_outer])
@pytest.mark.parametrize(
    ("x", "cluster", "clusters", "error", "words"),
    [
        ([1.0], torch.tensor([0]), 1, TypeError, "x must be a torch.Tensor"),
        (torch.ones(2).long(), torch.tensor([0]), 1, TypeError, "x must be floating point"),
        (torch.ones(2), torch.tensor([0, 0]), 1, ValueError, "x must be 2-D"),
        (torch.ones(2, 1), torch.tensor([0.0, 0.0]), 1, TypeError, "cluster must be int64"),
        (torch.ones(2, 1), torch.tensor([0]), 1, ValueError, "cluster must have 2 entries"),
        (torch.ones(2, 1), torch.tensor([0, 4]), 3, IndexError, r"cluster\[1\] = 4 is outside"),
        (torch.ones(2, 1), torch.tensor([-1, 0]), 3, IndexError, r"cluster\[0\] = -1 is outside"),
        (torch.ones(2, 1), torch.tensor([0, 0]), 0, ValueError, "num_clusters must be at least 1"),
        (torch.ones(2, 1), torch.tensor([0, 0]), 1.5, TypeError, "num_clusters must be an int"),
    ],
)
def test_bad_input_is_refused_by_name(function, x, cluster, clusters, error, words):
    with pytest.raises(error, match=words):
        function(x, cluster, clusters)


@pytest.mark.parametrize("value", [4, 3, -1, -(2**63), 2**63 - 1])
@pytest.mark.compiled
def test_kernels_never_write_out_of_range(value):
    cluster = torch.zeros(300_000, dtype=torch.int64)
    cluster[200_006] = value
    x = torch.ones(300_000, 1)
    words = rf"cluster\[200006\] = {value} is outside \[0, 3\)"
    calls = [
        lambda: OPS.cluster_sum(x, cluster, 3),
        lambda: OPS.cluster_outer(x, cluster, 3),
        lambda: OPS.cluster_gather(torch.ones(3, 1), cluster),
        lambda: OPS.cluster_outer_backward(torch.ones(3, 1, 1), x, cluster),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match=words):
            call()


@pytest.mark.compiled
def test_scratch_beyond_the_address_space_is_refused():
    with pytest.raises(MemoryError):
        OPS.cluster_outer(torch.ones(0, 0), torch.zeros(0, dtype=torch.long), 2**61)


@pytest.mark.compiled
def test_kernels_check_sizes():
    x, cluster = torch.ones(2, 3), torch.tensor([0, 0])
    with pytest.raises(RuntimeError, match="num_clusters must be non-negative, got -1"):
        OPS.cluster_sum(x, cluster, -1)
    with pytest.raises(RuntimeError, match=r"cluster\[0\] = 0 is outside \[0, 0\)"):
        OPS.cluster_sum(x, cluster, 0)
    with pytest.raises(RuntimeError, match="cluster must have size 2 along axis 0, got 1"):
        OPS.cluster_sum(x, cluster[:1], 1)
    with pytest.raises(RuntimeError, match="grad must have size 3 along axis 2, got 2"):
        OPS.cluster_outer_backward(torch.ones(1, 3, 2), x, cluster)
