"""Embeddings and labels as they are given to an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from graphlab._checks import Array, from_array
from graphlab._feature_rows import FeatureRows, check_feature_rows

__all__ = ["Labels", "check_embeddings", "from_labels"]

#: What labels of nodes may be given as.
Labels = Array | Sequence[int]


def check_embeddings(z: FeatureRows | Array) -> FeatureRows:
    """Require embeddings of at least one column, that a probe can read something off.

    Raises:
        TypeError, ValueError: If they are malformed.
    """
    rows = check_feature_rows(from_array(z, "z"), "z")
    if rows.shape[1] == 0:
        raise ValueError(f"z must have at least one column, got shape {tuple(rows.shape)}")
    return rows


def from_labels(value: Any, name: str) -> Any:
    """An array, or a list of integers, as a tensor on the CPU; anything else as it is.

    Raises:
        TypeError: If a list holds something else than integers.
    """
    if not isinstance(value, (list, tuple)):
        return from_array(value, name)
    for at, label in enumerate(value):
        if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
            raise TypeError(f"{name} must hold integers, but {name}[{at}] = {label!r:.80}")
    return torch.tensor(value, dtype=torch.int64, device="cpu")
