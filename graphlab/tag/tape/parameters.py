"""What the parameters of TAPE may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from graphlab._checks import (
    check_choice,
    check_device,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)
from graphlab.tag._neighbors import check_neighbors
from graphlab.tag.tape._features import check_feature_names
from graphlab.tag.tape.ensemble import REDUCTIONS
from graphlab.tag.tape.member import Recipe

__all__: list[str] = []

#: What decides over a member, beside the recipe of its training and the data.
_DECIDE = ("hidden_channels", "num_layers", "dropout", "seed", "batch_size", "num_neighbors")

NAMES = ("gcn", "sage", "mlp", "revgat")


def check_parameters(given: Mapping[str, Any]) -> Recipe:
    """Refuse parameters, by name, and give those of the training."""
    check_device(given["device"])
    if not callable(given["gnn"]):
        check_choice(given["gnn"], "gnn", NAMES)
    check_feature_names(given["features"])
    weights, features = given["weights"], given["features"]
    if weights is not None and set(weights) != set(features):
        raise ValueError(f"weights must be of {sorted(features)}, got {sorted(weights)}")
    check_int(given["hidden_channels"], "hidden_channels", minimum=1)
    check_int(given["num_layers"], "num_layers", minimum=2)
    if given["dropout"] is not None:
        check_fraction(given["dropout"], "dropout")
    check_choice(given["reduce"], "reduce", REDUCTIONS)
    check_int(given["seed"], "seed", minimum=0, maximum=2**63 - 1)
    if given["batch_size"] is not None:
        check_int(given["batch_size"], "batch_size", minimum=1)
    if given["num_neighbors"] is not None:
        if given["batch_size"] is None:
            raise ValueError("num_neighbors needs a batch_size: without one, all are taken")
        check_neighbors(given["num_neighbors"])
    slow = given["gnn"] == "revgat"
    return Recipe(
        lr=check_positive((0.002 if slow else 0.01) if given["lr"] is None else given["lr"], "lr"),
        weight_decay=check_nonnegative(given["weight_decay"], "weight_decay"),
        epochs=check_int(given["epochs"], "epochs", minimum=1),
        patience=check_int(given["patience"], "patience", minimum=1),
        slow_start=slow,
    )


def settings_of(given: Mapping[str, Any], recipe: Recipe, num_classes: int) -> dict[str, Any]:
    """What decides over a member, for files that are read again."""
    gnn = given["gnn"] if isinstance(given["gnn"], str) else "a function"
    chosen = {name: given[name] for name in _DECIDE}
    return chosen | asdict(recipe) | {"gnn": gnn, "num_classes": num_classes}
