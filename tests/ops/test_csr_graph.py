"""The prepared graph: properties of the layout, weights, errors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.ops import CSRGraph
from tests.ops._cases import graph, rand, randint


def dense(edge_index, nodes, weight):
    out = torch.zeros(nodes, nodes, dtype=weight.dtype)
    return out.index_put((edge_index[0], edge_index[1]), weight, accumulate=True)


def as_matrix(g, values=None):
    values = torch.ones(g.num_edges).double() if values is None else values
    return dense(g.edge_index(), g.num_nodes, values)


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 60))
def test_layout_holds_the_given_weights_and_their_reverses(seed, nodes, edges):
    index, weight = randint(nodes, 2, edges, seed=seed), rand(edges, seed=seed)
    g = CSRGraph.from_edge_index(index, nodes, weight)
    assert g.rowptr.dtype == torch.int64 and g.col.dtype == torch.int32
    assert g.rowptr[0] == 0 and g.rowptr[-1] == g.num_edges and bool((g.rowptr.diff() >= 0).all())
    row, col = g.edge_index()
    key = row * nodes + col
    assert bool((key[1:] > key[:-1]).all())
    want = dense(index, nodes, weight)
    torch.testing.assert_close(as_matrix(g, g.weight), want)
    pattern = as_matrix(g)
    assert torch.equal(pattern, pattern.t())
    reverse = g.weight if g.weight_t is None else g.weight_t
    torch.testing.assert_close(as_matrix(g, reverse), want.t())


@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 60))
def test_edges_without_weights_count_once(seed, nodes, edges):
    index = randint(nodes, 2, edges, seed=seed)
    g = CSRGraph.from_edge_index(torch.cat([index, index], 1), nodes)
    want = (dense(index, nodes, torch.ones(edges).double()) > 0).double()
    weight = None if g.weight is None else g.weight.double()
    torch.testing.assert_close(as_matrix(g, weight), want)


@given(st.integers(0, 2**31), st.integers(1, 10), st.integers(0, 40))
def test_order_of_the_edges_does_not_matter(seed, nodes, edges):
    index = torch.unique(randint(nodes, 2, edges, seed=seed), dim=1)
    weight = rand(index.size(1), seed=seed)
    order = torch.randperm(index.size(1), generator=torch.Generator().manual_seed(seed))
    first = CSRGraph.from_edge_index(index, nodes, weight)
    second = CSRGraph.from_edge_index(index[:, order], nodes, weight[order])
    for name in ("rowptr", "col", "weight", "weight_t"):
        a, b = getattr(first, name), getattr(second, name)
        assert (a is None and b is None) or torch.equal(a, b)


@pytest.mark.parametrize("kind", ["plain", "directed", "symmetric", "reversible", "hub"])
def test_preparing_twice_changes_nothing(kind):
    g = graph(kind, 30, 90)
    again = CSRGraph.from_edge_index(g.edge_index(), 30, g.weight, scale=g.scale)
    for name in ("rowptr", "col", "weight", "weight_t", "scale"):
        a, b = getattr(g, name), getattr(again, name)
        assert (a is None and b is None) or torch.equal(a, b)


def test_symmetric_and_reversible_weights_store_no_reverse():
    assert graph("symmetric", 30, 90).weight_t is None
    reversible = graph("reversible", 30, 90)
    assert reversible.weight_t is None and reversible.reversible
    assert graph("directed", 30, 90).weight_t is not None
    assert not graph("directed", 30, 90).reversible


def test_gradient_flows_to_the_given_weights():
    index = torch.tensor([[0, 0, 1], [1, 1, 2]])
    weight = torch.ones(3).double().requires_grad_()
    g = CSRGraph.from_edge_index(index, 3, weight)
    (g.weight * torch.arange(1.0, 5.0)).sum().backward()
    assert g.num_edges == 4 and weight.grad.tolist() == [1.0, 1.0, 3.0]


@pytest.mark.parametrize("nodes", [0, 5])
def test_no_edges(nodes):
    g = CSRGraph.from_edge_index(torch.zeros(2, 0, dtype=torch.int64), nodes)
    assert g.num_nodes == nodes and g.num_edges == 0
    assert g.rowptr.tolist() == [0] * (nodes + 1)
    assert g.edge_index().shape == (2, 0)
    scale = torch.arange(1.0, nodes + 1)
    scaled = CSRGraph.from_edge_index(g.edge_index(), nodes, torch.ones(0), scale=scale)
    assert torch.equal(scaled.scale, scale)
    with pytest.raises(ValueError, match=rf"scale must have shape \({nodes},\)"):
        CSRGraph.from_edge_index(g.edge_index(), nodes, scale=torch.ones(nodes + 1))


def test_moves_between_devices(device):
    g = graph("reversible", 10, 30).to(device)
    assert g.device.type == device.type
    assert g.weight is not None and g.weight.device.type == device.type
    assert g.weight_t is None


PAIR = torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"edge_index": [[0], [1]]}, TypeError, "edge_index must be a torch.Tensor"),
        ({"edge_index": PAIR.float()}, TypeError, "edge_index must be int64 or int32"),
        ({"edge_index": torch.zeros(3, 2).long()}, ValueError, r"transpose it\?"),
        ({"edge_index": PAIR + 2}, IndexError, r"edge_index\[1, 0\] = 3 is outside \[0, 3\)"),
        ({"edge_index": PAIR - 1}, IndexError, r"edge_index\[0, 0\] = -1 is outside"),
        ({"num_nodes": -1}, ValueError, "num_nodes must be at least 0"),
        ({"num_nodes": 2**31}, ValueError, "num_nodes must be at most 2147483647"),
        ({"num_nodes": 3.0}, TypeError, "num_nodes must be an int"),
        ({"edge_weight": torch.ones(3)}, ValueError, r"edge_weight must have shape \(2,\)"),
        ({"edge_weight": torch.ones(2).cfloat()}, TypeError, "edge_weight must be real"),
        ({"edge_weight": -torch.ones(2)}, ValueError, r"edge_weight\[0\] = -1.0"),
        ({"edge_weight": torch.tensor([1.0, float("nan")])}, ValueError, r"edge_weight\[\(1,\)\]"),
        ({"scale": torch.ones(2)}, ValueError, r"scale must have shape \(3,\)"),
        ({"scale": torch.zeros(3)}, ValueError, "scale must be positive"),
        (
            {"scale": torch.tensor([1.0, 2.0, 1.0]), "edge_weight": torch.ones(2)},
            ValueError,
            "scale must satisfy",
        ),
    ],
)
def test_bad_input_is_refused_by_name(change, error, words):
    arguments = {"edge_index": PAIR, "num_nodes": 3, **change}
    with pytest.raises(error, match=words):
        CSRGraph.from_edge_index(**arguments)
