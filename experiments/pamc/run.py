"""Node clustering with PamC and its relatives (SCGC host).

One encoder per seed starts every method: it has learnt to give averages of the features over the
graph (bags of words), or is half an autoencoder of them (pixels; the presets ``*_paper``, which
repeat the released code). Beside PamC run its host with exact negatives (SCGC*) and with the
corrected linear-time negatives (meta2). k-means without any training stands beside all of them.

Protocols: ``label_free`` reports the first epoch after which too few nodes moved for five epochs
(0.5 % in the recipe, 0.1 % for the released one); ``last`` the last epoch; ``paper`` the best epoch
by test labels, separately for each score, as the published numbers were taken. The table holds all
three; the named one is the unmarked row.

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
    pretrain_encoder,
    scaled_features,
    smoothed_features,
    smoothed_kmeans,
    sparse_features,
)
from graphlab.datasets import SDCNDataset, digits_knn
from graphlab.evaluate import clustering_scores

from .._data.planted import planted_documents
from .._harness import runner
from .._harness.context import Context
from .presets import PRESETS, PUBLISHED, TITLES, Config, Method
from .protocols import MARKS, PROTOCOLS, chosen, draw, draw_map


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every method of one seed and return the table's rows."""
    if config.protocol not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {PROTOCOLS}, got {config.protocol!r}")
    unknown = set(config.methods) - set(TITLES)
    if unknown:
        raise ValueError(f"methods must be among {tuple(TITLES)}, got {sorted(unknown)}")
    data, num_clusters = load(config, context.seed)
    x, y = scaled_features(data.x.to(context.device), config.features), data.y
    smoothed = config.start == "smoothed" or (config.start == "auto" and x is not data.x)
    saved = context.restore()
    state = saved.state if saved is not None else {"curves": {}, "start": {}}
    tensors = saved.tensors if saved is not None else {}
    # Weights, shuffles and k-means of a seed do not depend on the methods that run.
    generator = torch.Generator().manual_seed(context.seed)
    hidden = config.hidden_channels or ((500,) if smoothed else (500, 500, 2000))
    model = SDCNAutoEncoder(x.size(1), hidden, config.out_channels, generator=generator)
    model.to(context.device)
    if saved is None:
        state["start"] = untrained(config, context, x, data, num_clusters)
        if config.methods:
            target = None
            if smoothed:
                target = smoothed_features(
                    x, data.edge_index, hops=config.hops, dim=config.out_channels,
                    features="dense", seed=context.seed,
                )  # fmt: skip
            pretrain(config, context, model, x, target, generator)
            z = model.encoder(x)
            centers, labels = initial_centers(z, num_clusters, context.seed, config.n_init)
            name = "k-means on smoothed start" if smoothed else "k-means on autoencoder"
            state["start"][name] = clustering_scores(y, labels)
            # A copy: the methods go on training the very tensors that state_dict shows.
            weights = {key: value.clone() for key, value in model.state_dict().items()}
            tensors = {"encoder": weights, "centers": centers, "labels": labels}
        context.checkpoint(0, tensors, state)
    shared: dict[str, Any] = {
        key: tensors[key] for key in ("encoder", "centers", "labels") if key in tensors
    }
    features = sparse_features(x)
    for name in (name for name in TITLES if name in config.methods):
        done = state["curves"].get(name)
        if done is not None and len(done["acc"]) == config.epochs:
            continue
        # A checkpoint within this method brings its network; otherwise it starts from the shared.
        inside = tensors if done is not None else {}
        model.load_state_dict(shared["encoder"])
        train(config, context, name, model, features, data, shared, state, inside)
    rows: dict[str, dict[str, float]] = dict(state["start"])
    for name in state["curves"]:
        for protocol in sorted(PROTOCOLS, key=lambda p: p != config.protocol):
            mark = "" if protocol == config.protocol and protocol != "paper" else MARKS[protocol]
            label = f"{TITLES[name]} [{mark}]" if mark else TITLES[name]
            rows[label] = chosen(state["curves"][name], protocol, config)
    draw(context, state)
    return rows


def untrained(
    config: Config, context: Context, x: Tensor, data: Data, num_clusters: int
) -> dict[str, dict[str, float]]:
    """Rows of k-means, on the features and on their averages over the graph."""
    _, labels = initial_centers(data.x, num_clusters, context.seed, config.n_init)
    rows = {"k-means on features": clustering_scores(data.y, labels)}
    for hops in config.baseline_hops:
        labels = smoothed_kmeans(
            data.x, data.edge_index, num_clusters, hops=hops, n_init=config.n_init,
            seed=context.seed,
        )  # fmt: skip
        rows[f"no training, {hops} hops"] = clustering_scores(data.y, labels)
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
    if name == "pamc" and config.draw_map:
        draw_map(context, network.encoder, x, data.y)


def pretrain(
    config: Config,
    context: Context,
    model: SDCNAutoEncoder,
    x: Tensor,
    target: Tensor | None,
    generator: torch.Generator,
) -> None:
    """Train the encoder to give the target, or the whole autoencoder, with a progress bar."""
    epochs = iter(context.progress(range(config.pretrain_epochs), desc="start"))

    def advance(row: dict[str, Any]) -> None:
        next(epochs, None)

    options: dict[str, Any] = {
        "epochs": config.pretrain_epochs,
        "batch_size": config.batch_size,
        "generator": generator,
        "callback": advance,
    }
    if target is None:
        pretrain_autoencoder(model, x, **options)
    else:
        pretrain_encoder(model.encoder, sparse_features(x), target, **options)


def load(config: Config, seed: int = 0) -> tuple[Data, int]:
    """Return the graph and the number of clusters, which is the number of classes."""
    if config.dataset == "digits":
        data = digits_knn(config.k or 3)
    elif config.dataset == "planted":
        data = planted_documents(config.num_nodes, seed=seed)
    else:
        data = SDCNDataset(config.root, config.dataset, config.k, source=config.source)[0]
    return data, int(data.y.max()) + 1


def main() -> NoReturn:
    """Run from the command line."""
    runner.main(run, Config, PRESETS, PUBLISHED)
