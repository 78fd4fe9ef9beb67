"""Sorted sets of integers."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.integer)  # type: ignore[type-arg]


def distinct(values: NDArray[T]) -> NDArray[T]:
    """Distinct values in ascending order.

    ``np.unique`` hashes since NumPy 2.3: where most values are distinct, that takes a hundred times
    as long as sorting.
    """
    ordered = np.sort(values, axis=None)
    first = np.ones(ordered.size, bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]
