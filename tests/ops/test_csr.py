"""The carrier of sparse matrices: round trips, transposes, parts, what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

import graphlab.ops
from graphlab.ops import CSRGraph, SparseRows, interval_propagate, propagate, trusted_values
from graphlab.ops.csr import length_pointers, row_pointers
from tests.ops._cases import rand, randint


@st.composite
def matrices(draw, square=False):
    """Entries in any order, with repeats: rows, columns, (2, E) indices and weights or none."""
    rows = draw(st.integers(1, 9))
    cols = rows if square else draw(st.integers(1, 9))
    entries, seed = draw(st.integers(0, 40)), draw(st.integers(0, 2**31))
    index = torch.stack([randint(rows, entries, seed=seed), randint(cols, entries, seed=seed + 1)])
    return rows, cols, index, draw(st.sampled_from([None, rand(entries, seed=seed)]))


def carrier(rows, cols, index, weight, row_scale=None):
    order = torch.argsort(index[0], stable=True)
    row, col = index[:, order]
    out = SparseRows.from_rows(row, col, rows, cols, None if weight is None else weight[order])
    return replace(out, row_scale=row_scale)


def scipy_matrix(rows, cols, index, weight):
    values = np.ones(index.size(1)) if weight is None else weight.numpy()
    return sp.coo_matrix((values, index.numpy()), shape=(rows, cols))


def dense(rows):
    value = torch.ones(rows.num_edges).double() if rows.weight is None else rows.weight
    value = value if rows.row_scale is None else value * rows.row_scale[rows.row()]
    out = torch.zeros(rows.num_rows, rows.num_cols, dtype=torch.float64)
    return out.index_put(tuple(rows.edge_index()), value, accumulate=True)


def same(a, b):
    assert (a.num_rows, a.num_cols) == (b.num_rows, b.num_cols)
    for name in ("rowptr", "col", "weight", "row_scale"):
        one, two = getattr(a, name), getattr(b, name)
        assert (one is None and two is None) or (one.dtype == two.dtype and torch.equal(one, two))


@given(matrices(square=True))
def test_edges_come_back_sorted_by_row_and_in_their_order(case):
    rows, _, index, weight = case
    out = SparseRows.from_edge_index(index, rows, weight)
    order = torch.argsort(index[0], stable=True)
    assert torch.equal(out.edge_index(), index[:, order])
    assert weight is None or torch.equal(out.weight, weight[order])
    same(SparseRows.from_edge_index(out.edge_index(), rows, out.weight), out)


@given(matrices())
def test_values_are_those_of_scipy(case):
    matrix = scipy_matrix(*case)
    out = carrier(*case)
    np.testing.assert_allclose(dense(out).numpy(), matrix.toarray(), atol=1e-14)
    h = rand(case[1], 3)
    np.testing.assert_allclose(propagate(h, out).numpy(), matrix @ h.numpy(), atol=1e-13)


@given(matrices())
def test_transposes_are_those_of_scipy_and_undo_each_other(case):
    rows, cols, index, _ = case
    once = carrier(*case).transpose()
    np.testing.assert_allclose(dense(once).numpy(), scipy_matrix(*case).toarray().T, atol=1e-14)
    twice = once.transpose()
    same(twice.transpose(), once)
    # Only the order within the rows may have changed, and that once.
    same(twice.transpose().transpose(), twice)
    pattern = carrier(rows, cols, index, None)
    rowptr, row, entry = pattern.transposed
    assert torch.equal(pattern.row()[entry.long()].int(), row)
    assert torch.equal(row_pointers(pattern.col[entry.long()], cols), rowptr)


@given(matrices())
def test_scales_of_rows_move_into_the_weights_of_the_transpose(case):
    scale = rand(case[0], seed=3)
    out = carrier(*case, row_scale=scale)
    assert out.transpose().row_scale is None
    torch.testing.assert_close(dense(out.transpose()), dense(out).t(), rtol=0, atol=1e-14)


@given(matrices(), st.lists(st.integers(0, 8), max_size=6))
def test_selected_rows_may_repeat(case, chosen):
    out = carrier(*case, row_scale=rand(case[0], seed=3))
    chosen = torch.tensor([row % case[0] for row in chosen], dtype=torch.int64)
    part = out.select(chosen)
    assert part.num_rows == chosen.numel() and part.num_cols == out.num_cols
    assert torch.equal(dense(part), dense(out)[chosen])
    assert torch.equal(part.col, out.col[out.entries(chosen)])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_pointers_of_lengths_are_pointers_of_rows(lengths):
    length = torch.tensor(lengths)
    row = torch.repeat_interleave(torch.arange(len(lengths)), length)
    for dtype in (torch.int64, torch.int32, torch.int16):
        assert torch.equal(row_pointers(row.to(dtype), len(lengths)), length_pointers(length))


def test_a_symmetric_graph_is_one_of_these():
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3, torch.tensor([2.0]))
    assert isinstance(graph, SparseRows) and graph.num_nodes == graph.num_rows == 3
    assert propagate(torch.eye(3), graph)[0].tolist() == [0.0, 2.0, 0.0]
    with pytest.raises(ValueError, match="row_scale must be None in a CSRGraph"):
        replace(graph, row_scale=torch.ones(3))
    with pytest.raises(ValueError, match="num_cols must be 3, the number of rows, got 4"):
        replace(graph, num_cols=4)


def test_repr_is_one_line_with_the_sizes():
    rows = SparseRows.from_rows(torch.tensor([0, 1]), torch.tensor([4, 0]), 2, 5, torch.ones(2))
    assert repr(rows) == "SparseRows(2 x 5, 2 entries, weight float32)"
    assert repr(rows.to("meta")) == "SparseRows(2 x 5, 2 entries, weight float32, meta)"
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 2)
    assert repr(graph) == "CSRGraph(2 x 2, 2 entries, weight float32, weight_t float32)"


def test_moves_between_devices(device):
    rows = SparseRows(torch.tensor([0, 1]), torch.tensor([1]).int(), torch.ones(1), num_cols=3)
    moved = rows.to(device)
    assert moved.device.type == moved.weight.device.type == device.type
    same(moved.to("cpu"), rows)


def test_copies_are_equal():
    rows = SparseRows.from_edge_index(torch.tensor([[1, 0], [0, 1]]), 2)
    rows.transpose()
    same(copy.deepcopy(rows), rows)


def test_a_transpose_that_is_kept_serves_a_later_training():
    pattern = SparseRows.from_rows(torch.tensor([0, 1]), torch.tensor([1, 0]), 2, 2)
    entry = torch.ones(2)
    with torch.inference_mode():
        interval_propagate(torch.ones(2, 1), torch.ones(2, 1), pattern, entry, entry)
    low = torch.ones(2, 1, requires_grad=True)
    interval_propagate(low, low, pattern, entry, entry)[0].sum().backward()
    assert low.grad.tolist() == [[1.0], [1.0]]


ROWPTR, COL = torch.tensor([0, 1, 2]), torch.tensor([1, 0]).int()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"rowptr": ROWPTR.int()}, TypeError, "rowptr must be int64 and 1-D"),
        ({"rowptr": [0, 1]}, TypeError, "rowptr must be a torch.Tensor, got list"),
        ({"rowptr": ROWPTR[:0]}, ValueError, "rowptr must not be empty"),
        ({"col": COL.long()}, TypeError, "col must be int32 and 1-D"),
        ({"weight": torch.ones(3)}, ValueError, r"weight must be floating point of shape \(2,\)"),
        ({"weight": torch.ones(2).long()}, ValueError, "weight must be floating point"),
        ({"row_scale": torch.ones(3)}, ValueError, "row_scale must be floating point of shape"),
        ({"col": COL.to("meta")}, ValueError, "all tensors must be on one device"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        SparseRows(**{"rowptr": ROWPTR, "col": COL, **arguments})


@pytest.mark.parametrize(
    ("build", "error", "words"),
    [
        (lambda: SparseRows.from_edge_index(torch.tensor([[3], [0]]), 3), IndexError, "edge_index"),
        (
            lambda: SparseRows.from_edge_index(torch.tensor([[0], [0]]), 3, torch.ones(2)),
            ValueError,
            r"edge_weight must have shape \(1,\)",
        ),
        (
            lambda: SparseRows.from_rows(torch.tensor([1, 0]), torch.tensor([0, 0]), 2, 2),
            ValueError,
            "row must be ascending",
        ),
        (
            lambda: SparseRows.from_rows(torch.tensor([0]), torch.tensor([2]), 1, 2),
            IndexError,
            r"col\[0\] = 2 is outside \[0, 2\)",
        ),
    ],
)
def test_entries_that_do_not_fit_are_refused(build, error, words):
    with pytest.raises(error, match=words):
        build()


def test_rows_in_order_are_read_where_values_are_trusted():
    row, col = torch.tensor([0, 0, 1]), torch.tensor([2, 0, 1])
    with trusted_values():
        rows = SparseRows.from_rows(row, col, 2, 3)
    same(rows, SparseRows.from_rows(row, col, 2, 3))


def test_the_old_name_of_the_pattern_still_works():
    with pytest.warns(FutureWarning, match="RowPattern is graphlab.ops.SparseRows now"):
        old = graphlab.ops.RowPattern
    assert old is SparseRows
    with pytest.raises(AttributeError, match="no attribute 'Pattern'"):
        graphlab.ops.Pattern  # noqa: B018 (the attribute is the test)
