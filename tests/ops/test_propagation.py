"""Sparse row sums: dense algebra, storage formats, panels, the border, large graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphlab.ops import (
    SparseRows,
    library,
    propagate,
    propagate_dot,
    propagate_merge,
    propagate_squares,
    reference,
)
from tests.ops._cases import OPS, graph, rand, randn, relative_error
from tests.ops._memory import peak_growth


def sparse(kind="directed", nodes=300, edges=4000, device="cpu"):
    g = graph(kind, nodes, edges).to(device)
    return SparseRows(g.rowptr, g.col, g.weight, row_scale=rand(nodes).to(device))


def dense(rows):
    row, col = rows.edge_index()
    out = torch.zeros(rows.num_rows, rows.num_cols, dtype=torch.float64, device=rows.device)
    value = torch.ones_like(row, dtype=torch.float64) if rows.weight is None else rows.weight
    out.index_put_((row, col), value.double(), accumulate=True)
    return out if rows.row_scale is None else out * rows.row_scale.double().unsqueeze(1)


def compiled(name="propagate"):
    return library.active_kernel(name, "cpu") == "compiled"


def test_equals_dense_products(device):
    rows = sparse(device=device)
    matrix = dense(rows)
    h, other = randn(300, 37).to(device), randn(300, 37, seed=1).to(device)
    assert relative_error(propagate(h, rows), matrix @ h) < 1e-13
    assert relative_error(propagate_dot(h, other, rows), ((matrix @ h) * other).sum(1)) < 1e-12
    merged = propagate_merge(h, rows, coefficients=[1.0, -2.0, 0.0, 0.5])
    powers = [h, matrix @ h, matrix @ matrix @ h, matrix @ matrix @ matrix @ h]
    assert relative_error(merged, powers[0] - 2 * powers[1] + 0.5 * powers[3]) < 1e-12
    unit = [torch.nn.functional.normalize(p, dim=1) for p in powers]
    merged = propagate_merge(h, rows, coefficients=[0.0, 3.0, 0.0, 1.0], normalize=True)
    assert relative_error(merged, 3 * unit[1] + unit[3]) < 1e-12


def test_gradient_runs_through_the_transpose(device):
    rows = sparse(device=device)
    h = randn(300, 5).to(device).requires_grad_()
    factor = randn(300, 5, seed=2).to(device)
    (propagate(h, rows) * factor).sum().backward()
    assert relative_error(h.grad, dense(rows).t() @ factor) < 1e-13


@pytest.mark.parametrize("wanted", [0, 1])
def test_products_have_the_gradient_of_one_side_alone(wanted):
    rows, sides = sparse("directed", 30, 90), [randn(30, 4), randn(30, 4, seed=1)]
    alone = [side.clone().requires_grad_(k == wanted) for k, side in enumerate(sides)]
    both = [side.clone().requires_grad_() for side in sides]
    for pair in (alone, both):
        propagate_dot(*pair, rows).sum().backward()
    assert torch.equal(alone[wanted].grad, both[wanted].grad)
    assert alone[1 - wanted].grad is None


def test_rows_that_are_missing_are_named():
    with pytest.raises(TypeError, match="propagate.. missing 1 required .*'rows'"):
        propagate(torch.ones(2, 2))


def test_squares_of_no_power_are_none():
    args = torch.ones(2, 20), ROWPTR, COL, None, None
    for coefficients in ([], [0.0, 0.0]):
        out = reference.propagate_squares(*args, coefficients)
        assert out.shape == (0, 2, 2) and out.dtype == torch.float64


def test_gradients_that_do_not_exist_are_refused():
    rows = sparse("directed", 7, 20)
    h = randn(7, 3)
    rows = replace(rows, weight=rows.weight.clone().requires_grad_())
    with pytest.raises(NotImplementedError, match="no derivative with respect to weight"):
        propagate(h, rows).sum().backward()
    with pytest.raises(NotImplementedError, match="no derivative with respect to weight"):
        propagate_dot(h, h, rows).sum().backward()
    start = h.requires_grad_()
    with pytest.raises(NotImplementedError, match="propagate_merge has no derivative"):
        propagate_merge(start, replace(rows, weight=None), coefficients=[1.0, 1.0]).sum().backward()


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("kind", ["directed", "hub"])
def test_panels_have_the_bits_of_the_whole(kind, dtype, normalize, device):
    nodes = 20_000 if kind == "hub" else 300
    rows = sparse(kind, nodes, 4000, device)
    h = randn(nodes, 100 if kind == "directed" else 36).to(device, dtype)
    coefficients = [0.5, 0.0, 1.0, 2.0]
    whole = propagate_merge(h, rows, coefficients=coefficients, normalize=normalize)
    every = propagate_squares(h, rows, coefficients=coefficients)
    width = 16
    cuts = [slice(lo, lo + width) for lo in range(0, h.size(1), width)]
    parts = [propagate_squares(h[:, cut], rows, coefficients=coefficients) for cut in cuts]
    assert torch.equal(torch.cat(parts, dim=2), every)
    squares = reference.add_blocks(every) if normalize else None
    for cut in cuts:
        part = propagate_merge(
            h[:, cut], rows, coefficients=coefficients, normalize=normalize, squares=squares
        )
        assert torch.equal(part, whole[:, cut])
        assert torch.equal(propagate(h[:, cut], rows), propagate(h, rows)[:, cut])


def test_merge_repeats_propagate(device):
    rows = sparse("symmetric", 200, 1500, device)
    h = randn(200, 20).float().to(device)
    twice = propagate(propagate(h, rows), rows)
    assert torch.equal(propagate_merge(h, rows, coefficients=[0.0, 0.0, 1.0]), twice)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("kind", ["directed", "hub"])
def test_a_start_of_few_entries_has_the_bits_of_any_other(kind, dtype, device):
    nodes = 20_000 if kind == "hub" else 300
    rows = sparse(kind, nodes, 4000, device)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    values = {name: getattr(rows, name) for name in ("weight", "row_scale")}
    values = {name: None if v is None else v.to(wide) for name, v in values.items()}
    cast = replace(rows, **values)
    h = randn(nodes, 40) * (rand(nodes * 40, seed=3).view(nodes, 40) < 0.02)
    h[0], h[3, 5], h[4, 0] = 0, torch.inf, torch.nan
    h = h.to(device, dtype)
    merged = propagate_merge(h, cast, coefficients=[0.0, 1.0])
    expected = propagate(h, cast)
    torch.testing.assert_close(merged.to(dtype), expected, rtol=0, atol=0, equal_nan=True)


def test_bfloat16_is_rounded_once_per_power(device):
    rows = sparse("directed", 300, 4000, device)
    h = randn(300, 33).to(device, torch.bfloat16)
    exact = propagate(h.float(), rows)
    assert torch.equal(propagate(h, rows), exact.bfloat16())
    merged = propagate_merge(h, rows, coefficients=[0.0, 1.0])
    assert merged.dtype == torch.float32 and torch.equal(merged, exact)
    assert propagate_dot(h, h, rows).dtype == torch.float32


def test_bfloat16_keeps_what_is_not_finite():
    rowptr, col = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 2], dtype=torch.int32)
    h = torch.tensor([[float("nan")], [float("inf")], [3.3895e38]]).bfloat16()
    out = propagate(h, SparseRows(rowptr, col, row_scale=torch.tensor([1.0, -1.0, 2.0])))
    assert out[0].isnan() and out[1] == -float("inf") and out[2] == float("inf")


def test_zero_rows_stay_zero_and_unread_orders_are_skipped(device):
    rowptr = torch.tensor([0, 0, 1, 1], device=device)
    rows = SparseRows(rowptr, torch.tensor([2], dtype=torch.int32, device=device))
    h = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]], device=device)
    out = propagate_merge(h, rows, coefficients=[0.0, 1.0], normalize=True)
    assert not out.any()
    assert not propagate_merge(h, rows, coefficients=[0.0, 0.0]).any()
    assert not propagate_merge(h, rows, coefficients=[]).any()
    start = propagate_merge(h, rows, coefficients=[2.0, 0.0, 0.0])
    assert torch.equal(start, 2 * h)


def test_norms_do_not_overflow(device):
    rows = sparse("plain", 60, 500, device)
    h = randn(60, 20).float().to(device)
    coefficients = [0.0, 1.0]
    want = propagate_merge(h, rows, coefficients=coefficients, normalize=True)
    for size in (2.0**100, 2.0**-100):
        got = propagate_merge(h * size, rows, coefficients=coefficients, normalize=True)
        assert torch.allclose(got, want, rtol=1e-5, atol=1e-7)


ROWPTR, COL = torch.tensor([0, 1, 3]), torch.tensor([0, 1, 0], dtype=torch.int32)
ROWS = SparseRows(ROWPTR, COL)


@pytest.mark.parametrize(
    ("h", "rows", "error", "words"),
    [
        (torch.ones(2), ROWS, ValueError, "h must be 2-D"),
        (torch.ones(2, 2).long(), ROWS, TypeError, "h must be floating point"),
        (torch.ones(2, 2).half(), ROWS, TypeError, "h must be float32, float64 or"),
        (torch.ones(1, 2), ROWS, ValueError, "h must have 2 rows, one per column of the matrix"),
        (torch.ones(2, 2), None, TypeError, "rows must be graphlab.ops.SparseRows, got NoneType"),
        (
            torch.ones(1, 2),
            SparseRows(ROWPTR, COL, num_cols=1),
            IndexError,
            r"col\[1\] = 1 is outside \[0, 1\)",
        ),
        (torch.ones(2, 2), SparseRows(ROWPTR + 1, COL), ValueError, "rowptr must ascend from 0"),
        (torch.ones(2, 2), SparseRows(ROWPTR.flip(0), COL), ValueError, "rowptr must ascend"),
    ],
)
def test_bad_input_is_refused_by_name(h, rows, error, words):
    with pytest.raises(error, match=words):
        propagate(h, rows)


def test_a_known_transpose_gives_the_same_derivatives_and_must_fit():
    rows = sparse("directed", 9, 30)
    h = randn(9, 3).requires_grad_()
    both = [propagate(h, rows), propagate(h, rows, transposed=rows.transpose())]
    assert torch.equal(*both)
    first = [torch.autograd.grad(out.square().sum(), h, create_graph=True)[0] for out in both]
    assert torch.equal(*first)
    second = [torch.autograd.grad(grad.square().sum(), h)[0] for grad in first]
    torch.testing.assert_close(*second, rtol=1e-13, atol=0)
    with pytest.raises(ValueError, match="transposed must be the transpose of SparseRows"):
        propagate(h, rows, transposed=SparseRows(ROWPTR, COL))
    moving = replace(rows, weight=rows.weight.clone().requires_grad_())
    with pytest.raises(NotImplementedError, match="no derivative with respect to weight"):
        propagate(h, moving, transposed=rows.transpose())


def test_loose_tensors_still_work_and_warn():
    h, other = randn(2, 3), randn(2, 3, seed=1)
    loose, rows = (ROWPTR, COL, None, torch.ones(2).double()), SparseRows(ROWPTR, COL)
    with pytest.warns(FutureWarning, match="propagate with graphlab.ops.SparseRows"):
        assert torch.equal(propagate(h, *loose), propagate(h, rows))
    with pytest.warns(FutureWarning, match="propagate_dot"):
        out = propagate_dot(h, other, *loose)
    assert torch.equal(out, propagate_dot(h, other, rows))
    options = {"coefficients": [1.0, 2.0]}
    with pytest.warns(FutureWarning, match="propagate_merge"):
        out = propagate_merge(h, rowptr=ROWPTR, col=COL, **options)
    assert torch.equal(out, propagate_merge(h, rows, **options))
    with pytest.warns(FutureWarning, match="propagate_squares"):
        out = propagate_squares(start=h, rowptr=ROWPTR, col=COL, **options)
    assert torch.equal(out, propagate_squares(h, rows, **options))


def test_bad_options_are_refused_by_name():
    h = torch.ones(2, 2)
    with pytest.raises(ValueError, match=r"coefficients\[1\] must be finite, got nan"):
        propagate_merge(h, ROWS, coefficients=[1.0, float("nan")])
    with pytest.raises(ValueError, match="start must have 2 rows"):
        propagate_merge(torch.ones(3, 2), ROWS, coefficients=[1.0])
    with pytest.raises(ValueError, match="squares must have 1 rows"):
        propagate_merge(h, ROWS, coefficients=[1.0], squares=torch.ones(2, 2).double())
    with pytest.raises(ValueError, match="other must have 2 columns"):
        propagate_dot(h, torch.ones(2, 3), ROWS)
    with pytest.raises(TypeError, match="other must have the dtype of h"):
        propagate_dot(h, h.double(), ROWS)


@pytest.mark.parametrize(
    ("rowptr", "col", "words"),
    [
        ([0, 1, 3], [0, 2, 0], r"col\[1\] = 2 is outside \[0, 2\)"),
        ([0, 1, 3], [0, -1, 0], r"col\[1\] = -1 is outside \[0, 2\)"),
        ([0, 4, 3], [0, 1, 0], "rowptr must not decrease"),
        ([0, 1, 9], [0, 1, 0], r"rowptr\[2\] = 9, expected 3"),
    ],
)
def test_kernels_never_read_out_of_range(rowptr, col, words):
    if not compiled():
        pytest.skip("torch checks the indices of the pure path")
    graph_ = torch.tensor(rowptr), torch.tensor(col, dtype=torch.int32), None, None
    h = torch.ones(2, 3)
    for call in (
        lambda: OPS.propagate(h, *graph_),
        lambda: OPS.propagate_dot(h, h, *graph_),
        lambda: OPS.propagate_merge(h, *graph_, [1.0, 1.0], True, None),
        lambda: OPS.propagate_squares(h, *graph_, [1.0, 1.0]),
    ):
        with pytest.raises(RuntimeError, match=words):
            call()


def test_more_entries_than_a_32_bit_pointer_counts():
    nodes, entries = 2**31 - 1, 2**33
    h = torch.empty(nodes, 4, device="meta")
    rowptr = torch.empty(nodes + 1, dtype=torch.int64, device="meta")
    col = torch.empty(entries, dtype=torch.int32, device="meta")
    rows = SparseRows(rowptr, col)
    assert propagate(h, rows).shape == (nodes, 4)
    merged = propagate_merge(h, rows, coefficients=[0.0, 1.0], normalize=True)
    assert merged.shape == (nodes, 4)


def test_memory_does_not_hold_edges_times_features():
    if not compiled():
        pytest.skip("a promise of the compiled kernels")
    code = """
        nodes, edges, dim = 20_000, 600_000, 64
        index = torch.randint(nodes, (2, edges), generator=torch.Generator().manual_seed(0))
        graph = graphlab.ops.CSRGraph.from_edge_index(index, nodes)
        h = torch.ones(nodes, dim)
        def work():
            graphlab.ops.propagate_merge(
                h, graph, coefficients=[0.0, 1.0, 1.0, 1.0], normalize=True)
        size = graph.num_edges * dim * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.3 * size


def test_powers_of_a_matrix_that_is_not_square_are_refused():
    wide = SparseRows.from_rows(torch.tensor([0, 1]), torch.tensor([2, 0]), 2, 3)
    with pytest.raises(ValueError, match="rows must be square, got 2 x 3"):
        propagate_squares(torch.ones(3, 4), wide, coefficients=(1.0,))
