"""Weights of edges: under which names they are found, and what a weight can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from graphlab._checks import warn_caller

__all__: list[str] = []

#: ``Data.edge_weight``, the values of a matrix, or ``"weight"`` of a networkx graph.
AUTO = "auto"
#: What an error about a weight ends with.
ADVICE = (
    "a weight must be a finite number >= 0 (weight='...' reads another attribute, weight=None none)"
)
#: Attributes of one number per edge that are known to be something else.
_NO_WEIGHTS = {"e_id", "edge_id", "edge_type", "edge_label", "edge_y", "edge_time", "time", "id"}


def as_weights(values: Sequence[Any]) -> np.ndarray[Any, Any] | int:
    """Numbers as an array, or the position of the first value that is no weight."""
    try:
        array = np.asarray(values)
    except ValueError:  # lists among numbers
        array = np.array([None])
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        for position, value in enumerate(values):
            if not is_number(value) and not isinstance(value, (bool, np.bool_)):
                return position
        array = np.array([float(value) for value in values], dtype=np.float64)
    good = np.isfinite(array) & (array >= 0)
    return array if good.all() else int(good.argmin())


def first_bad(weights: Tensor) -> int | None:
    """Position of the first number that is no weight; ``None`` if all are."""
    held = weights.detach()
    wrong = ~(held.isfinite() & (held >= 0))
    return int(wrong.int().argmax()) if bool(wrong.any()) else None


def is_number(value: Any) -> bool:
    """Test for one real number; truth values and text are none."""
    if value is None or isinstance(value, (bool, np.bool_, str, bytes)):
        return False
    try:
        return not math.isnan(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def warn_unused(names: Sequence[str]) -> None:
    """Warn if what looks like the weights of the edges has a name that is not read."""
    names = [name for name in names if name not in _NO_WEIGHTS]
    if "weight" in names:
        names = ["weight"]
    if len(names) == 1:
        warn_caller(
            f"edges have one numeric attribute, {names[0]!r}, which was not read as their weight: "
            f"pass weight={names[0]!r} to read it, or weight=None for edges without weights"
        )
