"""Protocols, which choose the epoch that is reported, and the pictures of a run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab import viz

from .._harness.context import Context
from .presets import TITLES, Config

PROTOCOLS = ("last", "label_free", "paper")


MARKS = {
    "last": "last epoch",
    "label_free": "label-free stop",
    "paper": "best epoch by test labels",
}


def stop_epoch(
    changed: list[float], limit: float = 1e-3, patience: int = 5, warm_up: int = 0
) -> int:
    """Return the first epoch that ends a stretch of stable assignments, else the last.

    The stretch lies behind the first ``warm_up`` epochs.
    """
    for epoch in range(warm_up + patience - 1, len(changed)):
        if all(share < limit for share in changed[epoch - patience + 1 : epoch + 1]):
            return epoch
    return len(changed) - 1


def chosen(curves: dict[str, list[float]], protocol: str, config: Config) -> dict[str, float]:
    """Return the scores that a protocol reports."""
    names = ("acc", "nmi", "ari", "f1")
    # The median: the first epochs of a process also load libraries.
    cost = sorted(curves["seconds"])[len(curves["seconds"]) // 2]
    if protocol == "paper":
        epoch = max(range(len(curves["acc"])), key=curves["acc"].__getitem__)
        scores = {name: max(curves[name]) for name in names}
    else:
        stable = stop_epoch(curves["changed"], config.tolerance, config.patience, config.patience)
        epoch = stable if protocol == "label_free" else len(curves["acc"]) - 1
        scores = {name: curves[name][epoch] for name in names}
    return scores | {"epoch": float(epoch), "seconds_per_epoch": cost}


def draw(context: Context, state: dict[str, Any]) -> None:
    """Picture of accuracy by epoch."""
    curves = {TITLES[name]: curve["acc"] for name, curve in state["curves"].items()}
    if not curves:
        return
    axes = viz.training_curves(curves)
    axes.set_ylabel("accuracy")
    axes.set_title("Accuracy by epoch (labels are read for the picture only)")
    context.figure("accuracy", axes)


@torch.no_grad()
def draw_map(context: Context, encoder: torch.nn.Module, x: Tensor, y: Tensor) -> None:
    """Picture of PamC's embedding, coloured by class."""
    axes = viz.embedding_map(encoder(x).cpu(), y, method="tsne", seed=context.seed)
    axes.set_title("PamC embedding (t-SNE), colour = class")
    context.figure("embedding", axes)
