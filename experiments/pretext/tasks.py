"""The pretext tasks of the experiment, by name."""

from __future__ import annotations

from collections.abc import Callable

from graphlab.contrastive.pretext import (
    AttributeMask,
    ContextLabel,
    DistanceToCluster,
    DistanceToLabeled,
    EdgeMask,
    LabelCorrection,
    NodeProperty,
    PairwiseDistance,
    PairwiseSimilarity,
    PretextTask,
)

from .presets import Config

# Tasks that read no label, and the distance to the labelled nodes.
PLAIN: dict[str, Callable[[int, int, Config], PretextTask]] = {
    "edge mask": lambda width, classes, config: EdgeMask(width),
    "attribute mask": lambda width, classes, config: AttributeMask(
        width, num_components=config.num_components
    ),
    "node property": lambda width, classes, config: NodeProperty(width),
    "pairwise distance": lambda width, classes, config: PairwiseDistance(width),
    "distance to cluster": lambda width, classes, config: DistanceToCluster(width),
    "distance to labeled": lambda width, classes, config: DistanceToLabeled(width, classes),
    "pairwise similarity": lambda width, classes, config: PairwiseSimilarity(width),
}


def make_task(name: str, num_classes: int, config: Config) -> PretextTask:
    """A task for the hidden layer of the experiment's network.

    Args:
        name (str): A key of ``PLAIN``, or ``"context by harmonic"`` and ``"context by ica"``.
        num_classes (int): C.
        config (Config): Settings.
    """
    width = config.hidden_channels
    if name in PLAIN:
        return PLAIN[name](width, num_classes, config)
    return ContextLabel(
        width,
        num_classes,
        labels="ica" if name.endswith("ica") else "harmonic",
        correction=LabelCorrection() if config.correct_every else None,
    )
