"""Options of FastRP: defaults that a preset may replace, and their checks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_positive, check_tensor

__all__: list[str] = []

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


# Defaults that know they were not given: a preset must not take equal values that were for them.
class _Number(float):
    pass


class _Numbers(tuple[float, ...]):
    pass


class _Name(str):
    pass


WEIGHTS = _Numbers((0.0, 0.0, 1.0, 6.67))
BETA = _Number(-0.64)
PROJECTION = _Name("very_sparse")


def fill_preset(
    weights: Sequence[float] | None, beta: float | None, projection: str
) -> tuple[Sequence[float] | None, float | None, str]:
    """Values of the preset ``"neo4j"`` for what was not given."""
    return (
        (0.0, 1.0, 1.0) if isinstance(weights, _Numbers) else weights,
        0.0 if isinstance(beta, _Number) else beta,
        "achlioptas" if isinstance(projection, _Name) else projection,
    )


def finite_number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def sparsity_option(sparsity: float | None, projection: str) -> float | None:
    if sparsity is None:
        return None
    if projection != "very_sparse":
        raise ValueError(f"sparsity must be None for projection={projection!r}, got {sparsity}")
    if check_positive(sparsity, "sparsity") < 1:
        raise ValueError(f"sparsity must be at least 1, got {sparsity}")
    return float(sparsity)


def power_weights(
    weights: Sequence[float] | None, num_powers: int | None, self_weight: float
) -> tuple[tuple[float, ...] | None, int]:
    if weights is None:
        if num_powers is None:
            raise ValueError("weights=None concatenates powers: num_powers must say how many")
        if self_weight != 0:
            raise ValueError(f"self_weight must be 0 where weights is None, got {self_weight}")
        return None, check_int(num_powers, "num_powers", minimum=1)
    numbers = tuple(finite_number(w, f"weights[{k}]") for k, w in enumerate(weights))
    if self_weight == 0 and not any(numbers):
        what = f"only zeros, {numbers}" if numbers else "none"
        raise ValueError(f"weights must hold a number other than 0 (self_weight is 0), got {what}")
    if num_powers is not None and num_powers != len(numbers):
        raise ValueError(f"num_powers must be {len(numbers)}, one per weight, got {num_powers}")
    return numbers, len(numbers)


def node_names(node_id: Tensor, count: int) -> Tensor:
    if check_tensor(node_id, "node_id").dtype != torch.int64:
        raise TypeError(f"node_id must be int64, got {node_id.dtype}")
    if node_id.shape != (count,):
        raise ValueError(f"node_id must have shape ({count},), got {tuple(node_id.shape)}")
    if count and int(node_id.min()) < 0:
        raise ValueError(f"node_id must not be negative, got {int(node_id.min())}")
    if torch.unique(node_id).numel() != count:
        raise ValueError("node_id must name every node differently, but repeats a name")
    return node_id
