"""Refinement of the pretrained encoder with one loss."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from experiments._harness.context import Context
from experiments.pamc.presets import TITLES, Config, Method
from experiments.pamc.protocols import draw_map
from graphlab.contrastive import (
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_graph,
)
from graphlab.evaluate import clustering_scores


def train(
    config: Config,
    context: Context,
    name: str,
    model: SDCNAutoEncoder,
    x: Tensor,
    data: Data,
    shared: dict[str, Any],
    state: dict[str, Any],
    inside: dict[str, Any],
) -> None:
    """Refine the encoder with one method; its curves end up in ``state``."""
    method: Method = getattr(config, name)
    graph = influence_graph(data.edge_index, data.num_nodes, method.order).to(context.device)
    loss = PamCLoss(method.tau, method.negatives)
    network = ClusteringNetwork(
        model.encoder, shared["centers"].to(context.device), loss, method.alpha, method.beta
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=method.lr)
    labels = shared["labels"]
    curves = state["curves"].setdefault(
        name, {"acc": [], "nmi": [], "ari": [], "f1": [], "changed": [], "seconds": []}
    )
    if inside:
        network.load_state_dict(inside["network"])
        optimizer.load_state_dict(inside["optimizer"])
        labels = inside["current"]
    start = len(curves["acc"])
    for epoch in context.progress(range(start, config.epochs), desc=TITLES[name]):
        begin = time.perf_counter()
        z, q = network(x)
        value = network.loss(z, q, graph)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        seconds = time.perf_counter() - begin
        new = q.detach().argmax(1).cpu()
        scores = clustering_scores(data.y, new)
        scores |= {"changed": float((new != labels).double().mean()), "seconds": seconds}
        labels = new
        for key, number in scores.items():
            curves[key].append(number)
        logged = {f"{name}.{key}": scores[key] for key in ("acc", "nmi", "changed")}
        context.log(epoch, **logged, **{f"{name}.loss": value})
        if (epoch + 1) % config.checkpoint_every == 0 or epoch + 1 == config.epochs:
            parts = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            context.checkpoint(epoch, {**shared, **parts, "current": labels}, state)
    if name == "pamc":
        draw_map(context, network.encoder, x, data.y)
