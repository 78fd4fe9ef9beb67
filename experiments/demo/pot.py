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
from .part import Means, Part

#: A fifth of the edges may fall: with twice as many hardly a node of this graph can be certified.
_TRAINING = PotConfig(
    dataset="karate", epochs=100, lr=5e-3, out_channels=32, proj_channels=32, drop_edge=(0.2, 0.2)
)
#: Smallest and largest degree of each group.
_DEGREES = {"1-2": (1, 2), "3-4": (3, 4), "5+": (5, 10**9)}


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
    degree = torch.bincount(data.edge_index[0], minlength=data.num_nodes)
    for title, model in scored.items():
        certified = bounds[title] > 0
        z = model.embed(data.x, data.edge_index)
        rows[title] = {
            "certified": share(certified),
            **by_degree(certified, degree),
            "median bound": float(bounds[title].median()),
            "test accuracy": honest(z, data, split)["f1_micro"],
        } | rows[title]
    draw(context, {name: bound.cpu() for name, bound in bounds.items() if name != "untrained"})
    return rows


def by_degree(certified: torch.Tensor, degree: torch.Tensor) -> dict[str, float]:
    """Share of certified nodes among those of like degree."""
    return {
        f"degree {name}": share(certified[(degree >= low) & (degree <= high)])
        for name, (low, high) in _DEGREES.items()
    }


def share(mask: torch.Tensor) -> float:
    """Share of true entries."""
    return float(mask.double().mean())


def draw(context: Context, bounds: dict[str, torch.Tensor]) -> None:
    """The certificates of all nodes, method by method."""
    axes = viz.compactness_distribution(bounds, num_bins=12)
    axes.set_title("Which nodes of the karate club are certified under edge drops?")
    context.figure("certified_compactness", axes)


def meaning(rows: Means) -> str:
    """Who gains, and what it costs."""
    ours, host = rows["GRACE + POT budget"], rows["GRACE"]
    few, many = (
        f"{100 * host[key]:.0f} -> {100 * ours[key]:.0f} %" for key in ("degree 1-2", "degree 5+")
    )
    times = ours["seconds_per_epoch"] / host["seconds_per_epoch"]
    return (
        f"whatever fifth of its edges such a node loses, it goes on resembling itself; of "
        f"degree 1-2 {few}, of degree 5 and more {many}, for {times:.1f} times the time of an epoch"
    )


PART = Part(
    name="pot",
    title="POT",
    data="karate club, GRACE",
    description=(
        "Trains GRACE alone and with each form of POT from the same start, then certifies every "
        "node: a positive bound proves that no edge drops within the budget (a fifth of its edges) "
        "make the node look more like the average other one than like itself. The reference is the "
        "published score, which proves nothing, the others are sound bounds. Shares by degree, too."
    ),
    run=run,
    config=Config(methods=("none", "reference", "interval", "budget")),
    toy=Config(
        training=replace(_TRAINING, epochs=2, out_channels=4, proj_channels=4),
        methods=("none", "budget"),
    ),
    ours="GRACE + POT budget",
    baseline="GRACE",
    metric="certified",
    measure="share of nodes certified",
    meaning=meaning,
    left_out={
        "Cora and seven other graphs": "not embedded; python -m experiments.pot --preset cora",
        "the tightest bound (budget_crown)": "takes most of the time",
    },
)
