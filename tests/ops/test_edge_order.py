"""Edges as compressed rows against scipy, whatever their order, number and repetitions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlab.ops import CSRGraph
from graphlab.ops.edge_order import sort_edges


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


def test_threads_change_nothing():
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.randint(3_000, (2, 400_000), generator=generator)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(torch.ops.graphlab.csr_from_edges(edge_index, 3_000, 3_000))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


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
