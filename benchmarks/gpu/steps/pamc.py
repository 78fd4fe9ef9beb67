"""An epoch of SCGC with PamC, beside the published one with two forwards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks._harness.training import training_step
from benchmarks.baselines import pamc as eager_pamc
from benchmarks.gpu.steps.case import Maker, Run, Step, edges_of, features, seeded
from graphlab.contrastive import (
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_graph,
)


@dataclass(frozen=True)
class Clustering:
    """Size of a graph to cluster."""

    nodes: int
    features: int
    degree: float
    clusters: int = 10


def pamc(size: Clustering, device: torch.device) -> Run:
    """An epoch of the library: one forward, fused contrast."""
    graph = influence_graph(edges_of(size.nodes, size.degree).to(device), size.nodes)
    x = features(size.nodes, size.features, device)
    autoencoder = seeded(device, lambda: SDCNAutoEncoder(size.features))
    centers = features(size.clusters, 10, device)
    network = ClusteringNetwork(autoencoder.encoder, centers, PamCLoss(0.5), 0.5, 0.5)

    def loss() -> Tensor:
        z, q = network(x)
        return network.loss(z, q, graph)

    return training_step(loss, network.parameters())


def pamc_eager(size: Clustering, device: torch.device) -> Run:
    """An epoch as published: two forwards, E x D gathers."""
    graph = influence_graph(edges_of(size.nodes, size.degree).to(device), size.nodes)
    x = features(size.nodes, size.features, device)
    model = seeded(device, lambda: eager_pamc.EagerModel(size.features, size.clusters))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    index, weight = graph.edge_index(), graph.weight
    if weight is None:
        raise ValueError("the influence graph has weights")
    return lambda: eager_pamc.two_forward_epoch(model, optimizer, x, index, weight)


def cases(*, small: bool) -> dict[str, Step]:
    """A graph of the size of USPS of order four, and a million nodes."""
    usps = Clustering(60, 12, 4.0, 3) if small else Clustering(9_298, 256, 140.0)
    million = Clustering(80, 8, 4.0, 3) if small else Clustering(1_000_000, 128, 10.0)
    return {
        "pamc_usps_size": Step("SCGC + PamC epoch, size of USPS of order 4", _makers(usps)),
        "pamc_million": Step("SCGC + PamC epoch, 10^6 nodes, degree 10", _makers(million)),
    }


def _makers(size: Clustering) -> dict[str, Maker]:
    return {"graphlab": partial(pamc, size), "eager, two forwards": partial(pamc_eager, size)}
