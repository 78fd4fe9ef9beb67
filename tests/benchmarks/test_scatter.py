"""All methods compute the same sums, and the benchmark runs."""

from __future__ import annotations

import argparse

import pytest
import torch

from benchmarks import scatter
from benchmarks._harness.graphs import rmat
from graphlab.ops import CSRGraph


def test_methods_agree():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 5, generator=generator)
    cluster = torch.randint(7, (64,), generator=generator)
    graph = CSRGraph.from_edge_index(rmat(6, 4, 0), 64)
    dense = torch.zeros(64, 64)
    owner = torch.arange(64).repeat_interleave(graph.rowptr.diff())
    dense[owner, graph.col.long()] = 1
    for methods, want in (
        (
            scatter.cluster_methods(cluster, 7),
            torch.nn.functional.one_hot(cluster, 7).float().t() @ x,
        ),
        (scatter.neighbour_methods(graph), dense @ x),
    ):
        assert {"graphlab", "torch.index_add"} <= set(methods)
        for method in methods.values():
            torch.testing.assert_close(method(x), want, rtol=1e-5, atol=1e-5)


def test_means_and_attention_agree():
    rowptr = torch.tensor([0, 3, 3, 10])
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 2], [1, 2, 0]]), 3)
    for methods, x in (
        (scatter.mean_methods(graph), torch.randn(3, 8)),
        (scatter.attention_methods(rowptr), torch.randn(10, 3 * 8)),
    ):
        results = [method(x) for method in methods.values()]
        for result in results[1:]:
            torch.testing.assert_close(result, results[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", scatter.PARTS)
def test_parts_run_small(part):
    rows = scatter.PARTS[part](argparse.Namespace(scale=6, repeats=1))
    assert {row["case"].rsplit(", ", 1)[1] for row in rows} == {"forward", "forward + backward"}
    assert all(row["median_s"] > 0 for row in rows)
