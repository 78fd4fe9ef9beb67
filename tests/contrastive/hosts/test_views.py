"""Both views carry what belongs to their edges, and draw from a documented seed by default."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import GCN

from graphlab.contrastive import (
    BGRL,
    COSTA,
    GBT,
    GCA,
    GRACE,
    POT,
    DropEdge,
    GraphCL,
    ProGCL,
    TwoViewModel,
)
from tests.contrastive._hosts import FEATURES, METHODS, NODES, WIDTH, build, encoder, graph

X, EDGES, _ = graph()
WEIGHT = torch.arange(EDGES.size(1)).float()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class Weighted(nn.Module):
    """A convolution by weights; it refuses edges without them."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.inner = GCN(FEATURES, 16, 2, WIDTH)

    def forward(self, x: Tensor, edge_index: Tensor, *, edge_weight: Tensor) -> Tensor:
        number = edge_weight.long()
        assert torch.equal(edge_index, EDGES[:, number])
        z: Tensor = self.inner(x, edge_index, edge_weight / len(WEIGHT))
        return z


HOSTS: dict[str, Any] = {
    "GRACE": lambda e: GRACE(e, WIDTH),
    "GCA": lambda e: GCA(e, WIDTH, edge_index=EDGES, num_nodes=NODES),
    "ProGCL": lambda e: ProGCL(e, WIDTH, start_epoch=1),
    "COSTA": lambda e: COSTA(e, WIDTH),
    "BGRL": lambda e: BGRL(e, WIDTH, 16),
    "GBT": lambda e: GBT(e),
    "GraphCL": lambda e: GraphCL(e, WIDTH),
}


@pytest.mark.parametrize("name", HOSTS)
def test_weights_follow_the_edges_of_both_views(name: str) -> None:
    model: TwoViewModel = HOSTS[name](Weighted())
    plain = model.views(X, EDGES, generator=generator())
    views = model.views(X, EDGES, generator=generator(), edge_weight=WEIGHT)
    for (x, edges, weight, attr), (plain_x, plain_edges) in zip(views, plain, strict=True):
        assert torch.equal(edges, plain_edges) and torch.equal(x, plain_x)
        assert torch.equal(edges, EDGES[:, weight.long()]) and attr is None
    for _, edges, weight, attr in model.views(X, EDGES, edge_attr=WEIGHT[:, None]):
        assert weight is None and torch.equal(edges, EDGES[:, attr[:, 0].long()])
    loss = model.training_loss(X, EDGES, generator=generator(), edge_weight=WEIGHT)
    assert loss.isfinite()
    loss.backward()
    assert model.embed(X, EDGES, WEIGHT).shape == (NODES, WIDTH)


@pytest.mark.parametrize("name", METHODS)
def test_default_seed_goes_on_from_call_to_call(name: str) -> None:
    model, again = build(name, EDGES), build(name, EDGES)
    drawn = [model.views(X, EDGES) for _ in range(2)]
    for views in drawn:
        for one, other in zip(views, again.views(X, EDGES), strict=True):
            assert torch.equal(one[1], other[1])
        assert not torch.equal(views[0][1], views[1][1])
    assert not torch.equal(drawn[0][0][1], drawn[1][0][1])
    assert torch.equal(model.training_loss(X, EDGES), again.training_loss(X, EDGES))


def test_weights_need_an_augmentation_that_tells_what_it_keeps() -> None:
    def first_half(edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        return edge_index[:, : edge_index.size(1) // 2]

    model = GRACE(encoder(), WIDTH, drop_edge=(first_half, 0.3))
    assert model.views(X, EDGES)[0][1].size(1) == EDGES.size(1) // 2
    with pytest.raises(TypeError, match="drop_edge must have a method keep"):
        model.views(X, EDGES, edge_weight=WEIGHT)


def test_second_view_of_another_graph_brings_its_own_weights() -> None:
    model = GRACE(Weighted(), WIDTH, drop_edge=(DropEdge(0.0), DropEdge(0.0)))
    fewer = (X, EDGES[:, :50], WEIGHT[:50], None)
    _, (_, edges, weight, _) = model.views(X, EDGES, second=fewer, edge_weight=WEIGHT)
    assert torch.equal(edges, EDGES[:, :50]) and torch.equal(weight, WEIGHT[:50])


def test_pot_refuses_weights() -> None:
    model = GRACE(encoder(), WIDTH, drop_edge=(0.4, 0.3))
    pot = POT(model.encoder, EDGES, (0.4, 0.3))
    step = model.host_step(X, EDGES)
    assert pot.regularise(step, X).isfinite()
    step = type(step)(step.loss, step.z1, step.z2, [(*v, WEIGHT, None) for v in step.views])
    with pytest.raises(ValueError, match="step must come from views without edge_weight"):
        pot.regularise(step, X)
