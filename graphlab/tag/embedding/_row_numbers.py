"""Rows that an index asks for, as the first dimension of a tensor is indexed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__: list[str] = []


def row_number(index: Any, size: int) -> int | None:
    """The row of a single number; None where the index is no number.

    Raises:
        TypeError: If it is True or False, which would make a new dimension of a tensor.
        IndexError: If there is no such row.
    """
    if isinstance(index, (Tensor, np.ndarray)):
        if index.ndim:
            return None
        index = index.item()
    if isinstance(index, (bool, np.bool_)):
        raise TypeError(f"index must be rows or a mask of all rows, got {index!r}")
    if not isinstance(index, (int, np.integer)):
        return None
    row = int(index) + size if index < 0 else int(index)
    if not 0 <= row < size:
        raise IndexError(f"index must be in [{-size}, {size}), got {index}")
    return row


def row_numbers(index: Any, size: int) -> NDArray[np.int64]:
    """Rows of a list, an array or a tensor of numbers, or of a mask.

    Raises:
        TypeError: If it holds something else.
        ValueError: If it has not one dimension, or a mask has another length.
        IndexError: If there is no such row.
    """
    # Each entry of a tuple would index a dimension of a tensor; the columns are not indexed here.
    if not isinstance(index, (Tensor, np.ndarray, list, range)) and not hasattr(index, "__array__"):
        raise TypeError(
            "index must be a row, a slice, or a list, array or tensor of rows or a mask, got "
            f"{index!r:.80} of type {type(index).__name__}"
        )
    found = _array(index)
    if isinstance(index, list) and not index:
        return np.empty(0, np.int64)
    if found.dtype.kind not in "iub":
        raise TypeError(f"index must hold integers or a mask, got dtype {found.dtype}")
    if found.ndim != 1:
        raise ValueError(f"index must be 1-D, got shape {found.shape}")
    if found.dtype.kind == "b":
        if found.size != size:
            raise ValueError(f"index must be a mask of shape ({size},), got shape {found.shape}")
        return found.nonzero()[0].astype(np.int64)
    rows = found.astype(np.int64)
    outside = ((rows < -size) | (rows >= size)).nonzero()[0]
    if outside.size:
        place = int(outside[0])
        raise IndexError(f"index[{place}] = {rows[place]} is outside [{-size}, {size})")
    return np.where(rows < 0, rows + size, rows)


def _array(index: Any) -> NDArray[Any]:
    try:
        return np.asarray(index.detach().cpu() if isinstance(index, Tensor) else index)
    except (TypeError, ValueError, RuntimeError) as error:  # of lists of several lengths
        raise TypeError(f"index must hold integers or a mask: {error!s:.200}") from error
