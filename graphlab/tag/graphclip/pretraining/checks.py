"""Checks before a pretraining begins."""

from __future__ import annotations

from torch import Tensor

from graphlab._checks import warn_caller
from graphlab._distributed import world_size
from graphlab.tag.graphclip.model import GraphCLIP, check_tower
from graphlab.tag.graphclip.pairs import GraphTextPairs


def check_fit(model: GraphCLIP, pairs: GraphTextPairs) -> None:
    """Require pairs and tower of equal widths."""
    tower = check_tower(model).graph_model
    for name, have, want in (
        ("x", pairs.x.shape[1], tower.in_channels),
        ("text", pairs.text.shape[1], tower.out_channels),
    ):
        if have != want:
            raise ValueError(f"pairs.{name} must have {want} columns as the tower has, got {have}")


def check_contrast(text_id: Tensor) -> None:
    """Require two different texts at least."""
    if text_id.numel() and bool((text_id == text_id[0]).all()):
        raise ValueError("pairs.text must differ between pairs, but all training pairs have the "
                         "same: there is nothing to contrast")  # fmt: skip


def batch_size(wanted: int, available: int) -> int:
    """Pairs per step, of all processes together."""
    size = min(wanted, available - available % world_size())
    if wanted % world_size():
        raise ValueError(f"batch_size must be a multiple of {world_size()} processes, got {wanted}")
    if size < 2:
        raise ValueError(f"batch_size must leave at least two pairs to contrast, got {size}")
    return size


def check_patience(patience: int, held: int, selection: str) -> None:
    """Require held-out pairs, and a choice among epochs, where there is patience."""
    if patience and selection == "last":
        raise ValueError(
            f"patience={patience} needs a selection among epochs, but selection='last' keeps the "
            "last one: set patience=0, or selection='loss'"
        )
    if patience and not held:
        raise ValueError(
            f"patience={patience} needs held-out pairs, but val_fraction leaves none of them"
        )


def check_parts(model: GraphCLIP, micro_batch: int, batch: int) -> None:
    """Say where a batch in parts is normalised by parts."""
    tower = model.graph_model
    if 0 < micro_batch < batch // world_size() and tower.norm == "batch" and tower.num_layers:
        warn_caller(
            f"micro_batch={micro_batch} with norm='batch' normalises every {micro_batch} pairs by "
            f"themselves and not the {batch} of a batch: norm='layer' gives the gradient of the "
            "whole batch"
        )
