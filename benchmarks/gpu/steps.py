"""Whole training steps and embeddings on a GPU, beside their eager re-expressions.

A maker prepares a model and its data and returns the function to time. Makers run one after the
other, so that no method works beside the memory of another; one that runs out of memory is noted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GPSConv, global_mean_pool

from benchmarks._harness.graphs import uniform_graph
from benchmarks._harness.training import training_step
from benchmarks.baselines import grace as eager_grace
from benchmarks.baselines import pamc as eager_pamc
from experiments.pot.hosts import gcn_encoder
from graphlab.contrastive import (
    GRACE,
    POT,
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_graph,
)
from graphlab.embed import FastRP
from graphlab.tag import GraphCLIP, GraphCLIPEncoder, SubgraphSampler
from graphlab.tag.graphclip.positional import random_walk_encoding

__all__ = ["Step", "steps"]

SEED = 0
RATES = (0.4, 0.3)
Run = Callable[[], object]
Maker = Callable[[torch.device], Run]


@dataclass(frozen=True)
class Step:
    """One end-to-end case.

    Attributes:
        title (str): What is timed.
        makers (dict[str, Maker]): By name; ``graphlab`` first, then what it is compared with.
    """

    title: str
    makers: dict[str, Maker]


def seeded(device: torch.device, build: Callable[[], Any]) -> Any:
    """A module with the same weights whoever builds it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return build().to(device)


def features(nodes: int, width: int, device: torch.device) -> Tensor:
    """Normal features, drawn on the CPU so that all devices get the same."""
    drawn = torch.randn(nodes, width, generator=torch.Generator().manual_seed(SEED))
    return drawn.to(device)


@lru_cache(maxsize=1)
def edges_of(nodes: int, degree: float) -> Tensor:
    """A uniform random graph on the CPU."""
    return uniform_graph(nodes, degree, SEED)


# --- SCGC + PamC ----------------------------------------------------------------------------------


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


# --- FastRP ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sparse:
    """Size of a graph to embed; ``entries`` counts both directions."""

    nodes: int
    entries: int
    dim: int = 128


def random_entries(size: Sparse, device: torch.device) -> Tensor:
    """Uniform pairs, both directions; drawn on the device: 10^8 of them are slow elsewhere."""
    generator = torch.Generator(device).manual_seed(SEED)
    shape = (2, size.entries // 2)
    half = torch.randint(size.nodes, shape, generator=generator, device=device)
    return torch.cat([half, half.flip(0)], 1)


def fastrp(size: Sparse, device: torch.device) -> Run:
    """The library with its default weights; reading the graph is not timed."""
    model = FastRP(size.dim, seed=SEED)
    return model.fit(random_entries(size, device), size.nodes).transform


def fastrp_eager(size: Sparse, device: torch.device) -> Run:
    """Sparse products of torch, normalisation and sum."""
    row, col = random_entries(size, device)
    order = torch.argsort(row, stable=True)
    degree = torch.bincount(row, minlength=size.nodes)
    rowptr = torch.cat([degree.new_zeros(1), degree.cumsum(0)])
    inverse = 1 / degree.clamp(min=1).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its sparse tensors a beta feature
        matrix = torch.sparse_csr_tensor(
            rowptr, col[order], inverse[row[order]], (size.nodes, size.nodes)
        )
    del row, col, order
    model = FastRP(size.dim, seed=SEED)
    beta, weights = float(model.beta or 0), tuple(model.weights or ())

    def run() -> Tensor:
        start = torch.randn(size.nodes, size.dim, device=device) * size.dim**-0.5
        state = degree.clamp(min=1).float().pow(beta)[:, None] * start
        out = torch.zeros_like(state)
        for weight in weights:
            state = matrix @ state
            if weight != 0:
                out += weight * F.normalize(state, dim=1)
        return out

    return run


# --- GRACE + POT ----------------------------------------------------------------------------------


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
        (x1, edges1), (x2, edges2) = model.views(x, edges, generator=generator)
        z1, z2 = model(x1, edges1), model(x2, edges2)
        host: Tensor = model.loss(z1, z2)
        return host if pot is None else pot(host, z1, z2, x)

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


# --- GraphCLIP ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alignment:
    """Size of a step of GraphCLIP."""

    batch: int
    layers: int
    channels: int
    width: int
    nodes: int
    degree: float
    walk: int = 64


def graphclip(size: Alignment, device: torch.device, *, eager: bool) -> Run:
    """One pass over a batch in bfloat16: packed attention and tiled loss, or padding and B x B."""
    edges = edges_of(size.nodes, size.degree)
    roots = torch.arange(size.batch) % size.nodes
    store = SubgraphSampler("rwr", size.walk, 0.5, seed=SEED).sample(edges, size.nodes, roots)
    part = store.batch(torch.arange(size.batch))
    encoding = random_walk_encoding(part.edge_index, part.batch, size.batch).to(device)
    inputs = (
        features(size.nodes, size.width, device)[part.node.to(device)],
        encoding,
        part.edge_index.to(device),
        part.batch.to(device),
        part.root_index.to(device),
    )
    text = features(size.batch, size.width, device).flip(0)
    tower = (size.width, size.channels)
    model = seeded(
        device,
        lambda: GraphCLIP(
            GraphCLIPEncoder(*tower, num_layers=size.layers, out_channels=size.width)
        ),
    )

    def loss() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            embedding = (padded(model.graph_model, *inputs) if eager else model(*inputs)).float()
        if not eager:
            out: Tensor = model.criterion(embedding, text)
            return out
        scale = model.criterion.logit_scale.exp()
        logits = scale * F.normalize(embedding) @ F.normalize(text).t()
        own = torch.arange(size.batch, device=device)
        return (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own)) / 2

    return training_step(loss, [p for p in model.parameters() if p.requires_grad])


def padded(
    tower: GraphCLIPEncoder, x: Tensor, pe: Tensor, edges: Tensor, batch: Tensor, root: Tensor
) -> Tensor:
    """The tower with the layers' weights in PyG's own forward, which pads to the largest graph."""
    h = torch.cat([tower.node_emb(x), tower.pe_lin(tower.pe_norm(pe))], dim=1)
    for layer in tower.convs:
        h = GPSConv.forward(layer, h, edges, batch)
    pooled = global_mean_pool(h, batch, root.numel())
    out: Tensor = tower.mlp(torch.cat([pooled, h[root]], dim=1))
    return out


# --- the table ------------------------------------------------------------------------------------


def steps(*, small: bool = False) -> dict[str, Step]:
    """All cases by name; ``small`` ones only try the code."""
    usps = Clustering(60, 12, 4.0, 3) if small else Clustering(9_298, 256, 140.0)
    million = Clustering(80, 8, 4.0, 3) if small else Clustering(1_000_000, 128, 10.0)
    large = Sparse(90, 400, 16) if small else Sparse(10_000_000, 100_000_000)
    arxiv = TwoViews(50, 4.0, 6, 8) if small else TwoViews(169_343, 13.7, 128, 128)
    tenth = TwoViews(40, 4.0, 6, 8) if small else TwoViews(16_934, 13.7, 128, 128)
    cases = {
        "pamc_usps_size": Step("SCGC + PamC epoch, size of USPS of order 4", _pamc(usps)),
        "pamc_million": Step("SCGC + PamC epoch, 10^6 nodes, degree 10", _pamc(million)),
        "fastrp_ten_million": Step(
            "FastRP, 10^7 nodes, 10^8 entries, d = 128",
            {
                "graphlab": partial(fastrp, large),
                "torch.sparse": partial(fastrp_eager, large),
            },
        ),
        "grace_pot_arxiv": Step("GRACE + POT step, size of ogbn-arxiv", _grace(arxiv)),
        "grace_pot_tenth": Step("GRACE + POT step, a tenth of ogbn-arxiv", _grace(tenth)),
    }
    # The batch of the paper went over several devices; where it does not fit, an eighth may.
    for batch in (7_200, 900):
        size = Alignment(batch, 12, 1_024, 384, 169_343, 13.7)
        tiny = Alignment(6, 1, 16, 8, 40, 4.0, 8)
        title = f"GraphCLIP pass, batch {batch:,}, 12 layers of 1,024, bfloat16"
        cases[f"graphclip_{batch}"] = Step(title, _graphclip(tiny if small else size))
    return cases


def _pamc(size: Clustering) -> dict[str, Maker]:
    return {"graphlab": partial(pamc, size), "eager, two forwards": partial(pamc_eager, size)}


def _graphclip(size: Alignment) -> dict[str, Maker]:
    return {
        "graphlab": partial(graphclip, size, eager=False),
        "eager, padded": partial(graphclip, size, eager=True),
    }


def _grace(size: TwoViews) -> dict[str, Maker]:
    return {
        "graphlab": partial(grace, size, regularised=True),
        "graphlab, GRACE alone": partial(grace, size, regularised=False),
        "eager GRACE, N x N": partial(grace_eager, size),
    }
