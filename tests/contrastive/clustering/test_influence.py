from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlab.contrastive import PamCLoss, influence_adjacency, influence_graph
from tests._golden import load


def dense(edge_index: torch.Tensor, weight: torch.Tensor, n: int) -> torch.Tensor:
    return torch.zeros(n, n, dtype=weight.dtype).index_put(tuple(edge_index), weight)


def random_edges(seed: int, n: int, m: int) -> torch.Tensor:
    return torch.randint(n, (2, m), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("cumulative", [True, False])
def test_golden_powers(order: int, cumulative: bool) -> None:
    case = load("pamc", "adjacency_order")
    n, edges = int(case["n"]), case["edges"].long().t()
    expected = case[f"A_r{order}_{'cum' if cumulative else 'pow'}"]
    ours = influence_adjacency(edges, n, order, cumulative, duplicates="sum")
    torch.testing.assert_close(dense(*ours, n), expected, atol=1e-6, rtol=0)


@given(seed=st.integers(0, 1000), order=st.integers(1, 4), cumulative=st.booleans())
def test_equals_dense_powers(seed: int, order: int, cumulative: bool) -> None:
    n, edges = 9, random_edges(seed, 9, 14)
    graph = torch.zeros(n, n, dtype=torch.float64)
    graph[edges[0], edges[1]] = 1
    graph = ((graph + graph.t()) > 0).double().fill_diagonal_(1)
    walk = graph / graph.sum(1, keepdim=True)
    powers = [torch.linalg.matrix_power(walk, k + 1) for k in range(order)]
    expected = torch.stack(powers).sum(0) if cumulative else powers[-1]
    index, weight = influence_adjacency(edges, n, order, cumulative, dtype=torch.float64)
    torch.testing.assert_close(dense(index, weight, n), expected, atol=1e-14, rtol=0)
    key = index[0] * n + index[1]
    assert bool((key[1:] > key[:-1]).all())


@given(seed=st.integers(0, 1000), order=st.integers(1, 3))
def test_prepared_graph_is_the_same_reversible_walk(seed: int, order: int) -> None:
    edges = random_edges(seed, 12, 18)
    graph = influence_graph(edges, 12, order, dtype=torch.float64)
    index, weight = influence_adjacency(edges, 12, order, dtype=torch.float64)
    assert graph.reversible
    assert graph.weight is not None
    torch.testing.assert_close(graph.edge_index(), index)
    torch.testing.assert_close(graph.weight, weight)
    z = torch.randn(12, 3, dtype=torch.float64, requires_grad=True)
    loss = PamCLoss()
    (one,) = torch.autograd.grad(loss.positive(z, graph), z)
    (other,) = torch.autograd.grad(loss.positive(z, index, weight), z)
    torch.testing.assert_close(one, other)


def test_topk_keeps_the_largest_and_loses_the_rest_of_the_mass() -> None:
    edges = random_edges(0, 30, 120)
    full = dense(*influence_adjacency(edges, 30, 1, dtype=torch.float64), 30)
    index, weight = influence_adjacency(edges, 30, 1, topk=3, dtype=torch.float64)
    pruned = dense(index, weight, 30)
    assert int((pruned > 0).sum(1).max()) <= 3
    expected = full.topk(3, dim=1).values.sum(1)
    torch.testing.assert_close(pruned.sum(1), expected)
    graph = influence_graph(edges, 30, 3, topk=5)
    assert graph.num_nodes == 30
    assert not graph.reversible


def test_isolated_nodes_keep_their_loop() -> None:
    index, weight = influence_adjacency(torch.zeros(2, 0, dtype=torch.long), 3)
    assert index.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert weight.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"order": 0}, ValueError, "order must be at least 1"),
        ({"order": 1.5}, TypeError, "order must be an int"),
        ({"topk": 0}, ValueError, "topk must be at least 1"),
        ({"num_nodes": 0}, ValueError, "num_nodes must be at least 1"),
        ({"duplicates": "keep"}, ValueError, "duplicates must be one of"),
        ({"edge_index": torch.tensor([[0], [9]])}, IndexError, r"edge_index\[1, 0\] = 9"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[Exception], message: str) -> None:
    arguments = {"edge_index": torch.tensor([[0], [1]]), "num_nodes": 3} | change
    with pytest.raises(error, match=message):
        influence_adjacency(**arguments)  # type: ignore[arg-type]
