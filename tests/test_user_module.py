"""Encoders as users have them: with caches, lazy, weight-normalised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlab import contrastive, tag
from tests.contrastive._hosts import FEATURES, WIDTH, graph

X, EDGES, _ = graph()


class Nested(nn.Module):
    """A convolution inside of two containers."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({"first": nn.ModuleList([conv])})

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        layer: Any = self.parts["first"]
        out: Tensor = layer[0](x, edge_index)
        return out


def filled() -> nn.Module:
    """A layer whose cache was filled, and turned off afterwards: PyG still reads it."""
    conv = pyg.GCNConv(FEATURES, WIDTH, cached=True)
    with torch.no_grad():
        conv(X, EDGES)
    conv.cached = False
    return conv


CACHED: dict[str, Callable[[], nn.Module]] = {
    "GCNConv": lambda: pyg.GCNConv(FEATURES, WIDTH, cached=True),
    "SGConv": lambda: pyg.SGConv(FEATURES, WIDTH, K=2, cached=True),
    "SSGConv": lambda: pyg.SSGConv(FEATURES, WIDTH, alpha=0.1, cached=True),
    "EGConv": lambda: pyg.EGConv(FEATURES, WIDTH, cached=True),
    "APPNP": lambda: pyg.APPNP(2, 0.1, cached=True),
    "GCN of two layers": lambda: pyg.GCN(FEATURES, WIDTH, 2, cached=True),
    "Sequential": lambda: pyg.Sequential(
        "x, edge_index",
        [
            (pyg.GCNConv(FEATURES, WIDTH), "x, edge_index -> x"),
            (CACHED["APPNP"](), "x, edge_index -> x"),
        ],
    ),
    "nested": lambda: Nested(pyg.GCNConv(FEATURES, WIDTH, cached=True)),
    "filled": filled,
}
HOSTS: dict[str, Callable[[nn.Module], object]] = {
    "GRACE": lambda e: contrastive.GRACE(e, WIDTH),
    "GCA": lambda e: contrastive.GCA(e, WIDTH, edge_index=EDGES, num_nodes=X.size(0)),
    "ProGCL": lambda e: contrastive.ProGCL(e, WIDTH),
    "COSTA": lambda e: contrastive.COSTA(e, WIDTH),
    "BGRL": lambda e: contrastive.BGRL(e, WIDTH),
    "GBT": lambda e: contrastive.GBT(e),
    "GraphCL": lambda e: contrastive.GraphCL(e, WIDTH),
    "GraphMAE": lambda e: contrastive.GraphMAE(e, FEATURES, WIDTH),
    "GraphMAE decoder": lambda e: contrastive.GraphMAE(nn.Linear(2, 2), FEATURES, WIDTH, e),
    "S2GAE": lambda e: contrastive.S2GAE(e, WIDTH),
    "TwoViewModel": lambda e: contrastive.TwoViewModel(e, (0.2, 0.2), (0.0, 0.0)),
    "GraphCLIP": lambda e: tag.GraphCLIP(e),  # type: ignore[arg-type]
    "GAugLLM": lambda e: tag.GAugLLM("gbt", encoder=lambda *_: e, epochs=1).fit(
        Data(x=X, edge_index=EDGES)
    ),
    "TAPE": lambda e: tag.TAPE(lambda *_: e, {"x": X}, epochs=1).fit(labelled()),
    "POT": lambda e: contrastive.POT(e, EDGES, (0.3, 0.2), mode="sound"),
}


def labelled() -> Data:
    """The graph with labels and a split."""
    data = Data(edge_index=EDGES, y=torch.arange(X.size(0)) % 2, num_nodes=X.size(0))
    for part, name in enumerate(("train", "val", "test")):
        data[f"{name}_mask"] = torch.arange(X.size(0)) // 2 % 3 == part
    return data


@pytest.mark.parametrize("kind", CACHED)
def test_caches_are_refused_with_the_way_out(kind: str) -> None:
    with pytest.raises(ValueError, match="must not be cached.*build it with cached=False"):
        contrastive.GRACE(CACHED[kind](), WIDTH)


@pytest.mark.parametrize("name", HOSTS)
def test_every_user_of_an_encoder_refuses_caches(name: str) -> None:
    with pytest.raises(ValueError, match="must not be cached"):
        HOSTS[name](pyg.GCNConv(FEATURES, WIDTH, cached=True))


def test_the_layer_is_named() -> None:
    with pytest.raises(ValueError, match=r"layer 'parts.first.0' of encoder .* a GCNConv"):
        contrastive.GRACE(CACHED["nested"](), WIDTH)
    with pytest.raises(ValueError, match="with a filled _cached_edge_index"):
        contrastive.GRACE(filled(), WIDTH)


def test_layers_without_caches_pass() -> None:
    contrastive.GRACE(pyg.GCN(FEATURES, WIDTH, 2), WIDTH)
    contrastive.GRACE(pyg.GCNConv(FEATURES, WIDTH, cached=False), WIDTH)


@pytest.mark.parametrize("method", ["host_step", "training_loss"])
def test_views_that_end_alike_are_reported(method: str) -> None:
    class Mapped(nn.Module):
        """Reads no edges."""

        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Linear(FEATURES, WIDTH)

        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            out: Tensor = self.map(x)
            return out

    for model in (contrastive.GRACE(Mapped(), WIDTH), contrastive.GraphCL(Mapped(), WIDTH)):
        with pytest.warns(UserWarning, match="both views have the same embeddings"):
            getattr(model, method)(X, EDGES, generator=torch.Generator())
        getattr(model, method)(X, EDGES, generator=torch.Generator(), step=1)
    masked = contrastive.GRACE(Mapped(), WIDTH, mask_features=(0.5, 0.5))
    getattr(masked, method)(X, EDGES, generator=torch.Generator())
    equal = contrastive.GRACE(Mapped(), WIDTH, drop_edge=(0.0, 0.0))
    getattr(equal, method)(X, EDGES, generator=torch.Generator())


# --- copies ---------------------------------------------------------------------------------------


class Linear(nn.Module):
    """One linear layer that reads no edges."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out


@pytest.mark.parametrize("layer", [pyg.GCN(-1, WIDTH, 2), Linear(nn.LazyLinear(WIDTH))])
def test_target_of_a_lazy_encoder_needs_sizes(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match="call it once on your data under torch.no_grad"):
        contrastive.BGRL(layer, WIDTH)
    with torch.no_grad():
        layer(X, EDGES)
    model = contrastive.BGRL(layer, WIDTH)
    assert torch.equal(model.target(X, EDGES), model(X, EDGES))


def test_target_of_computed_weights_names_the_parametrizations() -> None:
    with pytest.warns(FutureWarning):
        old = Linear(torch.nn.utils.weight_norm(nn.Linear(FEATURES, WIDTH)))
    with pytest.raises(ValueError, match=r"layer\.weight.*parametrizations.weight_norm"):
        contrastive.BGRL(old, WIDTH)
    new = Linear(torch.nn.utils.parametrizations.weight_norm(nn.Linear(FEATURES, WIDTH)))
    model = contrastive.BGRL(new, WIDTH)
    assert torch.equal(model.target(X, EDGES), model(X, EDGES))
