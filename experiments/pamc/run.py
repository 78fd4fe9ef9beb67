"""Node clustering with PamC and its relatives (SCGC host, SDCN autoencoder).

One autoencoder per seed, pretrained by the SDCN recipe, starts every method; beside PamC run its
host with exact negatives (SCGC*) and with the corrected linear-time negatives (meta2).

Protocols: ``last`` reports the last epoch; ``label_free`` the first epoch after which fewer than
0.1 % of the nodes moved for five epochs; ``paper`` the best epoch by test labels, separately for
each score, as the published numbers were taken. The table holds all three; the named one is the
unmarked row.

    python -m experiments.pamc --preset acm --seeds 0:10
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlab.contrastive import (
    ClusteringNetwork,
    PamCLoss,
    SDCNAutoEncoder,
    influence_graph,
    initial_centers,
    pretrain_autoencoder,
    sparse_features,
)
from graphlab.datasets import SDCNDataset, digits_knn
from graphlab.evaluate import clustering_scores

from .._harness import runner
from .._harness.context import Context
from .presets import PRESETS, PUBLISHED, TITLES, Config, Method
from .protocols import MARKS, PROTOCOLS, chosen, draw, draw_map


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every method of one seed and return the table's rows."""
    if config.protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {PROTOCOLS}, got {config.protocol!r}")
    data, num_clusters = load(config)
    x, y = data.x.to(context.device), data.y
    saved = context.restore()
    state = saved.state if saved is not None else {"curves": {}, "start": {}}
    tensors = saved.tensors if saved is not None else {}
    # Weights, shuffles and k-means of a seed do not depend on the methods that run.
    generator = torch.Generator().manual_seed(context.seed)
    model = SDCNAutoEncoder(
        x.size(1), config.hidden_channels, config.out_channels, generator=generator
    ).to(context.device)
    if saved is None:
        pretrain(config, context, model, x, generator)
        _, labels = initial_centers(x, num_clusters, context.seed, config.n_init)
        state["start"]["k-means on features"] = clustering_scores(y, labels)
        centers, labels = initial_centers(
            model.encoder(x), num_clusters, context.seed, config.n_init
        )
        state["start"]["k-means on autoencoder"] = clustering_scores(y, labels)
        # A copy: the methods go on training the very tensors that state_dict shows.
        weights = {key: value.clone() for key, value in model.state_dict().items()}
        tensors = {"autoencoder": weights, "centers": centers, "labels": labels}
        context.checkpoint(0, tensors, state)
    shared = {key: tensors[key] for key in ("autoencoder", "centers", "labels")}
    features = sparse_features(x)
    for name in TITLES:
        done = state["curves"].get(name)
        if done is not None and len(done["acc"]) == config.epochs:
            continue
        # A checkpoint within this method brings its network; otherwise it starts from the shared.
        inside = tensors if done is not None else {}
        model.load_state_dict(shared["autoencoder"])
        train(config, context, name, model, features, data, shared, state, inside)
    rows: dict[str, dict[str, float]] = dict(state["start"])
    for name, title in TITLES.items():
        for protocol in sorted(PROTOCOLS, key=lambda p: p != config.protocol):
            mark = "" if protocol == config.protocol and protocol != "paper" else MARKS[protocol]
            label = f"{title} [{mark}]" if mark else title
            rows[label] = chosen(state["curves"][name], protocol)
    draw(context, state)
    return rows


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
    """Refine the pretrained encoder with one method; its curves end up in ``state``."""
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


def pretrain(
    config: Config,
    context: Context,
    model: SDCNAutoEncoder,
    x: Tensor,
    generator: torch.Generator,
) -> None:
    """Pretrain the autoencoder on the features alone, with a progress bar."""
    epochs = iter(context.progress(range(config.pretrain_epochs), desc="autoencoder"))

    def advance(row: dict[str, Any]) -> None:
        next(epochs, None)

    pretrain_autoencoder(
        model,
        x,
        epochs=config.pretrain_epochs,
        batch_size=config.batch_size,
        generator=generator,
        callback=advance,
    )


def load(config: Config) -> tuple[Data, int]:
    """Return the graph and the number of clusters, which is the number of classes."""
    if config.dataset == "digits":
        data = digits_knn(config.k or 3)
    else:
        data = SDCNDataset(config.root, config.dataset, config.k, source=config.source)[0]
    return data, int(data.y.max()) + 1


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED)
