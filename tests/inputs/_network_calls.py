"""One call of every public function that takes a user's network, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, Sequential

from graphlab import contrastive, tag
from tests.inputs._object_calls import modifier, toy_data
from tests.test_inputs import NODES, PLAIN, Encoder, features, generator

X = features()
BUDGET = (0.4, 0.3)


def loss(model: Any) -> Tensor:
    """Loss of one step, with the parameters that the constructor gave it."""
    out: Tensor = model.training_loss(X, PLAIN, generator=generator())
    out.backward()
    return out


def clustering(encoder: Any) -> Tensor:
    network = contrastive.clustering.ClusteringNetwork(
        encoder, torch.eye(2, 5), contrastive.PamCLoss()
    )
    z, q = network(X)
    graph = contrastive.influence_graph(PLAIN, NODES, 2)
    return network.loss(z, q, graph)


def scgc(encoder: Any) -> Tensor:
    model = contrastive.SCGC(2, in_channels=4, epochs=2, encoder=encoder, seed=0)
    return model.fit(X, PLAIN).embed(X)


def pot(encoder: Any) -> Tensor:
    model = contrastive.GRACE(encoder, 5, drop_edge=BUDGET)
    term = contrastive.POT(encoder, PLAIN, BUDGET)
    return term.regularise(model.host_step(X, PLAIN, generator=generator()), X)


def gaugllm(encoder: Any) -> Tensor:
    views = [X, X.clone()]
    model = tag.GAugLLM(
        "bgrl", views, modifier(), out_channels=5, epochs=2, encoder=lambda *_: encoder
    )
    return model.fit_transform(toy_data(PLAIN))


def pretrained(encoder: Any) -> Tensor:
    target = torch.linspace(-1, 1, 5 * NODES).view(NODES, 5)
    out: Tensor = contrastive.pretrain_encoder(encoder, X, target, epochs=2)(X)
    return out


def tape(network: Any) -> Tensor:
    model = tag.TAPE(lambda *_: network, {"x": X}, epochs=2, num_classes=5, seed=0)
    return model.fit(toy_data(PLAIN)).predict_proba()


def decoded(decoder: Any) -> Tensor:
    if decoder is None:  # which asks for that of the class
        raise TypeError("decoder")
    return loss(contrastive.GraphMAE(Encoder(), 4, 5, decoder))


class TwoView(contrastive.GRACE):
    """A method of one's own, of the public base."""


#: One call per class, and what its network is given.
CALLS: dict[str, tuple[Callable[[Any], Tensor], str]] = {
    "BGRL.__init__.encoder": (lambda e: loss(contrastive.BGRL(e, 5, 6)), "graph"),
    "COSTA.__init__.encoder": (lambda e: loss(contrastive.COSTA(e, 5)), "graph"),
    "GBT.__init__.encoder": (lambda e: loss(contrastive.GBT(e)), "graph"),
    "GCA.__init__.encoder": (
        lambda e: loss(contrastive.GCA(e, 5, edge_index=PLAIN, num_nodes=NODES)),
        "graph",
    ),
    "GRACE.__init__.encoder": (lambda e: loss(contrastive.GRACE(e, 5)), "graph"),
    "GraphCL.__init__.encoder": (lambda e: loss(contrastive.GraphCL(e, 5)), "graph"),
    "GraphMAE.__init__.encoder": (lambda e: loss(contrastive.GraphMAE(e, 4, 5)), "graph"),
    "ProGCL.__init__.encoder": (lambda e: loss(contrastive.ProGCL(e, 5, start_epoch=0)), "graph"),
    "S2GAE.__init__.encoder": (lambda e: loss(contrastive.S2GAE(e, 5)), "graph"),
    "TwoViewModel.__init__.encoder": (lambda e: loss(TwoView(e, 5)), "graph"),
    "GAugLLM.__init__.encoder": (gaugllm, "graph"),
    "POT.__init__.encoder": (pot, "layers"),
    "GraphMAE.__init__.decoder": (decoded, "decoder"),
    "TAPE.__init__.gnn": (tape, "graph"),
    "pretrain_encoder.encoder": (pretrained, "features"),
    "ClusteringNetwork.__init__.encoder": (clustering, "features"),
    "SCGC.__init__.encoder": (scgc, "features"),
}


class OfFeatures(nn.Module):
    """A network of features alone."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.linear(x)
        return z


def right(kind: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if kind == "features":
            return OfFeatures()
        if kind == "graph":
            return Encoder()
        if kind == "decoder":
            return GCNConv(5, 4)
        return chain(GCNConv(4, 8), GCNConv(8, 5))


def chain(first: nn.Module, second: nn.Module) -> nn.Module:
    steps = [(first, "x, edge_index -> x"), nn.ReLU(), (second, "x, edge_index -> x"), nn.ReLU()]
    network: nn.Module = Sequential("x, edge_index", steps)
    return network
