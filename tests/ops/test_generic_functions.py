"""Operators in torch alone, each with a backward of its own: values and derivatives."""

from __future__ import annotations

import pytest
import torch

from graphlab.ops import cluster_outer
from graphlab.ops.distance import squared_distances
from graphlab.ops.soft_cluster import soft_cluster_outer
from graphlab.ops.sum_of_rows import sum_of_rows
from graphlab.ops.tiles import by_tiles
from tests.ops._cases import randint, randn


def leaves(*shapes):
    return [randn(*shape, seed=k).requires_grad_() for k, shape in enumerate(shapes)]


def test_squared_distances():
    x, points = leaves((7, 3), (4, 3))
    torch.testing.assert_close(squared_distances(x, points), torch.cdist(x, points).square())
    assert torch.autograd.gradcheck(squared_distances, (x, points))
    assert torch.autograd.gradgradcheck(squared_distances, (x, points))


def test_squared_distances_close_to_a_point_do_not_cancel():
    x = torch.full((1, 3), 1e4) + torch.tensor([[0.0, 1e-2, 0.0]])
    points = torch.full((1, 3), 1e4)
    assert torch.equal(squared_distances(x, points), (x - points).square().sum(1, keepdim=True))


def test_moments_of_hard_clusters_are_those_of_soft_ones_with_weights_one():
    (x,) = leaves((20, 3))
    cluster = randint(4, 20)
    weight = torch.nn.functional.one_hot(cluster, 4).to(x.dtype)
    torch.testing.assert_close(soft_cluster_outer(x, weight), cluster_outer(x, cluster, 4))
    assert torch.autograd.gradcheck(lambda x: soft_cluster_outer(x, randn(20, 4).abs()), (x,))


@pytest.mark.parametrize("classes", [3, 2**15])
def test_sums_of_looked_up_rows(classes):
    tables = randn(2, classes, 3).requires_grad_()
    ids = randint(classes, 10, 2)
    want = tables[0, ids[:, 0]] + tables[1, ids[:, 1]]
    torch.testing.assert_close(sum_of_rows(tables, ids), want)
    grad = randn(10, 3, seed=1)
    (ours,) = torch.autograd.grad(sum_of_rows(tables, ids), tables, grad)
    (expected,) = torch.autograd.grad(want, tables, grad)
    torch.testing.assert_close(ours, expected)


def test_tiles_give_the_whole_and_its_derivatives_of_first_order():
    u, v = leaves((7, 3), (5, 3))

    def tile(rows, anchor, u, v):
        return torch.logsumexp(anchor @ v.t(), 1) + anchor @ u.sum(0)

    tiles = [slice(0, 3), slice(3, 6), slice(6, 7)]
    out = by_tiles(tile, tiles, u, v)
    torch.testing.assert_close(out, tile(slice(0, 7), u, u, v))
    assert torch.autograd.gradcheck(lambda u, v: by_tiles(tile, tiles, u, v), (u, v))
    (grad, _) = torch.autograd.grad(out.sum(), (u, v), create_graph=True)
    with pytest.raises(RuntimeError, match="differentiable once"):
        grad.sum().backward()
