"""Walk overlaps: dense definition, symmetry, the Python border, large pointers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import (
    CSRGraph,
    SparseRows,
    distinct_ends,
    library,
    walk_overlap,
    walk_overlap_visits,
)
from tests.ops._cases import OPS, graph, rand, randint
from tests.ops._memory import peak_growth


def dense(g: CSRGraph, num_hops: int, beta: float, count: str = "walk") -> torch.Tensor:
    """All overlaps from matrix powers."""
    row, col = g.edge_index()
    pattern = torch.zeros(g.num_nodes, g.num_nodes, dtype=torch.float64)
    pattern[row, col] = 1
    weight = pattern.clone()
    if g.weight is not None:
        weight[row, col] = g.weight.double()
    walks = ends = torch.eye(g.num_nodes, dtype=torch.float64)
    left, right = torch.zeros_like(pattern), torch.zeros_like(pattern)
    for k in range(num_hops):
        walks, ends = walks @ weight, ((ends @ pattern) > 0).double()
        left, right = left + beta**k * walks, right + beta**k * ends
    return (right if count == "set" else left) @ right.t()


@st.composite
def problems(draw):
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    edges = draw(st.lists(st.tuples(node, node), max_size=30))
    index = torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()
    pairs = draw(st.lists(st.tuples(node, node), max_size=20))
    weight = rand(index.size(1)) if draw(st.booleans()) else None
    g = CSRGraph.from_edge_index(index, nodes, weight)
    return g, torch.tensor(pairs, dtype=torch.int64).view(-1, 2).t()


@given(problems(), st.integers(1, 4), st.floats(0.05, 3.0))
def test_is_the_dense_definition(problem, num_hops, beta):
    g, pairs = problem
    counts = ["walk"] if g.weight is not None else ["walk", "set"]
    for count in counts:
        got = walk_overlap(g, pairs, num_hops=num_hops, beta=beta, count=count)
        want = dense(g, num_hops, beta, count)[pairs[0], pairs[1]]
        torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


@given(problems(), st.integers(1, 4))
def test_distinct_ends_are_those_of_the_powers(problem, num_hops):
    g, _ = problem
    power = adjacency = dense_adjacency(g)
    for k in range(num_hops):
        assert torch.equal(distinct_ends(g, num_hops=num_hops)[:, k], (power > 0).sum(1))
        power = power @ adjacency


def dense_adjacency(g: CSRGraph) -> torch.Tensor:
    out = torch.zeros(g.num_nodes, g.num_nodes, dtype=torch.float64)
    out[tuple(g.edge_index())] = 1
    return out


def test_counts_common_neighbours_exactly():
    g = graph("plain", 400, 6000)
    both = CSRGraph.from_edge_index(torch.cat([g.edge_index(), g.edge_index().flip(0)], 1), 400)
    pairs = randint(400, 2, 3000, seed=8)
    want = dense(both, 1, 1.0)[pairs[0], pairs[1]]
    assert torch.equal(walk_overlap(both, pairs), want)


def test_hubs_are_searched_and_scanned_alike():
    # One node is joined with all others, so that lengths differ by more than any threshold.
    leaves = torch.arange(1, 1500)
    index = torch.cat([torch.stack([leaves, 0 * leaves]), torch.stack([0 * leaves, leaves])], 1)
    index = torch.cat([index, randint(1500, 2, 300)], 1)
    g = CSRGraph.from_edge_index(index, 1500, rand(index.size(1)).double())
    pairs = torch.stack([torch.zeros(500).long(), randint(1500, 500)])
    pairs = torch.cat([pairs, pairs.flip(0)], 1)
    want = dense(g, 1, 1.0)[pairs[0], pairs[1]]
    torch.testing.assert_close(walk_overlap(g, pairs), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("count", ["walk", "set"])
@pytest.mark.parametrize("num_hops", [1, 2, 3])
def test_visits_bound_is_positive_and_grows(num_hops, count):
    g = graph("plain", 200, 900)
    pairs = g.edge_index()
    now = walk_overlap_visits(g, pairs, num_hops=num_hops, count=count)
    assert 0 < now < walk_overlap_visits(g, pairs, num_hops=num_hops + 1, count=count)


def test_pairs_of_one_end_share_the_walks_that_are_counted_for_it():
    center, leaves = torch.zeros(10).long(), torch.arange(1, 11)
    star = SparseRows.from_edge_index(
        torch.cat([torch.stack([center, leaves]), torch.stack([leaves, center])], dim=1), 11
    )
    # The center begins 10 + 10 walks; at most one pass over 20 entries and one step from each leaf.
    visits = walk_overlap_visits(star, torch.stack([leaves, center]), num_hops=2, count="walk")
    assert visits == (10 + 10) + (20 + 10)


def test_order_of_pairs_is_kept():
    g = graph("plain", 60, 300)
    pairs = randint(60, 2, 200)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    first = walk_overlap(g, pairs, num_hops=2)
    assert torch.equal(walk_overlap(g, pairs[:, order], num_hops=2), first[order])


def test_bad_arguments_are_refused():
    g = graph("plain", 10, 30)
    pairs = torch.tensor([[0], [1]])
    with pytest.raises(ValueError, match="num_hops must be at least 1, got 0"):
        walk_overlap(g, pairs, num_hops=0)
    with pytest.raises(ValueError, match="num_hops must be at most 16"):
        distinct_ends(g, num_hops=17)
    with pytest.raises(ValueError, match="beta must be positive"):
        walk_overlap(g, pairs, beta=0.0)
    with pytest.raises(ValueError, match="count must be one of"):
        walk_overlap(g, pairs, count="both")
    with pytest.raises(IndexError, match=r"pairs\[1, 0\] = 10"):
        walk_overlap(g, torch.tensor([[0], [10]]))
    weighted = CSRGraph.from_edge_index(g.edge_index(), 10, rand(g.num_edges).requires_grad_())
    with pytest.raises(ValueError, match="must not require a gradient"):
        walk_overlap(weighted, pairs)
    with pytest.raises(ValueError, match="count='set' has no weights"):
        walk_overlap(
            CSRGraph.from_edge_index(g.edge_index(), 10, rand(g.num_edges)), pairs, count="set"
        )


@pytest.mark.compiled
def test_raw_calls_do_not_read_outside():
    rowptr, col = torch.tensor([0, 1, 2]), torch.tensor([1, 0]).int()
    options = (2, 0.5, False)
    for bad in (torch.tensor([1, 2]).int(), torch.tensor([-1, 0]).int()):
        with pytest.raises(RuntimeError, match=r"col\["):
            OPS.walk_overlap(rowptr, bad, None, rowptr, col, *options)
        with pytest.raises(RuntimeError, match=r"pair_col\["):
            OPS.walk_overlap(rowptr, col, None, rowptr, bad, *options)
    with pytest.raises(RuntimeError, match="rowptr"):
        OPS.walk_overlap(torch.tensor([0, 2, 1]), col, None, rowptr, col, *options)
    with pytest.raises(RuntimeError, match="rowptr"):
        OPS.distinct_ends(torch.tensor([0, 5, 2]), col, 2)


def test_memory_does_not_grow_with_the_square_of_a_hub():
    if library.active_kernel("walk_overlap", "cpu") != "compiled":
        pytest.skip("a promise of the compiled kernels")
    growth, edges = peak_growth(
        """
        n = 30000
        leaves = torch.arange(1, n)
        index = torch.stack([leaves, 0 * leaves])
        graph = graphlab.ops.CSRGraph.from_edge_index(torch.cat([index, index.flip(0)], 1), n)
        size = graph.num_edges
        pairs = graph.edge_index()[:, :2000]
        def work():
            graphlab.ops.walk_overlap(graph, pairs, num_hops=2)
        """
    )
    assert growth < 3000 * edges


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.compiled
def test_what_a_thread_throws_keeps_its_words(threads):
    rowptr, col = torch.tensor([0, 1, 2]), torch.tensor([1, 0], dtype=torch.int32)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        # A table with an entry per hop, which every thread makes for itself.
        with pytest.raises(ValueError, match="vector"):
            OPS.walk_overlap(rowptr, col, None, rowptr, col, 2**60, 0.5, False)
    finally:
        torch.set_num_threads(before)


def test_graphs_that_are_not_square_or_have_scales_are_refused():
    pairs = torch.tensor([[0], [1]])
    wide = SparseRows.from_rows(torch.tensor([0, 1]), torch.tensor([2, 0]), 2, 3)
    with pytest.raises(ValueError, match="graph must be square"):
        walk_overlap(wide, pairs)
    square = SparseRows.from_rows(torch.tensor([0, 1]), torch.tensor([1, 0]), 2, 2)
    scaled = SparseRows(square.rowptr, square.col, row_scale=torch.ones(2))
    with pytest.raises(ValueError, match="graph.row_scale must be None"):
        walk_overlap(scaled, pairs)
