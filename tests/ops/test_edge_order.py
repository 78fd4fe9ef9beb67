"""Edges as compressed rows against scipy, whatever their order, number and repetitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.ops import CSRGraph, reference
from graphlab.ops.edge_order import SortedEdges, sort_edges
from graphlab.ops.sorting import sort_by_index


@st.composite
def edge_lists(draw) -> tuple[torch.Tensor, int, int]:
    rows, cols = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1)), max_size=60)
    )
    if draw(st.booleans()):
        pairs.sort()
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).t(), rows, cols


@settings(deadline=None)
@given(edge_lists())
def test_rows_are_those_of_scipy(case):
    edge_index, rows, cols = case
    edges = sort_edges(edge_index, rows, cols)
    ones = np.ones(edge_index.size(1))
    matrix = sp.coo_matrix((ones, tuple(edge_index.numpy())), shape=(rows, cols)).tocsr()
    matrix.sort_indices()
    assert edges.rowptr.tolist() == matrix.indptr.tolist()
    assert edges.col.tolist() == matrix.indices.tolist()
    assert edges.sum_by_entry(torch.from_numpy(ones)).tolist() == matrix.data.tolist()
    assert edges.col.numel() == matrix.nnz


@settings(deadline=None)
@given(edge_lists())
def test_transpose_names_the_entries_by_column(case):
    edge_index, rows, cols = case
    edges = sort_edges(edge_index, rows, cols)
    row = torch.repeat_interleave(torch.arange(rows), edges.rowptr.diff())
    back = sort_edges(torch.stack([edges.col.long(), row]), cols, rows)
    assert torch.equal(edges.rowptr_t, back.rowptr)
    assert torch.equal(row[edges.transpose].int(), back.col)
    pattern = set(zip(row.tolist(), edges.col.tolist(), strict=True))
    assert edges.symmetric is (rows == cols and pattern == {(j, i) for i, j in pattern})
    if edges.symmetric:  # the reverse of the reverse is the entry itself
        assert torch.equal(edges.transpose[edges.transpose], torch.arange(edges.col.numel()))


@settings(deadline=None)
@given(edge_lists())
def test_numbers_are_left_out_where_nobody_asks_for_them(case):
    edge_index, rows, cols = case
    whole, bare = (sort_edges(edge_index, rows, cols, numbers=numbers) for numbers in (True, False))
    assert torch.equal(bare.rowptr, whole.rowptr)
    assert torch.equal(bare.col, whole.col)
    assert torch.equal(bare.rowptr_t, whole.rowptr_t)
    assert bare.symmetric is whole.symmetric
    assert bare.entry is None
    assert bare.transpose is None
    with pytest.raises(RuntimeError, match="sorted with numbers=False"):
        bare.sum_by_entry(torch.ones(edge_index.size(1)))


def many_edges(kind: str, nodes: int, count: int) -> torch.Tensor:
    """Edges in no order with some twice, in both directions, or sorted."""
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(nodes, (2, count), generator=generator)
    ends[:, ::50] = ends[:, [0]]
    if kind == "one way":
        return ends
    ends = torch.cat([ends, ends.flip(0)], dim=1)
    if kind == "sorted":
        key = torch.unique(ends[0] * nodes + ends[1])
        return torch.stack([key // nodes, key % nodes])
    return ends[:, torch.randperm(ends.size(1), generator=generator)]


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize(
    ("kind", "nodes", "count"),
    [
        # The transpose by cursors, and by digits.
        *itertools.product(["one way", "both ways", "sorted"], [3_000, 70_000], [100_000]),
        # An edge and its number take more than a word.
        ("one way", 2**23, 270_000),
        ("both ways", 2**23, 135_000),
    ],
)
def test_threads_change_nothing(kind, nodes, count, numbers):
    edge_index = many_edges(kind, nodes, count)
    expected = reference.csr_from_edges(edge_index, nodes, nodes, numbers)
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found = torch.ops.graphlab.csr_from_edges(edge_index, nodes, nodes, numbers)
            for name, one, other in zip(SortedEdges._fields, found, expected, strict=True):
                assert torch.equal(one, other), name
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("size", [1, 500, 20_000, 2**21])
def test_positions_are_those_of_a_stable_sort(size, dtype):
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(size, (100_000,), generator=generator).to(dtype)
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            pointers, order = torch.ops.graphlab.sort_by_index(index, size)
            assert torch.equal(order, torch.argsort(index, stable=True))
            assert torch.equal(pointers.diff(), torch.bincount(index, minlength=size))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        (0, -1, r"edge_index\[0, 2\] = -1 is outside \[0, 4\)"),
        (0, 4, r"edge_index\[0, 2\] = 4 is outside \[0, 4\)"),
        (1, 2**40, r"edge_index\[1, 2\] = 1099511627776 is outside \[0, 5\)"),
    ],
)
def test_edges_outside_are_named(axis, value, message):
    edge_index = torch.tensor([[0, 1, 2, 3], [4, 3, 2, 1]])
    edge_index[axis, 2] = value
    with pytest.raises(IndexError, match=message):
        sort_edges(edge_index, 4, 5)


def test_weights_of_repeated_and_missing_reverse_edges():
    edge_index = torch.tensor([[0, 2, 0, 1], [1, 1, 1, 1]])
    weight = torch.tensor([1.0, 2.0, 4.0, 8.0], requires_grad=True)
    graph = CSRGraph.from_edge_index(edge_index, 3, weight)
    assert graph.edge_index().tolist() == [[0, 1, 1, 1, 2], [1, 0, 1, 2, 1]]
    assert graph.weight.tolist() == [5.0, 0.0, 8.0, 0.0, 2.0]
    assert graph.weight_t.tolist() == [0.0, 5.0, 8.0, 2.0, 0.0]
    (grad,) = torch.autograd.grad((graph.weight * torch.arange(5)).sum(), weight)
    assert grad.tolist() == [0.0, 4.0, 0.0, 2.0]


def test_the_definition_names_the_first_edge_outside():
    edge_index = torch.tensor([[0, 1, 4], [1, 7, 0]])
    *empty, facts = reference.csr_from_edges(edge_index, 4, 5, True)
    assert facts.tolist() == [0, 1]
    assert all(part.numel() == 0 for part in empty)


def test_more_edges_than_a_kernel_numbers_are_sorted_by_the_definition(monkeypatch):
    index = torch.tensor([2, 0, 2, 1, 0])
    found = sort_by_index(index, 3)
    monkeypatch.setattr("graphlab.ops.sorting.MAX_NODES", 4)
    for part, other in zip(sort_by_index(index, 3), found, strict=True):
        assert torch.equal(part, other)
    assert [part.tolist() for part in found] == [[0, 2, 3, 5], [1, 4, 3, 0, 2]]
