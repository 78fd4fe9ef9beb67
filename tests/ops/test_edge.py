"""Edge-cosine sums: identities, degenerate rows, the Python border, memory."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import CSRGraph, SparseRows, edge_cosine_sum, library, trusted_values, unit_rows
from tests.ops._cases import OPS, graph, rand, randint, randn, relative_error, tensors_of
from tests.ops._memory import peak_growth

TRIANGLE = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])


def dense(z, weight, tau):
    """The definition with an N x N matrix of weights."""
    u = unit_rows(z)
    cosine = (u @ u.t()).masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), 0.0)
    return (weight * torch.exp(tau * cosine)).sum(1)


@pytest.mark.parametrize("kind", ["plain", "directed", "symmetric", "reversible", "hub"])
def test_equals_the_dense_sum_and_its_gradient(kind, device):
    g = graph(kind, 40, 300).to(device)
    weight = torch.zeros(40, 40, dtype=torch.float64, device=device)
    row, col = g.edge_index()
    weight[row, col] = 1.0 if g.weight is None else g.weight.double()
    z = randn(40, 6).to(device).requires_grad_()
    got, want = edge_cosine_sum(z, g, 1.3), dense(z, weight, 1.3)
    assert relative_error(got, want) < 1e-13
    factor = rand(40).to(device)
    grads = [torch.autograd.grad((out.log() * factor).sum(), z)[0] for out in (got, want)]
    assert relative_error(*grads) < 1e-12


@pytest.mark.parametrize("wanted", ["z", "weight", None])
def test_one_number_an_edge_is_kept_where_a_gradient_is_wanted(wanted, device, monkeypatch):
    weight = torch.arange(1.0, 7.0, device=device, requires_grad=wanted == "weight")
    g = CSRGraph.from_edge_index(TRIANGLE.to(device), 3, weight)
    z = randn(3, 2).to(device).requires_grad_(wanted == "z")
    kept = []

    def call(name, *args):
        result = library.call(name, *args)
        kept.append(result[1].numel())
        return result

    monkeypatch.setattr("graphlab.ops.edge.call", call)
    edge_cosine_sum(z, g, 0.9)
    with torch.no_grad():
        edge_cosine_sum(z, g, 0.9)
    assert kept == [6 if wanted and device.type != "cuda" else 0, 0]


def test_gradient_reaches_the_weights(device):
    weight = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], device=device).double().requires_grad_()
    g = CSRGraph.from_edge_index(TRIANGLE.to(device), 3, weight)
    z = randn(3, 2).to(device)
    edge_cosine_sum(z, g, 0.9).sum().backward()
    u = unit_rows(z)
    row, col = TRIANGLE.to(device)
    assert relative_error(weight.grad, torch.exp(0.9 * (u[row] * u[col]).sum(1))) < 1e-13


def test_self_loop_counts_with_cosine_zero_and_no_gradient(device):
    g = CSRGraph.from_edge_index(torch.tensor([[0], [0]], device=device), 1)
    z = torch.tensor([[3.0, 4.0]], device=device, requires_grad=True)
    out = edge_cosine_sum(z, g, 2.0)
    out.sum().backward()
    assert out.tolist() == [1.0] and not z.grad.any()


def test_node_without_edges_sums_to_zero(device):
    g = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 0]], device=device), 4)
    z = randn(4, 3).to(device).requires_grad_()
    out = edge_cosine_sum(z, g, 1.0)
    out.sum().backward()
    assert out[2:].tolist() == [0.0, 0.0] and not z.grad[2:].any()


def test_zero_row_has_cosine_zero_and_no_gradient(device):
    z = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], device=device, requires_grad=True)
    g = CSRGraph.from_edge_index(TRIANGLE.to(device), 3)
    out = edge_cosine_sum(z, g, 1.0)
    out.sum().backward()
    other = math.exp(math.sqrt(0.5))
    assert out.tolist() == pytest.approx([1 + other, 2.0, 1 + other])
    assert not z.grad[1].any() and bool(z.grad.isfinite().all()) and bool(z.grad[0].any())


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_extreme_norms_only_scale_the_gradient(size, device):
    g = graph("directed", 50, 400).to(device)
    plain = unit_rows(randn(50, 7)).float().to(device).requires_grad_()
    scaled = (plain.detach() * size).requires_grad_()
    values = [edge_cosine_sum(z, g, 0.5) for z in (plain, scaled)]
    grads = [
        torch.autograd.grad(v.sum(), z)[0] for v, z in zip(values, (plain, scaled), strict=True)
    ]
    assert relative_error(values[1], values[0]) < 1e-6
    assert relative_error(grads[1].double() * size, grads[0]) < 2e-6


def test_gradient_is_orthogonal_to_the_rows(device):
    z = randn(60, 9).to(device).requires_grad_()
    edge_cosine_sum(z, graph("directed", 60, 700).to(device), 0.8).sum().backward()
    assert float((z.grad * z.detach()).sum(1).abs().max()) < 1e-12


def test_long_row_is_summed_accurately(device):
    nodes = 200_001
    others = torch.arange(1, nodes)
    index = torch.stack([torch.zeros_like(others), others])
    g = CSRGraph.from_edge_index(torch.cat([index, index.flip(0)], 1).to(device), nodes)
    z = randn(nodes, 4).float()
    u = unit_rows(z.double())
    want = torch.exp(0.5 * (u[1:] @ u[0])).sum()
    got = edge_cosine_sum(z.to(device), g, 0.5)[0]
    # Pure torch adds single-precision numbers one after the other.
    limit = 1e-6 if library.active_kernel("edge_cosine_sum", device.type) == "compiled" else 1e-3
    assert abs(float(got) / float(want) - 1) < limit


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_single(dtype, device):
    g = graph("symmetric", 30, 100).to(device)
    z = randn(30, 4).to(device, dtype).requires_grad_()
    out = edge_cosine_sum(z, CSRGraph(g.rowptr, g.col), 1.0)
    out.sum().backward()
    assert out.dtype == torch.float32 and z.grad.dtype == dtype
    assert edge_cosine_sum(z, g, 1.0).dtype == torch.float64  # the weights are float64


def test_expanded_and_sliced_inputs(device):
    g = graph("plain", 20, 60).to(device)
    row = randn(1, 5).to(device)
    expanded = edge_cosine_sum(row.expand(20, 5), g, 1.0)
    assert torch.equal(expanded, edge_cosine_sum(row.repeat(20, 1), g, 1.0))
    wide = randn(20, 11).to(device)
    sliced = edge_cosine_sum(wide[:, 1:11:2], g, 1.0)
    assert torch.equal(sliced, edge_cosine_sum(wide[:, 1:11:2].contiguous(), g, 1.0))


@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(0, 80))
def test_renaming_the_nodes_renames_the_sums(seed, nodes, edges):
    index = randint(nodes, 2, edges, seed=seed)
    weight = rand(edges, seed=seed)
    new_name = torch.randperm(nodes, generator=torch.Generator().manual_seed(seed))
    z = randn(nodes, 3, seed=seed)
    renamed = torch.empty_like(z)
    renamed[new_name] = z
    before = edge_cosine_sum(z, CSRGraph.from_edge_index(index, nodes, weight), 1.0)
    after = edge_cosine_sum(renamed, CSRGraph.from_edge_index(new_name[index], nodes, weight), 1.0)
    assert relative_error(after[new_name], before) < 1e-13


@pytest.mark.parametrize(
    ("z", "tau", "error", "words"),
    [
        ([[1.0]], 1.0, TypeError, "z must be a torch.Tensor"),
        (torch.ones(3, 2).long(), 1.0, TypeError, "z must be floating point"),
        (torch.ones(3), 1.0, ValueError, "z must be 2-D"),
        (torch.ones(4, 2), 1.0, ValueError, "z must have 3 rows"),
        (torch.ones(3, 2), 0.0, ValueError, "tau must be positive"),
        (torch.ones(3, 2), float("nan"), ValueError, "tau must be positive"),
        (torch.ones(3, 2), "1", TypeError, "tau must be a real number"),
        (torch.ones(3, 2), 81.0, ValueError, "tau must be at most 80"),
        (torch.ones(3, 2).double(), 601.0, ValueError, "tau must be at most 600"),
    ],
)
def test_bad_input_is_refused_by_name(z, tau, error, words):
    with pytest.raises(error, match=words):
        edge_cosine_sum(z, CSRGraph.from_edge_index(TRIANGLE, 3), tau)


@pytest.mark.parametrize("tau", [80.0])
def test_largest_tau_stays_finite(tau, device):
    z = torch.ones(3, 2, device=device)
    out = edge_cosine_sum(z, CSRGraph.from_edge_index(TRIANGLE.to(device), 3), tau)
    assert out.tolist() == pytest.approx([2 * math.exp(80.0)] * 3, rel=2e-5)


@pytest.mark.parametrize(
    ("rowptr", "col", "words"),
    [
        ([0, 1, 1, 2], [1, 3], r"col\[1\] = 3 is outside \[0, 3\)"),
        ([0, 1, 1, 2], [-1, 0], r"col\[0\] = -1 is outside \[0, 3\)"),
        ([0, 3, 1, 2], [1, 0], r"rowptr must not decrease, but rowptr\[2\] = 1 follows 3"),
        ([0, 1, 1, 9], [1, 0], r"rowptr\[3\] = 9, expected 2"),
        ([1, 1, 1, 2], [1, 0], r"rowptr\[0\] = 1, expected 0"),
        ([0, 1, 2], [1, 0], r"rowptr must have size 4 along axis 0, got 3"),
    ],
)
@pytest.mark.parametrize("name", ["forward", "backward", "weight"])
@pytest.mark.compiled
def test_kernels_never_read_out_of_range(rowptr, col, words, name):
    rowptr, col = torch.tensor(rowptr), torch.tensor(col, dtype=torch.int32)
    z, grad = torch.ones(3, 2), torch.ones(3)
    calls = {
        "forward": lambda: OPS.edge_cosine_sum(z, rowptr, col, None, None, None, 1.0, False),
        "backward": lambda: OPS.edge_cosine_sum_backward(
            grad, torch.ones(0), z, rowptr, col, None, None, None, 1.0
        ),
        "weight": lambda: OPS.edge_cosine_weight_grad(grad, torch.ones(0), z, rowptr, col, 1.0),
    }
    with pytest.raises(RuntimeError, match=words):
        calls[name]()


@pytest.mark.compiled
def test_kernels_check_dtypes_and_lengths():
    g, z = CSRGraph.from_edge_index(TRIANGLE, 3), torch.ones(3, 2)
    with pytest.raises(RuntimeError, match="weight must have dtype Float, got Double"):
        OPS.edge_cosine_sum(z, g.rowptr, g.col, rand(6), None, None, 1.0, False)
    with pytest.raises(RuntimeError, match="scale must have size 3"):
        OPS.edge_cosine_sum(z, g.rowptr, g.col, None, None, torch.ones(4), 1.0, False)
    with pytest.raises(RuntimeError, match="col must have dtype Int"):
        OPS.edge_cosine_sum(z, g.rowptr, g.col.long(), None, None, None, 1.0, False)
    with pytest.raises(RuntimeError, match="kept must have size 6"):
        OPS.edge_cosine_weight_grad(torch.ones(3), torch.ones(5), z, g.rowptr, g.col, 1.0)


def test_memory_does_not_hold_edges_times_features():
    code = """
        nodes, edges, dim = 20_000, 600_000, 64
        index = torch.randint(nodes, (2, edges), generator=torch.Generator().manual_seed(0))
        graph = graphlab.ops.CSRGraph.from_edge_index(index, nodes)
        z = torch.ones(nodes, dim, requires_grad=True)
        def work():
            graphlab.ops.edge_cosine_sum(z, graph, 1.0).log1p().sum().backward()
        size = graph.num_edges * dim * 4
    """
    growth, size = peak_growth(code)
    assert growth < 0.4 * size


def test_operator_takes_the_graph_apart(device):
    g = graph("reversible", 12, 40).to(device)
    z = randn(12, 3).to(device)
    out, _ = OPS.edge_cosine_sum(z, *tensors_of(g), 1.0, False)
    assert torch.equal(edge_cosine_sum(z, g, 1.0), out)


def test_graphs_that_do_not_fit_are_refused():
    z, graph = torch.ones(3, 2), CSRGraph.from_edge_index(TRIANGLE, 3)
    with pytest.raises(TypeError, match="graph must be a graphlab.ops.CSRGraph, got SparseRows"):
        edge_cosine_sum(z, SparseRows(graph.rowptr, graph.col), 1.0)
    with pytest.raises(IndexError, match=r"col\[0\] = 4 is outside \[0, 3\)"):
        edge_cosine_sum(z, CSRGraph(graph.rowptr, graph.col + 3), 1.0)


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("power", [-1060, -600, 0, 600, 1021])
def test_rows_of_extreme_norms_become_unit_rows(power, trusted, device):
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64, device=device)
    far = torch.ldexp(torch.ldexp(x, torch.tensor(power // 2)), torch.tensor(power - power // 2))
    far.requires_grad_()
    with trusted_values() if trusted else nullcontext():
        unit = unit_rows(far)
    assert unit.tolist() == [[0.6, 0.8], [0.0, 0.0]]
    if abs(power) < 1000:
        (grad,) = torch.autograd.grad(unit[:, 0].sum(), far)
        wanted = torch.ldexp(
            torch.tensor([0.128, -0.096], dtype=torch.float64), torch.tensor(-power)
        )
        torch.testing.assert_close(grad[0].cpu(), wanted, rtol=1e-12, atol=0)
        assert not bool(grad[1].any())
