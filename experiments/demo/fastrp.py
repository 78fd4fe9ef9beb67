"""The demo's embedding: FastRP beside DeepWalk on the graph of the digits, edges alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from graphlab import viz
from graphlab.datasets import digits_knn
from graphlab.embed import FastRP
from graphlab.evaluate import linear_probe, random_split

from .._harness.context import Context
from .deepwalk import DeepWalk
from .part import Means, Part


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        k (int): Neighbours of a node.
        dim (int): Width of FastRP's embedding; columns of a random projection cost little.
        weights (tuple[tuple[float, ...], ...]): Weights of the powers to choose from by validation
            nodes of the first split: the authors', and longer reaches, for a graph of few edges.
        walk (DeepWalk): Settings of DeepWalk.
        splits (int): Random splits of the nodes.
        draw_map (bool): Draw the embedding (t-SNE), which takes seconds.
    """

    protocol: str = "logistic regression on 10 % of the nodes, 10 % choose its strength"
    k: int = 3
    dim: int = 256
    weights: tuple[tuple[float, ...], ...] = (
        (0.0, 0.0, 1.0, 6.67), (1.0,) * 4, (1.0,) * 8, (1.0,) * 16,
    )  # fmt: skip
    walk: DeepWalk = field(default_factory=DeepWalk)
    splits: int = 3
    draw_map: bool = True


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Embed the edges by both methods; time, and what a classifier reads off the rows."""
    data = digits_knn(config.k)
    count = int(data.num_nodes)

    def project(weights: tuple[float, ...]) -> Tensor:
        model = FastRP(config.dim, weights=weights, beta=0.0, seed=context.seed)
        return model.fit_transform(data.edge_index, count)

    begin = time.perf_counter()
    split = random_split(count, 0.1, 0.1, seed=context.seed)
    best = max(
        config.weights, key=lambda each: linear_probe(project(each), data.y, split).val_accuracy
    )
    searched = time.perf_counter() - begin
    methods: dict[str, Callable[[], Tensor]] = {
        "FastRP": lambda: project(best),
        "DeepWalk": lambda: config.walk.embed(data.edge_index, count, context.seed),
    }
    rows: dict[str, dict[str, float]] = {}
    found: dict[str, Tensor] = {}
    for step, (name, embed) in enumerate(methods.items()):
        begin = time.perf_counter()
        found[name] = embed()
        seconds = time.perf_counter() - begin
        score = accuracy(config, context, found[name], data.y)
        rows[name] = {"accuracy": score, "seconds": seconds, "columns": float(found[name].size(1))}
        context.log(step, **{f"{name}.accuracy": rows[name]["accuracy"]})
    rows["FastRP"] |= {"seconds to choose": searched, "powers": float(len(best))}
    common = float(torch.bincount(data.y).max()) / count
    rows["most frequent digit"] = {"accuracy": common}
    context.bars("accuracy", rows, "accuracy", "test accuracy")
    if config.draw_map:
        axes = viz.embedding_map(found["FastRP"], data.y, method="tsne", seed=context.seed)
        axes.set_title("FastRP of the graph of the digits (t-SNE), colour = digit")
        context.figure("map_of_digits", axes)
    return rows


def accuracy(config: Config, context: Context, z: Tensor, y: Tensor) -> float:
    """Mean accuracy on the test nodes of the splits."""
    results = [
        linear_probe(z, y, random_split(y.numel(), 0.1, 0.1, seed=context.seed + number))
        for number in range(config.splits)
    ]
    return sum(result.accuracy for result in results) / len(results)


def meaning(rows: Means) -> str:
    """Quality of both, and how much faster."""
    ours, walk = rows["FastRP"], rows["DeepWalk"]
    return (
        f"a classifier reads {100 * ours['accuracy']:.1f} % of the digits off FastRP's rows and "
        f"{100 * walk['accuracy']:.1f} % off DeepWalk's, which take "
        f"{walk['seconds'] / ours['seconds']:,.0f} times as long (a plain program in torch)"
    )


PART = Part(
    name="fastrp",
    title="FastRP",
    data="digits, kNN graph",
    description=(
        "Embeds the graph of nearest neighbours of 1797 images of digits by sparse random "
        "projection, without training; the images are not looked at. DeepWalk learns the same from "
        "random walks. What a linear classifier reads off either is compared, and the time. The "
        "number of powers is chosen on validation nodes."
    ),
    run=run,
    config=Config(draw_map=False),
    toy=Config(
        dim=8, weights=((1.0,), (1.0, 1.0)), splits=1, draw_map=False,
        walk=replace(DeepWalk(), dim=4, walks=1, length=4, window=2),
    ),
    ours="FastRP",
    baseline="DeepWalk",
    metric="seconds",
    measure="seconds for an embedding",
    meaning=meaning,
    left_out={"BlogCatalog, Wikipedia-POS": "not embedded; python -m experiments.fastrp"},
)  # fmt: skip
