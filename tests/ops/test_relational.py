"""Messages over typed edges: the definition, ties, published values, memory, the Python border."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlab.ops import RelationalRows, relational_propagate
from tests.ops._cases import OPS, rand, randint, randn, relative_error
from tests.ops._memory import peak_growth, saved_bytes

MESSAGES = ["distmult", "transe"]
REDUCTIONS = ["sum", "mean", "max", "min", "square_mean"]
every_message = pytest.mark.parametrize("message", MESSAGES)
every_reduction = pytest.mark.parametrize("reduce", REDUCTIONS)


def example(
    nodes: int = 9, edges: int = 30, types: int = 4, batch: int = 2, dim: int = 5, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    index, kind = randint(nodes, 2, edges, seed=seed), randint(types, edges, seed=seed + 1)
    x, boundary = randn(nodes, batch, dim, seed=seed), randn(nodes, batch, dim, seed=seed + 2)
    return index, kind, x, randn(types, dim, seed=seed + 3), boundary


def one_by_one(
    index: Tensor, kind: Tensor, x: Tensor, table: Tensor, b: Tensor, message: str, reduce: str
) -> Tensor:
    """The definition, target after target, out of torch's own functions."""
    out = []
    for node in range(len(b)):
        into = index[1] == node
        first, second = x[index[0, into]], table[kind[into]].unsqueeze(1)
        value = first * second if message == "distmult" else first + second
        every = torch.cat([value, b[node : node + 1]])
        if reduce in ("max", "min"):
            out.append(every.amax(0) if reduce == "max" else every.amin(0))
        else:
            every = every.square() if reduce == "square_mean" else every
            out.append(every.sum(0) if reduce == "sum" else every.mean(0))
    return torch.stack(out)


@every_message
@every_reduction
@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_equals_the_definition_and_its_gradients(message, reduce, ties, device):
    index, kind, *values = (t.to(device) for t in example())
    if ties:
        values = [value.round() for value in values]
    values = [value.requires_grad_() for value in values]
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    x, table, boundary = values
    got = relational_propagate(x, table, rows, boundary, message=message, reduce=reduce)
    want = one_by_one(index, kind, *values, message, reduce)
    assert relative_error(got, want) < 1e-14
    factor = randn(*got.shape, seed=9).to(device)
    grads = [torch.autograd.grad((out * factor).sum(), values) for out in (got, want)]
    for g, w in zip(*grads, strict=True):
        assert relative_error(g, w) < 1e-13


def test_even_ties_share_and_reference_ties_repeat(device):
    index = torch.tensor([[0, 1, 2], [3, 3, 3]], device=device)
    rows = RelationalRows.from_edge_index(index, torch.zeros(3, dtype=torch.long).to(device), 4, 1)
    table = torch.ones(1, 1, dtype=torch.float64, device=device)
    boundary = torch.tensor([0.0, 0, 0, 2], device=device).double().view(4, 1, 1)

    def gradients(last: float, own: float, ties: str) -> list[float]:
        x = torch.tensor([2.0, 2.0, last, 0.0], device=device).double().view(4, 1, 1)
        b = (boundary * own).requires_grad_()
        x.requires_grad_()
        out = relational_propagate(x, table, rows, b, reduce="max", ties=ties)[3]
        return [float(g) for grad in torch.autograd.grad(out, (x, b)) for g in grad[[0, 1, 2, 3]]]

    assert gradients(1.0, 0.5, "even") == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert gradients(1.0, 0.5, "reference") == [1, 1, 0, 0, 0, 0, 0, 0]
    assert gradients(1.0, 1.0, "even") == pytest.approx([1 / 3, 1 / 3, 0, 0, 0, 0, 0, 1 / 3])
    assert gradients(1.0, 1.0, "reference") == [0.5, 0.5, 0, 0, 0, 0, 0, 0.5]
    assert gradients(1.0, 2.0, "even") == gradients(1.0, 2.0, "reference") == [0.0] * 7 + [1]


@every_message
@pytest.mark.parametrize("reduce", [0, 1, 2, 3, 4])
def test_the_derivative_makes_the_orders_that_are_not_given(message, reduce):
    index, kind, *values = example()
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    graph, rules = (rows.rows.rowptr, rows.rows.col, rows.type), (MESSAGES.index(message), reduce)
    found = []
    for orders in ((None,) * 6, (*rows.by_source, *rows.by_type)):
        leaves = [value.clone().requires_grad_() for value in values]
        out = OPS.relational_propagate(*leaves, *graph, *orders, *rules, True)
        out.square().sum().backward()
        found.append([leaf.grad for leaf in leaves])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


@every_message
@every_reduction
def test_nodes_without_edges_keep_their_boundary(message, reduce, device):
    none = torch.zeros(2, 0, dtype=torch.long, device=device)
    rows = RelationalRows.from_edge_index(none, none[0], 3, 2)
    x, table, boundary = (t.to(device) for t in (randn(3, 2, 4), randn(2, 4), randn(3, 2, 4)))
    boundary.requires_grad_()
    out = relational_propagate(x, table, rows, boundary, message=message, reduce=reduce)
    assert torch.equal(out, boundary.square() if reduce == "square_mean" else boundary)
    (grad,) = torch.autograd.grad(out.sum(), boundary)
    assert torch.equal(grad, 2 * boundary if reduce == "square_mean" else torch.ones_like(grad))


@every_reduction
def test_not_a_number_is_not_lost(reduce, device):
    index, kind, x, table, boundary = (t.to(device) for t in example())
    x[int(index[0, 0]), 0, 2] = float("nan")
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    out = relational_propagate(x, table, rows, boundary, reduce=reduce)
    into = torch.zeros(9, dtype=torch.bool, device=device)
    into[index[1, index[0] == index[0, 0]]] = True
    assert torch.equal(out[:, 0, 2].isnan(), into) and not out[:, 1].isnan().any()


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 60), st.sampled_from(REDUCTIONS))
def test_order_of_the_edges_does_not_matter(seed, nodes, edges, reduce):
    index, kind, x, table, boundary = example(nodes, edges, seed=seed)
    order = torch.randperm(edges, generator=torch.Generator().manual_seed(seed))
    first, second = (
        relational_propagate(
            x,
            table,
            RelationalRows.from_edge_index(index[:, way], kind[way], nodes, 4),
            boundary,
            reduce=reduce,
        )
        for way in (torch.arange(edges), order)
    )
    assert relative_error(second, first) < 1e-13


@given(st.integers(0, 2**31), st.sampled_from(MESSAGES), st.sampled_from(REDUCTIONS))
def test_queries_do_not_see_one_another(seed, message, reduce):
    index, kind, x, table, boundary = example(batch=3, dim=7, seed=seed)
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    options = {"message": message, "reduce": reduce}
    together = relational_propagate(x, table, rows, boundary, **options)
    for query in range(3):
        one = slice(query, query + 1)
        alone = relational_propagate(x[:, one], table, rows, boundary[:, one], **options)
        assert relative_error(together[:, one], alone) < 1e-14


def test_gradient_of_a_product_of_sums_is_adjoint(device):
    index, kind, x, table, boundary = (t.to(device) for t in example(40, 300, 6))
    rows = RelationalRows.from_edge_index(index, kind, 40, 6)
    x.requires_grad_()
    zero = torch.zeros_like(boundary)
    out = relational_propagate(x, table, rows, zero)
    (grad,) = torch.autograd.grad(out, x, boundary)
    assert float((out.detach() * boundary).sum()) == pytest.approx(
        float((x.detach() * grad).sum()), rel=1e-12
    )


def test_orders_are_kept_and_nothing_of_the_edges_is_stored():
    index, kind, x, table, boundary = example(20, 4000, 5, 2, 8)
    rows = RelationalRows.from_edge_index(index, kind, 20, 5)
    assert rows.by_source is rows.by_source and rows.by_type is rows.by_type
    values = [t.requires_grad_() for t in (x, table, boundary)]
    bytes_ = saved_bytes(lambda: relational_propagate(values[0], values[1], rows, values[2]))
    # Three pairs of 32-bit numbers for every edge, and rows; messages would be 512 KiB.
    assert bytes_ < 4000 * 24 + 20_000


@pytest.mark.slow
def test_memory_is_linear_in_the_rows():
    growth, size = peak_growth("""
        n, e, t = 3000, 100_000, 50
        index = torch.randint(n, (2, e))
        rows = graphlab.ops.RelationalRows.from_edge_index(index, torch.randint(t, (e,)), n, t)
        rows.by_source, rows.by_type
        x, b = (torch.randn(n, 4, 64, requires_grad=True) for _ in range(2))
        table = torch.randn(t, 64, requires_grad=True)
        def work():
            for reduce in ("sum", "max"):
                out = graphlab.ops.relational_propagate(x, table, rows, b, reduce=reduce)
                torch.autograd.grad(out.sum(), (x, table, b))
        size = n * 4 * 64 * 4
    """)
    assert growth < 8 * size  # the messages of all edges would be 33 times as many


def test_half_precision_is_read_as_single_and_double_wins(device):
    index, kind, x, table, boundary = (t.to(device) for t in example())
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    half = [t.to(torch.bfloat16).requires_grad_() for t in (x, table, boundary)]
    out = relational_propagate(half[0], half[1], rows, half[2])
    out.sum().backward()
    assert out.dtype == torch.float32 and half[0].grad.dtype == torch.bfloat16
    assert relational_propagate(x.float(), table, rows, boundary.float()).dtype == torch.float64


def test_rows_are_those_of_the_edges(device):
    index, kind = torch.tensor([[2, 0, 1, 0], [1, 2, 1, 1]]), torch.tensor([3, 0, 1, 3])
    rows = RelationalRows.from_edge_index(index.to(device), kind.to(device), 3, 4)
    assert rows.device.type == device.type
    assert rows.rows.rowptr.tolist() == [0, 0, 3, 4]
    assert rows.rows.col.tolist() == [2, 1, 0, 0] and rows.type.tolist() == [3, 1, 3, 0]
    assert [t.tolist() for t in rows.by_source] == [[0, 2, 3, 4], [1, 2, 1, 1], [3, 0, 1, 3]]
    assert [t.tolist() for t in rows.by_type] == [[0, 1, 2, 2, 4], [0, 1, 2, 0], [2, 1, 1, 1]]
    assert str(rows) == "RelationalRows(3 x 3, 4 entries, 4 types)"
    assert rows.to("cpu").type.tolist() == rows.type.tolist()


@pytest.mark.parametrize(
    ("index", "kind", "words"),
    [
        ([[0, 3], [1, 0]], [0, 0], r"edge_index\[0, 1\] = 3"),
        ([[0, 1], [1, 0]], [0, 2], r"edge_type\[1\] = 2"),
        ([[0, 1], [1, 0]], [0], "edge_type must have 2 entries"),
    ],
)
def test_bad_edges_are_refused(index, kind, words):
    with pytest.raises((ValueError, IndexError), match=words):
        RelationalRows.from_edge_index(torch.tensor(index), torch.tensor(kind), 3, 2)


def test_weighted_rows_and_wrong_types_are_refused():
    rows = RelationalRows.from_edge_index(
        torch.tensor([[0, 1], [1, 0]]), torch.zeros(2).long(), 2, 1
    )
    weighted = rows.rows.from_edge_index(rows.rows.edge_index(), 2, rand(2))
    with pytest.raises(ValueError, match="neither weight nor row_scale"):
        RelationalRows(weighted, rows.type, 1)
    with pytest.raises(TypeError, match=r"rows must be graphlab.ops.SparseRows, got Tensor"):
        RelationalRows(rows.rows.edge_index(), rows.type, 1)
    with pytest.raises(TypeError, match="type must be int32"):
        RelationalRows(rows.rows, rows.type.long(), 1)
    with pytest.raises(ValueError, match="type must have 2 entries"):
        RelationalRows(rows.rows, rows.type[:1], 1)
    unchecked = RelationalRows(rows.rows, rows.type + 1, 1)
    with pytest.raises(IndexError, match=r"type\[0\] = 1"):
        relational_propagate(randn(2, 1, 1), randn(1, 1), unchecked, randn(2, 1, 1))


def test_a_boundary_of_other_shape_is_refused():
    index, kind, x, table, boundary = example()
    rows = RelationalRows.from_edge_index(index, kind, 9, 4)
    with pytest.raises(ValueError, match=r"boundary must have shape \(9, 2, 5\), got shape"):
        relational_propagate(x, table, rows, boundary[:, :1])
