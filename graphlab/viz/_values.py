"""Values to draw, as arrays: everything malformed is refused before a figure is made."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from graphlab._labels import label_groups

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def array(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        # numpy knows no bfloat16.
        return np.asarray((values.double() if values.is_floating_point() else values).numpy())
    return np.asarray(values)


def numbers(values: Any, name: str) -> Floats:
    if np.iscomplexobj(array(values)):
        raise TypeError(f"{name} must hold real numbers, got complex ones")
    try:
        return array(values).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers ({error})") from error


def matrix(values: Any, name: str) -> Floats:
    matrix = numbers(values, name)
    if matrix.ndim != 2 or matrix.shape[0] < 3 or matrix.shape[1] < 1:
        raise ValueError(f"{name} must be 2-D with at least 3 rows, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must be finite, got NaN or inf")
    return matrix


def vector(values: Any, name: str) -> Floats:
    vector = numbers(values, name)
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"{name} must be 1-D and not empty, got shape {vector.shape}")
    return vector


def positive(values: Floats, name: str) -> Floats:
    if np.any(values <= 0) or np.any(np.isinf(values)):
        raise ValueError(f"{name} must be positive and finite for logarithmic axes, got {values}")
    return values


def grouped_labels(labels: Any, length: int) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Names of the labels in their order, and the number of every row's, -1 where it has none."""
    values = array(labels)
    if values.shape != (length,):
        raise ValueError(f"labels must have shape ({length},), one per row, got {values.shape}")
    names, numbers = label_groups(values)
    return names, np.array(numbers, dtype=np.int64)
