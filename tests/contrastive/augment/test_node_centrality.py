"""Importance of nodes is what networkx computes; the released form of GCA has its own name."""

from __future__ import annotations

import sys
from typing import Any

import networkx
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_networkx

from graphlab.contrastive import node_centrality
from tests.contrastive._hosts import NODES


def karate() -> Any:
    net = networkx.karate_club_graph()
    for _, _, edge in net.edges(data=True):
        edge.clear()
    return net


def weighted(net: Any) -> Any:
    for number, (_, _, edge) in enumerate(net.edges(data=True)):
        edge["weight"] = 0.25 + number % 7
    return net


#: Graphs of networkx, with and without what is rare: directions, weights, sinks, isolated nodes.
GRAPHS = {
    "karate": karate,
    "karate with weights": networkx.karate_club_graph,
    "directed path": lambda: networkx.path_graph(6, networkx.DiGraph),
    "directed, random": lambda: networkx.gnp_random_graph(40, 0.05, seed=1, directed=True),
    "directed with weights": lambda: weighted(
        networkx.gnp_random_graph(40, 0.08, seed=2, directed=True)
    ),
    "one component of two": lambda: networkx.disjoint_union(karate(), networkx.path_graph(4)),
    "isolated nodes": lambda: networkx.disjoint_union(karate(), networkx.empty_graph(3)),
    "self-loops": lambda: networkx.DiGraph([(0, 0), (0, 1), (1, 2), (2, 0), (2, 2)]),
    "one node": lambda: networkx.empty_graph(1),
}


def edges(net: Any) -> tuple[Tensor, Tensor | None]:
    directed = net.to_directed()
    listed = list(directed.edges(data=True))
    edge_index = torch.tensor([(u, v) for u, v, _ in listed], dtype=torch.long).view(-1, 2).t()
    if listed and "weight" in listed[0][2]:
        return edge_index, torch.tensor([float(edge["weight"]) for _, _, edge in listed])
    return edge_index, None


def values(named: dict[int, float]) -> Tensor:
    return torch.tensor([named[i] for i in range(len(named))], dtype=torch.float64)


@pytest.mark.parametrize("name", GRAPHS)
def test_pagerank_is_that_of_networkx(name: str) -> None:
    net = GRAPHS[name]()
    edge_index, edge_weight = edges(net)
    found = node_centrality(edge_index, len(net), "pagerank", edge_weight=edge_weight)
    wanted = values(networkx.pagerank(net, tol=1e-14, max_iter=1000))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-6, atol=1e-9)
    assert float(found.sum()) == pytest.approx(1, abs=1e-6)


def test_weight_zero_is_no_edge_and_repeated_edges_add_up() -> None:
    edge_index = torch.tensor([[0, 1, 2, 0], [1, 2, 0, 2]])
    whole = node_centrality(edge_index[:, :3], 3, "pagerank")
    weight = torch.tensor([2.0, 1.0, 5.0, 0.0])
    torch.testing.assert_close(
        node_centrality(edge_index, 3, "pagerank", edge_weight=weight), whole
    )
    twice = torch.cat([edge_index, edge_index[:, :1]], dim=1)
    net = networkx.DiGraph()
    net.add_weighted_edges_from([(0, 1, 2), (1, 2, 1), (2, 0, 1), (0, 2, 1)])
    torch.testing.assert_close(
        node_centrality(twice, 3, "pagerank").double(),
        values(networkx.pagerank(net, tol=1e-14, max_iter=1000)),
        rtol=1e-6,
        atol=1e-9,
    )


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float64])
def test_weights_of_every_kind(dtype: torch.dtype) -> None:
    edge_index, _ = edges(karate())
    ones = torch.ones(edge_index.size(1), dtype=dtype)
    for measure in ("degree", "pagerank", "eigenvector"):
        torch.testing.assert_close(
            node_centrality(edge_index, 34, measure, edge_weight=ones),
            node_centrality(edge_index, 34, measure),
        )


@pytest.mark.parametrize("name", ["karate", "karate with weights", "self-loops"])
def test_eigenvector_is_that_of_networkx(name: str) -> None:
    net = GRAPHS[name]()
    edge_index, edge_weight = edges(net)
    key = None if edge_weight is None else "weight"
    wanted = values(networkx.eigenvector_centrality_numpy(net, weight=key))
    found = node_centrality(edge_index, len(net), "eigenvector", edge_weight=edge_weight)
    torch.testing.assert_close(found.double(), wanted.abs(), rtol=1e-5, atol=1e-6)


def test_measures_on_a_connected_graph() -> None:
    pairs = torch.randint(NODES, (2, 300), generator=torch.Generator().manual_seed(0))
    pairs = pairs[:, pairs[0] < pairs[1]].unique(dim=1)
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    net = to_networkx(Data(edge_index=edge_index, num_nodes=NODES))
    assert networkx.is_strongly_connected(net)
    wanted = values(networkx.eigenvector_centrality_numpy(net)).float()
    found = node_centrality(edge_index, NODES, "eigenvector")
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    degree = torch.bincount(edge_index[1], minlength=NODES).float()
    assert torch.equal(node_centrality(edge_index, NODES), degree)


def test_released_form_is_no_pagerank() -> None:
    edge_index, _ = edges(karate())
    degree = torch.bincount(edge_index[1], minlength=34).float()
    # Without restarts at other nodes the walk's rank is proportional to the degree in the end.
    rank = node_centrality(edge_index, 34, "released_pagerank")
    torch.testing.assert_close(rank / rank.sum(), degree / degree.sum(), rtol=1e-3, atol=1e-6)
    assert not torch.allclose(rank / rank.sum(), node_centrality(edge_index, 34, "pagerank"), 0.01)
    path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    assert float(node_centrality(path, 4, "released_pagerank").sum()) < 4  # mass is lost
    with pytest.raises(ValueError, match="edge_weight must be None"):
        node_centrality(path, 4, "released_pagerank", edge_weight=torch.ones(3))


def test_degree_with_weights_is_the_strength() -> None:
    edge_index = torch.tensor([[0, 1, 2], [2, 2, 0]])
    found = node_centrality(edge_index, 3, edge_weight=torch.tensor([0.5, 2.0, 1.0]))
    assert found.tolist() == [1.0, 0.0, 2.5]


def test_small_graphs_have_an_eigenvector() -> None:
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    found = node_centrality(path, 3, "eigenvector")
    torch.testing.assert_close(found, torch.tensor([0.5, 2**-0.5, 0.5]))


@pytest.mark.parametrize("num_nodes", [6, 7, 8, 20])
def test_equal_parts_are_equally_central(num_nodes: int) -> None:
    triangle = torch.tensor([[0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2]])
    both = torch.cat([triangle, triangle + 3], dim=1)
    found = node_centrality(both, num_nodes, "eigenvector")
    assert torch.allclose(found, torch.tensor([6**-0.5] * 6 + [0.0] * (num_nodes - 6)))


def test_an_eigenvector_of_every_directed_graph_is_one() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(60):
        edge_index = torch.randint(8, (2, 16), generator=generator)
        try:
            found = node_centrality(edge_index, 8, "eigenvector").double()
        except ValueError as error:
            assert "must hold a cycle" in str(error)
            continue
        matrix = torch.zeros(8, 8, dtype=torch.float64)
        matrix[edge_index[1], edge_index[0]] = 1
        largest = torch.linalg.eigvals(matrix).real.max()
        assert float((matrix @ found - largest * found).abs().max()) < 1e-3
        assert float(found.norm()) == pytest.approx(1, abs=1e-5)


def test_a_leading_eigenvector_that_cannot_be_found_is_told(monkeypatch: Any) -> None:
    module = sys.modules["graphlab.contrastive.augment.node_centrality"]
    monkeypatch.setattr(module, "_POWER_STEPS", 1)
    triangle = torch.tensor([[0, 1, 1, 2, 2, 0, 2], [1, 0, 2, 1, 0, 2, 6]])
    both = torch.cat([triangle, triangle[:, :6] + 3], dim=1)
    with pytest.raises(ValueError, match="must have a leading eigenvector that can be found"):
        node_centrality(both, 7, "eigenvector")


@pytest.mark.parametrize("num_nodes", [4, 40])
def test_no_node_of_an_empty_graph_is_central(num_nodes: int) -> None:
    empty = torch.zeros(2, 0, dtype=torch.int64)
    even = torch.full((num_nodes,), num_nodes**-0.5)
    torch.testing.assert_close(node_centrality(empty, num_nodes, "eigenvector"), even)
    even = torch.full((num_nodes,), 1 / num_nodes)
    torch.testing.assert_close(node_centrality(empty, num_nodes, "pagerank"), even)


@pytest.mark.parametrize("num_nodes", [4, 40])
def test_graph_without_a_cycle_has_no_leading_eigenvector(num_nodes: int) -> None:
    path = torch.stack([torch.arange(num_nodes - 1), torch.arange(1, num_nodes)])
    with pytest.raises(ValueError, match="edge_index must hold a cycle"):
        node_centrality(path, num_nodes, "eigenvector")
    cycle = torch.cat([path, torch.tensor([[num_nodes - 1], [0]])], dim=1)
    even = torch.full((num_nodes,), num_nodes**-0.5)
    torch.testing.assert_close(node_centrality(cycle, num_nodes, "eigenvector"), even)


def test_bad_weights_are_refused() -> None:
    path = torch.tensor([[0, 1, 2], [1, 2, 3]])
    for bad, message in (
        (torch.ones(2), "edge_weight must have shape"),
        (-torch.ones(3), "edge_weight must be non-negative"),
        (torch.full((3,), float("nan")), "edge_weight must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            node_centrality(path, 4, "pagerank", edge_weight=bad)
