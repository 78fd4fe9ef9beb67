from __future__ import annotations

import networkx
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_networkx

from graphlab.contrastive import CentralityDropEdge, node_centrality
from tests._golden import load
from tests.contrastive._hosts import NODES, graph

SHORT = {"degree": "degree", "pagerank": "pr", "eigenvector": "evc"}


@pytest.mark.parametrize("name", SHORT)
def test_weights_equal_the_authors(name: str) -> None:
    stored, short = load("pot", "gca_weights", torch.float64), SHORT[name]
    edge_index = stored["edge_index"]
    drop = CentralityDropEdge(edge_index, 20, float(stored["p"]), name, float(stored["threshold"]))
    tolerance = 1e-3 if name == "eigenvector" else 1e-5
    for ours, theirs in ((drop.weight, "edge_weight"), (drop.probability, "edge_prob")):
        wanted = stored[f"{theirs}_{short}"]
        torch.testing.assert_close(ours.double(), wanted, rtol=tolerance, atol=tolerance)
    assert torch.equal(drop.expected_budget(), stored[f"max_delete_{short}"])


def test_measures_on_a_connected_graph() -> None:
    pairs = torch.randint(NODES, (2, 300), generator=torch.Generator().manual_seed(0))
    pairs = pairs[:, pairs[0] < pairs[1]].unique(dim=1)
    edge_index = torch.cat([pairs, pairs.flip(0)], dim=1)
    net = to_networkx(Data(edge_index=edge_index, num_nodes=NODES))
    assert networkx.is_strongly_connected(net)
    named = networkx.eigenvector_centrality_numpy(net)
    wanted = torch.tensor([named[i] for i in range(NODES)]).float()
    found = node_centrality(edge_index, NODES, "eigenvector")
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)
    degree = torch.bincount(edge_index[1], minlength=NODES).float()
    assert torch.equal(node_centrality(edge_index, NODES), degree)
    # Without restarts at other nodes the walk's rank is proportional to the degree in the end.
    rank = node_centrality(edge_index, NODES, "pagerank")
    torch.testing.assert_close(rank / rank.sum(), degree / degree.sum(), rtol=1e-3, atol=1e-6)


def test_small_graphs_have_an_eigenvector() -> None:
    path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    found = node_centrality(path, 3, "eigenvector")
    torch.testing.assert_close(found, torch.tensor([0.5, 2**-0.5, 0.5]))


def test_edges_into_hubs_survive() -> None:
    hub = torch.arange(1, 12)
    star = torch.stack([hub, torch.zeros_like(hub)])
    edge_index = torch.cat([star, star.flip(0)], dim=1)
    drop = CentralityDropEdge(edge_index, 12, 0.4)
    assert (drop.probability[:11] == 0).all()
    assert torch.allclose(drop.probability[11:], torch.tensor(0.7))  # 0.8, cut
    kept = drop(edge_index, generator=torch.Generator().manual_seed(0))
    assert kept.size(1) < 22
    assert int((kept[1] == 0).sum()) == 11


def test_regular_graphs_drop_uniformly() -> None:
    node = torch.arange(9)
    ring = torch.stack([node, (node + 1) % 9])
    edge_index = torch.cat([ring, ring.flip(0)], dim=1)
    for name in SHORT:
        drop = CentralityDropEdge(edge_index, 9, 0.3, name)
        assert torch.allclose(drop.probability, torch.tensor(0.3))
        assert drop.expected_budget(edge_index).tolist() == 9 * [1]


def test_own_values_and_bad_input() -> None:
    _, edge_index, _ = graph()
    own = torch.bincount(edge_index[1], minlength=NODES).double()
    same = CentralityDropEdge(edge_index, NODES, 0.2, own).probability
    assert torch.equal(same, CentralityDropEdge(edge_index, NODES, 0.2).probability)
    with pytest.raises(ValueError, match="centrality must have shape"):
        CentralityDropEdge(edge_index, NODES, 0.2, own[:5])
    with pytest.raises(ValueError, match="non-negative"):
        CentralityDropEdge(edge_index, NODES, 0.2, -own)
    with pytest.raises(TypeError, match="centrality"):
        CentralityDropEdge(edge_index, NODES, 0.2, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="measure must be one of"):
        CentralityDropEdge(edge_index, NODES, 0.2, "closeness")
    with pytest.raises(ValueError, match="at least one edge"):
        CentralityDropEdge(edge_index[:, :0], NODES, 0.2)
    with pytest.raises(ValueError, match="same order"):
        CentralityDropEdge(edge_index, NODES, 0.2)(edge_index.flip(1), generator=torch.Generator())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_centralities_that_are_no_numbers_are_refused(bad: float) -> None:
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 0]])
    with pytest.raises(ValueError, match="centrality must be finite"):
        CentralityDropEdge(edge_index, 3, 0.3, torch.tensor([1.0, bad, 2.0]))


@pytest.mark.parametrize("num_nodes", [4, 40])
def test_no_node_of_an_empty_graph_is_central(num_nodes: int) -> None:
    empty = torch.zeros(2, 0, dtype=torch.int64)
    found = node_centrality(empty, num_nodes, "eigenvector")
    torch.testing.assert_close(found, torch.full((num_nodes,), num_nodes**-0.5))
