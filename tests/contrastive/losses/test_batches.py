"""Every loss and every model on mini-batches of PyG's loaders."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from tests.contrastive._batches import neighbor_batches
from tests.contrastive._hosts import FEATURES, WIDTH, graph
from tests.contrastive.hosts.test_contract import MODELS
from tests.contrastive.losses.test_scalars import FUNCTIONS

X, EDGES, _ = graph()
SEEDS = 8  # what the losses of the table are made for
GRAPH = Data(x=X, edge_index=EDGES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_losses_take_the_rows_of_the_seeds(name: str) -> None:
    encoder = GraphSAGE(FEATURES, WIDTH, 2)
    for batch in list(neighbor_batches(GRAPH, SEEDS, 2, most=3))[:2]:
        z = encoder(batch.x, batch.edge_index)[: batch.batch_size]
        loss = FUNCTIONS[name](z, z.flip(1))
        loss.backward()
        assert loss.isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("name", [n for n in MODELS if n != "GCA"])  # which knows its edges
def test_models_train_on_batches(name: str) -> None:
    model = MODELS[name]()
    generator = torch.Generator().manual_seed(0)
    for batch in list(neighbor_batches(GRAPH, 20, 2))[:2]:
        loss = model.training_loss(batch.x, batch.edge_index, generator=generator)
        loss.backward()
        assert loss.isfinite()
