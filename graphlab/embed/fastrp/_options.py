"""Checked parameters of FastRP."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from graphlab._checks import check_choice, check_int, check_positive

__all__: list[str] = []

DIRECTIONS = ("both", "out", "in")
DTYPES = (torch.float32, torch.float64, torch.bfloat16)


@dataclass(frozen=True)
class Options:
    """Parameters of :class:`graphlab.embed.FastRP`, checked; see there for their meaning.

    Attributes:
        beta (float): 0 where there is no degree factor.
        num_powers (int): Number of powers, also where ``weights`` says it.
    """

    dim: int
    weights: tuple[float, ...] | None
    num_powers: int
    beta: float
    projection: str
    sparsity: float | None
    normalize: bool
    self_weight: float
    standardize: bool
    input_matrix: str
    seed: int
    dtype: torch.dtype
    degree: str
    direction: str | None
    weight: str | None

    @classmethod
    def check(cls, params: Mapping[str, Any]) -> Options:
        """Check the parameters of an estimator, by name."""
        if params["preset"] is not None:
            raise ValueError(
                f"preset must be None, got {params['preset']!r}: use the class method FastRP.neo4j"
            )
        dim = check_int(params["dim"], "dim", minimum=1)
        projection = check_choice(
            params["projection"], "projection", ("very_sparse", "achlioptas", "gaussian")
        )
        sparsity = _check_sparsity(params["sparsity"], projection)
        beta = 0.0 if params["beta"] is None else finite_number(params["beta"], "beta")
        self_weight = finite_number(params["self_weight"], "self_weight")
        weights, num_powers = _check_weights(params["weights"], params["num_powers"], self_weight)
        standardize = bool(params["standardize"])
        if standardize and weights is None:
            raise ValueError("standardize=True needs weights: a concatenation is not standardised")
        input_matrix = check_choice(
            params["input_matrix"], "input_matrix", ("transition", "adjacency")
        )
        seed = check_int(params["seed"], "seed", minimum=0, maximum=2**64 - 1)
        if params["dtype"] not in DTYPES:
            raise ValueError(f"dtype must be one of {DTYPES}, got {params['dtype']}")
        return cls(
            dim=dim,
            weights=weights,
            num_powers=num_powers,
            beta=beta,
            projection=projection,
            sparsity=sparsity,
            normalize=bool(params["normalize"]),
            self_weight=self_weight,
            standardize=standardize,
            input_matrix=input_matrix,
            seed=seed,
            dtype=params["dtype"],
            degree=check_choice(params["degree"], "degree", ("weight", "count")),
            direction=_check_direction(params["direction"]),
            weight=_check_name(params["weight"]),
        )

    def entry_sparsity(self, num_nodes: int) -> float:
        """Sparsity s of the random entries; 0 draws normal ones."""
        if self.projection == "gaussian":
            return 0.0
        if self.projection == "achlioptas":
            return 3.0
        return self.sparsity or max(1.0, math.sqrt(num_nodes))


def finite_number(value: Any, name: str) -> float:
    """Require a finite real number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def _check_direction(direction: Any) -> str | None:
    return None if direction is None else check_choice(direction, "direction", DIRECTIONS)


def _check_name(weight: Any) -> str | None:
    if weight is not None and not isinstance(weight, str):
        raise TypeError(
            f"weight must be the name of an attribute, 'auto' or None, got {weight!r}: numbers go "
            "into edge_weight, and those of the powers into weights"
        )
    return weight


def _check_sparsity(sparsity: float | None, projection: str) -> float | None:
    if sparsity is None:
        return None
    if projection != "very_sparse":
        raise ValueError(f"sparsity must be None for projection={projection!r}, got {sparsity}")
    if check_positive(sparsity, "sparsity") < 1:
        raise ValueError(f"sparsity must be at least 1, got {sparsity}")
    return float(sparsity)


def _check_weights(
    weights: Sequence[float] | None, num_powers: int | None, self_weight: float
) -> tuple[tuple[float, ...] | None, int]:
    """Weights as a tuple, and the number of powers."""
    if weights is None:
        if num_powers is None:
            raise ValueError("weights=None concatenates powers: num_powers must say how many")
        if self_weight != 0:
            raise ValueError(f"self_weight must be 0 where weights is None, got {self_weight}")
        return None, check_int(num_powers, "num_powers", minimum=1)
    if isinstance(weights, (str, bytes)) or not isinstance(weights, Iterable):
        raise TypeError(
            "weights must be a sequence of numbers, one per power, such as (0.0, 1.0, 1.0), got "
            f"{weights!r}"
        )
    numbers = tuple(finite_number(w, f"weights[{k}]") for k, w in enumerate(weights))
    if self_weight == 0 and not any(numbers):
        what = f"only zeros, {numbers}" if numbers else "none"
        raise ValueError(f"weights must hold a number other than 0 (self_weight is 0), got {what}")
    if num_powers is not None and num_powers != len(numbers):
        raise ValueError(f"num_powers must be {len(numbers)}, one per weight, got {num_powers}")
    return numbers, len(numbers)
