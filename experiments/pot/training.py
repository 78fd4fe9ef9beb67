"""The hosts of POT and their training."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv, Sequential

from experiments._harness.context import Context
from experiments.pot.presets import Config
from graphlab.contrastive import (
    COSTA,
    GCA,
    GRACE,
    POT,
    CentralityDropEdge,
    ProGCL,
    TwoViewModel,
)


def build(config: Config, data: Data) -> TwoViewModel:
    """The host with a new encoder; the runner has seeded the generators."""
    act = nn.PReLU() if config.activation == "prelu" else nn.ReLU()
    width = config.out_channels
    layers = [
        (GCNConv(data.num_features, 2 * width), "x, edge_index -> x"),
        act,
        (GCNConv(2 * width, width), "x, edge_index -> x"),
        act,
    ]
    encoder = Sequential("x, edge_index", layers)
    channels = (encoder, width, config.proj_channels)
    edge_index, count, rates = data.edge_index, int(data.num_nodes), config.drop_edge
    if config.host == "grace":
        return GRACE(*channels, drop_edge=rates, temperature=config.temperature)
    if config.host == "costa":
        return COSTA(*channels, drop_edge=rates, temperature=config.temperature)
    if config.host == "gca":
        return GCA(
            *channels,
            edge_index=edge_index,
            num_nodes=count,
            drop_rate=rates,
            temperature=config.temperature,
        )
    if config.host == "progcl":
        drops = [CentralityDropEdge(edge_index, count, p, "eigenvector") for p in rates]
        return ProGCL(
            *channels,
            drop_edge=drops,
            start_epoch=config.start_epoch,
            temperature=config.temperature,
        )
    raise ValueError(f"host must be grace, gca, progcl or costa, got {config.host!r}")


def regulariser(
    config: Config, model: TwoViewModel, data: Data, method: str, kappa: float, seed: int
) -> POT:
    """POT in one of its forms."""
    # Drops by centrality have a probability per edge.
    rates = tuple(
        getattr(drop, "probability", rate)
        for drop, rate in zip(model.drop_edge, config.drop_edge, strict=True)
    )
    sound = method != "reference"
    return POT(
        model.encoder,
        data.edge_index,
        drop_rate=rates,
        kappa=kappa,
        mode="sound" if sound else "reference",
        bound=method if sound else "interval",
        budget=config.budget,
        batch_size=config.pot_batch,
        seed=seed,
    )


def expected_budget(model: TwoViewModel, data: Data) -> Tensor:
    """Expected drops per node of the view that drops more, ``(N,)``."""
    budgets: list[Tensor] = [
        drop.expected_budget(data.edge_index, data.num_nodes)  # type: ignore[attr-defined]
        for drop in model.drop_edge
    ]
    return torch.maximum(*budgets)


def train(
    config: Config,
    context: Context,
    data: Data,
    start: dict[str, Tensor],
    method: str,
    kappa: float,
) -> tuple[TwoViewModel, float]:
    """Train one method from the shared start; returns it and the seconds per epoch."""
    model = build(config, data)
    model.load_state_dict(start)
    model.to(context.device)
    pot = (
        None if method == "none" else regulariser(config, model, data, method, kappa, context.seed)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    generator = torch.Generator(context.device).manual_seed(context.seed)  # same views for all
    name = f"{method} kappa={kappa:g}" if pot is not None else method
    begin = time.perf_counter()
    for epoch in context.progress(range(config.epochs), desc=name):
        host = model.host_step(data.x, data.edge_index, generator=generator, step=epoch)
        loss = host.loss if pot is None else pot.regularise(host, data.x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.after_step(epoch, config.epochs)
        if (epoch + 1) % 10 == 0:
            context.log(epoch, **{f"{name}.host": host.loss, f"{name}.loss": loss})
    return model, (time.perf_counter() - begin) / max(1, config.epochs)
