"""Every loss as a step on small inputs, to be repeated until a leak would show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCN, GCNConv, Sequential

import graphlab.contrastive as room
from graphlab.embed import KGEmbedding

__all__ = ["STEPS"]

NODES, FEATURES, WIDTH = 48, 12, 8
_HOP = "x, edge_index -> x"
Step = Callable[[int], None]


def _draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _views() -> tuple[Tensor, Tensor]:
    draw = _draw()
    one, two = (torch.randn(NODES, WIDTH, generator=draw, requires_grad=True) for _ in range(2))
    return one, two


def _edges() -> Tensor:
    ring = torch.arange(NODES)
    one = torch.stack([ring, (ring + 1) % NODES])
    two = torch.stack([ring, (ring + 7) % NODES])
    edges = torch.cat([one, two], 1)
    return torch.cat([edges, edges.flip(0)], 1)


def _backward(make: Callable[[Tensor, Tensor], Callable[[Tensor, Tensor], Tensor]]) -> Step:
    """A step of a function of two views; ``make`` prepares it."""
    z1, z2 = _views()
    loss = make(z1, z2)

    def step(number: int) -> None:
        z1.grad = z2.grad = None
        loss(z1, z2).backward()  # type: ignore[no-untyped-call]

    return step


def _plain(loss: Callable[..., Tensor]) -> Callable[[], Step]:
    return lambda: _backward(lambda z1, z2: loss)


def _progcl(mode: str) -> Callable[[], Step]:
    def make() -> Step:
        options: dict[str, Any] = {} if mode == "weight" else {"mode": "mix", "num_mixed": 9}
        draw = _draw()

        def prepare(z1: Tensor, z2: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
            loss = room.ProGCLLoss(0.5, **options).fit(z1, z2, generator=draw)
            if mode == "weight":
                return loss
            return lambda a, b: loss(a, b, generator=draw)

        return _backward(prepare)

    return make


def _pamc(negatives: Literal["meta", "meta2", "exact", "sampled"]) -> Callable[[], Step]:
    def make() -> Step:
        edges, cluster, draw = _edges(), torch.arange(NODES) % 5, _draw()

        def loss(a: Tensor, b: Tensor) -> Tensor:
            options: dict[str, Any] = {"generator": draw} if negatives == "sampled" else {}
            return room.pamc_loss(a, edges, cluster, tau=0.5, negatives=negatives, **options)

        return _backward(lambda z1, z2: loss)

    return make


def _host(build: Callable[[], Any]) -> Callable[[], Step]:
    """A whole training step of a host, optimiser included."""

    def make() -> Step:
        torch.manual_seed(0)
        model, draw = build(), _draw()
        x, edges = torch.randn(NODES, FEATURES, generator=draw), _edges()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)

        def step(number: int) -> None:
            optimizer.zero_grad()
            loss = model.training_loss(x, edges, generator=draw, step=number)
            loss.backward()
            optimizer.step()
            model.after_step(number, 20_000)

        return step

    return make


def _encoder() -> nn.Module:
    encoder: nn.Module = GCN(FEATURES, 2 * WIDTH, 2, WIDTH)
    return encoder


def _pot(**options: Any) -> Callable[[], Step]:
    def make() -> Step:
        torch.manual_seed(0)
        sizes = ((FEATURES, 2 * WIDTH), (2 * WIDTH, WIDTH))
        layers = [part for pair in sizes for part in ((GCNConv(*pair), _HOP), nn.ReLU())]
        encoder, edges = Sequential("x, edge_index", layers), _edges()
        x = torch.randn(NODES, FEATURES)
        pot = room.POT(encoder, edges, (0.4, 0.3), kappa=0.4, **options)
        optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-4)
        views = (edges[:, ::2], edges[:, 1:])

        def step(number: int) -> None:
            optimizer.zero_grad()
            z1, z2 = (encoder(x, view) for view in views)
            pot((z1 - z2).square().sum(), z1, z2, x, views=views).backward()
            optimizer.step()

        return step

    return make


def _triples(kind: str) -> Callable[[], Step]:
    def make() -> Step:
        model, draw = KGEmbedding(NODES, 3, 4, seed=0), _draw()
        head, tail = torch.randint(NODES, (2, 32), generator=draw)
        relation = torch.randint(6, (32,), generator=draw)

        def step(number: int) -> None:
            model.zero_grad()
            model.loss(head, relation, tail, kind=kind).backward()  # type: ignore[arg-type]

        return step

    return make


def _clip() -> Step:
    loss = room.CLIPLoss()
    return _backward(lambda z1, z2: loss)


def _graphcl() -> Step:
    torch.manual_seed(0)
    loss = room.GraphCLLoss(WIDTH)
    return _backward(lambda z1, z2: lambda a, b: loss(a, b, a, b))


def _beta() -> Step:
    values = torch.rand(4096, generator=_draw())

    def step(number: int) -> None:
        room.BetaMixture.fit(values)

    return step


_CLASSES = torch.arange(NODES) % 4

#: A step by the name of its loss; every loss that is exported stands here.
STEPS: dict[str, Callable[[], Step]] = {
    "InfoNCELoss": _plain(room.InfoNCELoss(0.5)),
    "InfoNCELoss in chunks": _plain(room.InfoNCELoss(0.5, chunk_size=20)),
    "info_nce": _plain(lambda a, b: room.info_nce(a, b, 0.5)),
    "info_nce_per_node": _plain(lambda a, b: torch.cat(room.info_nce_per_node(a, b, 0.5)).mean()),
    "BarlowTwinsLoss": _plain(room.BarlowTwinsLoss()),
    "bgrl_loss": _plain(lambda a, b: room.bgrl_loss(a, b, b.detach(), a.detach())),
    "scaled_cosine_error": _plain(lambda a, b: room.scaled_cosine_error(a, b)),
    "supcon_loss": _plain(lambda a, b: room.supcon_loss(torch.stack([a, b], 1), _CLASSES)),
    "clip_loss": _plain(lambda a, b: room.clip_loss(a, b, torch.tensor(2.0))),
    "CLIPLoss": _clip,
    "GraphCLLoss": _graphcl,
    "BetaMixture": _beta,
    "ProGCLLoss weight": _progcl("weight"),
    "ProGCLLoss mix": _progcl("mix"),
    "pamc_loss meta": _pamc("meta"),
    "pamc_loss meta2": _pamc("meta2"),
    "pamc_loss exact": _pamc("exact"),
    "pamc_loss sampled": _pamc("sampled"),
    "GRACE": _host(lambda: room.GRACE(_encoder(), WIDTH)),
    "GCA": _host(lambda: room.GCA(_encoder(), WIDTH, edge_index=_edges(), num_nodes=NODES)),
    "ProGCL": _host(lambda: room.ProGCL(_encoder(), WIDTH, start_epoch=1)),
    "COSTA": _host(lambda: room.COSTA(_encoder(), WIDTH)),
    "BGRL": _host(lambda: room.BGRL(_encoder(), WIDTH, 16)),
    "GBT": _host(lambda: room.GBT(_encoder())),
    "GraphCL": _host(lambda: room.GraphCL(_encoder(), WIDTH)),
    "GraphMAE": _host(lambda: room.GraphMAE(_encoder(), FEATURES, WIDTH)),
    "S2GAE": _host(lambda: room.S2GAE(_encoder(), WIDTH)),
    "POT reference": _pot(),
    "POT interval": _pot(mode="sound"),
    "POT budget": _pot(mode="sound", bound="budget"),
    "KGEmbedding softmax": _triples("softmax"),
    "KGEmbedding bce": _triples("bce"),
    "KGEmbedding bce_all": _triples("bce_all"),
    "KGEmbedding sampled": _triples("sampled"),
}
