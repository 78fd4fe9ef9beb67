"""A step of GRACE with and without POT, beside its four N x N matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks._harness.training import training_step
from benchmarks.baselines import grace as eager_grace
from benchmarks.gpu.steps.case import SEED, Maker, Run, Step, edges_of, features, seeded
from experiments.pot.hosts import gcn_encoder
from graphlab.contrastive import (
    GRACE,
    POT,
)

RATES = (0.4, 0.3)


@dataclass(frozen=True)
class TwoViews:
    """Size of a graph for contrast of two views."""

    nodes: int
    degree: float
    features: int
    channels: int


def grace(size: TwoViews, device: torch.device, *, regularised: bool) -> Run:
    """GRACE of the library, with the sound interval bound of POT or without."""
    edges = edges_of(size.nodes, size.degree).to(device)
    x = features(size.nodes, size.features, device)
    channels = size.channels
    model = seeded(
        device,
        lambda: GRACE(
            gcn_encoder(size.features, channels, nn.ReLU()),
            channels,
            channels,
            temperature=0.5,
            drop_edge=RATES,
        ),
    )
    pot = POT(model.encoder, edges, RATES, 0.4, "sound", "interval") if regularised else None
    generator = torch.Generator(device).manual_seed(SEED)

    def loss() -> Tensor:
        host = model.host_step(x, edges, generator=generator)
        total: Tensor = host.loss if pot is None else pot.regularise(host, x)
        return total

    return training_step(loss, model.parameters())


def grace_eager(size: TwoViews, device: torch.device) -> Run:
    """GRACE with its four N x N matrices, without POT."""
    edges = edges_of(size.nodes, size.degree).to(device)
    x = features(size.nodes, size.features, device)
    channels = size.channels
    model = seeded(device, lambda: eager_grace.EagerGRACE(size.features, channels, channels, 0.5))

    def loss() -> Tensor:
        # Drawn on the device, which the yardstick's own step does not do.
        kept = [torch.rand(edges.size(1), device=device) >= rate for rate in RATES]
        h1, h2 = (model.project(model.embed(x, edges[:, mask])) for mask in kept)
        return eager_grace.grace_loss(h1, h2, 0.5)

    return training_step(loss, model.parameters())


def cases(*, small: bool) -> dict[str, Step]:
    """A graph of the size of ogbn-arxiv, and a tenth of it."""
    arxiv = TwoViews(50, 4.0, 6, 8) if small else TwoViews(169_343, 13.7, 128, 128)
    tenth = TwoViews(40, 4.0, 6, 8) if small else TwoViews(16_934, 13.7, 128, 128)
    return {
        "grace_pot_arxiv": Step("GRACE + POT step, size of ogbn-arxiv", _makers(arxiv)),
        "grace_pot_tenth": Step("GRACE + POT step, a tenth of ogbn-arxiv", _makers(tenth)),
    }


def _makers(size: TwoViews) -> dict[str, Maker]:
    return {
        "graphlab": partial(grace, size, regularised=True),
        "graphlab, GRACE alone": partial(grace, size, regularised=False),
        "eager GRACE, N x N": partial(grace_eager, size),
    }
