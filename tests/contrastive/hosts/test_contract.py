"""One loop trains every exported method of a graph."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

import pytest
import torch
from torch_geometric.nn import GCN

import graphlab.contrastive as room
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from tests.contrastive._hosts import FEATURES, NODES, WIDTH, encoder, graph

X, EDGES, _ = graph()
MODELS: dict[str, Callable[[], EmbeddingModel]] = {
    "GRACE": lambda: room.GRACE(encoder(), WIDTH),
    "GCA": lambda: room.GCA(encoder(), WIDTH, edge_index=EDGES, num_nodes=NODES),
    "ProGCL": lambda: room.ProGCL(encoder(), WIDTH, start_epoch=1),
    "ProGCL mix": lambda: room.ProGCL(encoder(), WIDTH, start_epoch=1, mode="mix", num_mixed=9),
    "COSTA": lambda: room.COSTA(encoder(), WIDTH),
    "BGRL": lambda: room.BGRL(encoder(), WIDTH, 16),
    "GBT": lambda: room.GBT(encoder()),
    "GraphCL": lambda: room.GraphCL(encoder(), WIDTH),
    "GraphMAE": lambda: room.GraphMAE(encoder(), FEATURES, WIDTH),
    "S2GAE": lambda: room.S2GAE(encoder(), WIDTH),
}


def test_every_exported_method_is_here() -> None:
    public = {name: getattr(room, name) for name in room.__all__}
    methods = {
        name
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, EmbeddingModel)
    }
    assert methods - {"TwoViewModel"} == {name.partition(" ")[0] for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_the_documented_loop_trains(name: str) -> None:
    steps = 3
    model = MODELS[name]()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    before = torch.get_rng_state()
    start = [parameter.detach().clone() for parameter in model.parameters()]
    for step in range(steps):
        optimizer.zero_grad()
        loss = model.training_loss(X, EDGES, generator=generator, step=step)
        assert loss.shape == () and loss.isfinite()
        loss.backward()
        optimizer.step()
        model.after_step(step, steps)
    assert torch.equal(torch.get_rng_state(), before)
    moved = zip(start, model.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in moved)
    assert model.embed(X, EDGES).shape == (NODES, WIDTH)


@pytest.mark.parametrize("name", MODELS)
def test_an_encoder_converted_without_its_model_is_named(name: str) -> None:
    model = MODELS[name]()
    for part in ("encoder", "target_encoder"):
        getattr(model, part, torch.nn.Module()).double()
    if name in ("GBT", "GraphCL"):  # no network of theirs reads the embeddings alone
        model.training_loss(X.double(), EDGES)
        return
    match = (
        r"(z1|x|levels\[0\]) must have the dtype of the (head|decoder), torch.float32, got "
        r"torch.float64: model.double\(\) converts encoder and"
    )
    with pytest.raises(TypeError, match=match):
        model.training_loss(X.double(), EDGES)
    assert model.double().training_loss(X.double(), EDGES).dtype == torch.float64


LAZY: dict[str, Callable[[], EmbeddingModel]] = {
    "GRACE": lambda: room.GRACE(GCN(-1, 8, 2, WIDTH), WIDTH),
    "GBT": lambda: room.GBT(GCN(-1, 8, 2, WIDTH)),
    "GraphMAE": lambda: room.GraphMAE(GCN(-1, 8, 2, WIDTH), FEATURES, WIDTH),
    "S2GAE": lambda: room.S2GAE(GCN(-1, 8, 2, WIDTH), WIDTH),
}


@pytest.mark.parametrize("name", LAZY)
@pytest.mark.parametrize("used", [False, True])
def test_copies_of_lazy_methods_train_by_themselves(name: str, used: bool) -> None:
    model = LAZY[name]()
    if used:
        before = model.embed(X, EDGES)
    other = copy.deepcopy(model)
    if used:
        assert torch.equal(other.embed(X, EDGES), before)
    loss = other.training_loss(X, EDGES, generator=torch.Generator().manual_seed(0), step=0)
    optimizer = torch.optim.Adam(other.parameters(), lr=0.1)
    loss.backward()
    optimizer.step()
    if used:
        assert torch.equal(model.embed(X, EDGES), before)
        assert not torch.equal(other.embed(X, EDGES), before)
    assert model.embed(X, EDGES).shape == (NODES, WIDTH)
    assert not {id(p) for p in model.parameters()} & {id(p) for p in other.parameters()}
