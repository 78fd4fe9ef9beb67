"""The demo's certificates: GRACE on the karate club, alone and with every form of POT.

Whether a node is certified does not depend on labels. The probe's accuracy is measured on a handful
of nodes and says little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch_geometric.datasets import KarateClub

from graphlab import viz
from graphlab.evaluate import random_split

from .._harness.context import Context
from ..pot.hosts import build
from ..pot.presets import POT_METHODS
from ..pot.presets import Config as PotConfig
from ..pot.run import train
from ..pot.scores import compactness, honest
from ..pot.tables import TITLES
from .part import Part

_TRAINING = PotConfig(dataset="karate", epochs=150, lr=1e-3, out_channels=32, proj_channels=32)


@dataclass(frozen=True)
class Config:
    """Settings of the demo.

    Attributes:
        protocol (str): How numbers come about.
        kappa (float): Weight of POT.
        training (PotConfig): Settings of the host.
        methods (tuple[str, ...]): Forms of POT to train with; ``none`` is the host alone.
    """

    protocol: str = "share of nodes certified after a fixed number of epochs"
    kappa: float = 0.4
    training: PotConfig = _TRAINING
    methods: tuple[str, ...] = ("none", *POT_METHODS)


def run(config: Config, context: Context) -> dict[str, dict[str, float]]:
    """Train every method from one start; certify its nodes under edge drops."""
    data = KarateClub()[0].to(context.device)
    split = random_split(data.num_nodes, 0.3, 0.2, seed=context.seed)
    settings = config.training
    first = build(settings, data).to(context.device)
    start = {name: value.clone() for name, value in first.state_dict().items()}
    bounds = {"untrained": compactness(settings, first, data)}
    rows: dict[str, dict[str, float]] = {"untrained": {}}
    scored = {"untrained": first}
    for method in config.methods:
        title = f"GRACE{TITLES[method]}"
        model, seconds = train(settings, context, data, start, method, config.kappa)
        scored[title], rows[title] = model, {"seconds_per_epoch": seconds}
        bounds[title] = compactness(settings, model, data)
    for title, model in scored.items():
        z = model.embed(data.x, data.edge_index)
        rows[title] = {
            "certified": float((bounds[title] > 0).double().mean()),
            "median bound": float(bounds[title].median()),
            "test accuracy": honest(z, data, split)["f1_micro"],
        } | rows[title]
    draw(context, {name: bound.cpu() for name, bound in bounds.items() if name != "untrained"})
    return rows


def draw(context: Context, bounds: dict[str, torch.Tensor]) -> None:
    """The certificates of all nodes, method by method."""
    axes = viz.compactness_distribution(bounds, num_bins=12)
    axes.set_title("Which nodes of the karate club are certified under edge drops?")
    context.figure("certified_compactness", axes)


PART = Part(
    name="pot",
    title="POT",
    data="karate club, GRACE",
    description=(
        "Trains GRACE alone and with each form of POT from the same start, then certifies every "
        "node: a positive bound proves that no edge drops within the budget make the node look "
        "more like the average other one than like itself. The reference is the published score, "
        "the others are sound bounds."
    ),
    run=run,
    config=Config(),
    toy=Config(
        training=replace(_TRAINING, epochs=2, out_channels=4, proj_channels=4),
        methods=("none", "interval"),
    ),
    ours="GRACE + POT interval",
    baseline="GRACE",
    metric="certified",
    measure="share of nodes certified",
    left_out={
        "Cora and seven other graphs": "not embedded; python -m experiments.pot --preset cora"
    },
)
