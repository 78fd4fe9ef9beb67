"""Results do not depend on torch.set_default_device; the meta device stands for a GPU here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from graphlab import contrastive, embed, evaluate, hyper, ops
from graphlab._random import seeded
from graphlab.tag import GraphRetriever, TextGraph
from tests.contrastive._hosts import FEATURES, METHODS, WIDTH, build, encoder, graph

X, EDGES, LABELS = graph()
NODES = X.size(0)
Z1, Z2 = torch.randn(2, NODES, WIDTH, generator=torch.Generator().manual_seed(0)).unbind()
CLUSTER = torch.arange(NODES) % 3
MODELS = {name: build(name, EDGES) for name in METHODS}
GRAPHMAE = contrastive.GraphMAE(encoder(), FEATURES, WIDTH)
S2GAE = contrastive.S2GAE(encoder(), WIDTH)
SPARSE = contrastive.sparse_features(torch.eye(NODES, FEATURES))
SCALE = torch.tensor(1.0)
PROGCL = contrastive.ProGCLLoss(0.5, "mix", num_mixed=5)
IDS = torch.arange(NODES) // 2
HALF = torch.tensor(0.5)


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def pot(mode: Any) -> Callable[[], Any]:
    layers = encoder()

    def run() -> Any:
        term = contrastive.POT(layers, EDGES, (0.3, 0.2), mode=mode, batch_size=20)
        return term(HALF, Z1, Z2, X, views=(EDGES, EDGES))

    return run


CALLS: dict[str, Callable[[], Any]] = {
    **{
        f"{name} at step {step}": lambda m=model, s=step: m.training_loss(  # type: ignore[misc]
            X, EDGES, generator=draws(), step=s
        )
        for name, model in MODELS.items()
        for step in (0, 5)
    },
    "GraphMAE": lambda: GRAPHMAE.training_loss(X, EDGES, generator=draws()),
    "S2GAE": lambda: S2GAE.training_loss(X, EDGES, generator=draws()),
    "POT reference": pot("reference"),
    "POT sound": pot("sound"),
    **{
        f"PamCLoss {kind}": lambda k=kind: contrastive.PamCLoss(  # type: ignore[misc]
            0.5, k, generator=draws()
        )(Z1, EDGES, CLUSTER)
        for kind in ("meta", "meta1", "meta2", "exact", "sampled")
    },
    "PamCLoss.diagnose": lambda: (
        contrastive.PamCLoss().diagnose(Z1, CLUSTER, generator=draws()).gradient_cosine
    ),
    "BarlowTwinsLoss": lambda: contrastive.BarlowTwinsLoss()(Z1, Z2),
    "clip_loss": lambda: contrastive.clip_loss(Z1, Z2, SCALE, text_id=IDS),
    "siglip": lambda: contrastive.clip_loss(Z1, Z2, SCALE, loss="siglip"),
    "supcon_loss": lambda: contrastive.supcon_loss(Z1.view(-1, 2, WIDTH), CLUSTER[: NODES // 2]),
    "ProGCLLoss": lambda: PROGCL.fit(Z1, Z2, generator=draws())(Z1, Z2, generator=draws()),
    "BetaMixture": lambda: contrastive.BetaMixture.fit(Z1.sigmoid()).alpha,
    "DropEdge": lambda: contrastive.DropEdge(0.4)(EDGES, generator=draws()),
    "MaskFeatures of CSR": lambda: contrastive.MaskFeatures(0.4)(
        SPARSE, generator=draws()
    ).values(),
    "sample_non_edges": lambda: contrastive.sample_non_edges(EDGES, NODES, 9, generator=draws()),
    "gaussian_sketch": lambda: contrastive.gaussian_sketch(Z1, 5, seed=0),
    "node_centrality": lambda: contrastive.node_centrality(EDGES, NODES, "eigenvector"),
    "influence_graph": lambda: contrastive.influence_graph(EDGES, NODES).weight,
    "random_split": lambda: evaluate.random_split(NODES, 0.2, 0.2)["test"],
    "random_split by class": lambda: evaluate.random_split(NODES, 9, 9, stratify=LABELS)["test"],
    "fastrp": lambda: embed.fastrp(EDGES, NODES, dim=8),
    "topological_concentration": lambda: embed.topological_concentration(EDGES, NODES),
    "maximal_cliques": lambda: hyper.maximal_cliques(EDGES, NODES).idx,
    "PPR": lambda: embed.PPR().fit(EDGES, NODES).query([0, 3]),
    "from_hyperedges": lambda: hyper.project(hyper.from_hyperedges([{"a", "b"}, {"b", "c"}])),
    "GraphRetriever": lambda: (
        GraphRetriever().index(["Rome and Oslo", "Oslo", "Lima"]).query_many(["Rome"], k=2).scores
    ),
    "TextGraph": lambda: TextGraph(text=["a", "b"], y=["x", None]).y,
    "random_walk": lambda: ops.random_walk(
        ops.SparseRows.from_edge_index(EDGES, NODES), CLUSTER, length=4, seed=0
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_value_is_that_of_the_cpu(name: str) -> None:
    CALLS[name]()  # what a first call fits, later ones find
    expected = CALLS[name]()
    with torch.device("meta"):
        found = CALLS[name]()
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_parameters_follow_the_default_device() -> None:
    with torch.device("meta"):
        loss = contrastive.GraphCLLoss(3)
        model = contrastive.S2GAE(torch.nn.Linear(2, 2), 2)
    assert {p.device.type for p in [*loss.parameters(), *model.decoder.parameters()]} == {"meta"}


def test_seeds_reach_the_default_device() -> None:
    def drawn() -> list[Tensor]:
        return [p.detach().clone() for p in torch.nn.Linear(2, 2).parameters()]

    with seeded(3, torch.device("cpu")):
        one = drawn()
    with seeded(3, torch.device("cpu")):
        other = drawn()
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
