from __future__ import annotations

import pytest
import torch

from graphlab.contrastive import CentralityDropEdge
from tests._golden import load
from tests.contrastive._hosts import NODES, graph

#: The measures of the authors' code, by our names.
SHORT = {"degree": "degree", "released_pagerank": "pr", "eigenvector": "evc"}


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
