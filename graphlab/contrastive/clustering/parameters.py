"""What the parameters of SCGC may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphlab._checks import (
    check_choice,
    check_device,
    check_fraction,
    check_int,
    check_nonnegative,
    check_positive,
)

__all__: list[str] = []


def check_parameters(given: Mapping[str, Any]) -> None:
    """Refuse parameters, by name, before anything is computed; the loss checks its own."""
    check_device(given["device"])
    if given["in_channels"] is not None:
        check_int(given["in_channels"], "in_channels", minimum=1)
    for name in ("out_channels", "order", "batch_size", "n_init", "patience"):
        check_int(given[name], name, minimum=1)
    for name in ("epochs", "pretrain_epochs", "seed", "hops"):
        check_int(given[name], name, minimum=0)
    check_choice(given["start"], "start", ("auto", "smoothed", "autoencoder"))
    check_fraction(given["tolerance"], "tolerance")
    check_int(given["num_clusters"], "num_clusters", minimum=2)
    for name in ("lr", "pretrain_lr"):
        check_positive(given[name], name)
    for name in ("alpha", "beta"):
        check_nonnegative(given[name], name)
