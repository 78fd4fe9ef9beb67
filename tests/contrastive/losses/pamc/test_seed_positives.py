"""Mini-batches of PyG's loaders add up to the loss of the whole graph."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from graphlab.contrastive import ClusterStatistics, PamCLoss, seed_positives
from tests.contrastive._batches import neighbor_batches
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, graph

CLUSTER = torch.arange(NODES) % 4
HOPS = 2


@pytest.fixture
def data() -> Data:
    """The graph with weights that differ by direction."""
    x, edge_index, _ = graph()
    weight = torch.linspace(0.5, 2.0, edge_index.size(1))
    return Data(x=x, edge_index=edge_index, edge_weight=weight)


def made_encoder() -> GraphSAGE:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return GraphSAGE(FEATURES, WIDTH, HOPS)


def whole(data: Data, encoder: GraphSAGE, loss: PamCLoss) -> Tensor:
    """The loss of the graph, whose in-edges hold the positives of a node."""
    z = encoder(data.x, data.edge_index)
    weight: Any = data.edge_weight
    value: Tensor = loss(z, data.edge_index.flip(0), CLUSTER, weight, 4)
    return value


def test_shares_of_batches_add_up_to_value_and_gradient(data: Data) -> None:
    encoder, loss = made_encoder().double(), PamCLoss(0.5)
    data.x = data.x.double()
    expected = whole(data, encoder, loss)
    expected.backward()
    gradients = [p.grad.clone() for p in encoder.parameters() if p.grad is not None]
    encoder.zero_grad()
    # One hop more than the encoder has layers: the neighbours of the seeds are embedded too.
    batches = list(neighbor_batches(data, 16, HOPS + 1))
    statistics = None
    with torch.no_grad():
        for batch in batches:
            z = encoder(batch.x, batch.edge_index)[: batch.batch_size]
            own = loss.collect(z, CLUSTER[batch.n_id[: batch.batch_size]], 4)
            statistics = own if statistics is None else statistics + own
    assert isinstance(statistics, ClusterStatistics)
    total = 0.0
    for batch in batches:
        positives, weight = seed_positives(batch)
        z = encoder(batch.x, batch.edge_index)
        part = loss.share(z, positives, CLUSTER[batch.n_id[: batch.batch_size]], statistics, weight)
        part.backward()
        total += float(part.detach())
    assert total == pytest.approx(float(expected.detach()), rel=1e-6)
    found = [p.grad for p in encoder.parameters() if p.grad is not None]
    torch.testing.assert_close(found, gradients, rtol=1e-5, atol=1e-8)


def test_batch_as_it_is_gives_another_loss(data: Data) -> None:
    encoder, loss = made_encoder(), PamCLoss(0.5)
    expected = float(whole(data, encoder, loss).detach())
    batch = next(neighbor_batches(data, 16, HOPS + 1))
    z, cluster = encoder(batch.x, batch.edge_index), CLUSTER[batch.n_id]
    for edges in (batch.edge_index, batch.edge_index.flip(0)):
        assert abs(float(loss(z, edges, cluster).detach()) - expected) > 0.05


def test_sampled_edges_stand_for_all(data: Data) -> None:
    del data.edge_weight
    degree = torch.bincount(data.edge_index[1], minlength=NODES).float()
    for batch in neighbor_batches(data, 16, 1, most=2):
        positives, weight = seed_positives(batch, degree)
        assert weight is not None and int(positives[0].max()) < batch.batch_size
        sums = torch.zeros(batch.batch_size).index_add(0, positives[0], weight)
        torch.testing.assert_close(sums, degree[batch.n_id[: batch.batch_size]])


def test_malformed_batches_are_named(data: Data) -> None:
    with pytest.raises(ValueError, match="batch must have edge_index and batch_size"):
        seed_positives(data)
    with pytest.raises(ValueError, match="batch must have edge_index and batch_size"):
        seed_positives(3)
    batch = next(neighbor_batches(data, 16, 1))
    with pytest.raises(IndexError, match=r"batch.n_id\[\d+\] = "):
        seed_positives(batch, torch.ones(3))
    with pytest.raises(TypeError, match="degree must be a torch.Tensor"):
        seed_positives(batch, [1.0])  # type: ignore[arg-type]
    batch.n_id = None
    with pytest.raises(ValueError, match="batch must have n_id"):
        seed_positives(batch, torch.ones(NODES))
    batch.batch_size = 10**6
    with pytest.raises(ValueError, match="batch.batch_size must be at most"):
        seed_positives(batch)
