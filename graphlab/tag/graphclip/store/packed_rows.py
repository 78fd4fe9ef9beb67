"""Rows of different lengths in one array, with pointers to their beginnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__: list[str] = []


def as_tensor(array: NDArray[np.integer[Any]]) -> Tensor:
    """Copy as int64: ids index tensors, and mapped files stay as they are."""
    return torch.from_numpy(array.astype(np.int64))


def ranges(
    pointer: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Entries of some rows of a compressed array.

    Args:
        pointer (ndarray): int64 ``(R + 1,)``; row i has the entries from ``pointer[i]`` on.
        rows (ndarray): int64 ``(r,)``.

    Returns:
        tuple: Position of every entry, number of its row among ``rows``, and the pointers ``(r +
        1,)`` of the entries put one after the other.
    """
    count = pointer[rows + 1] - pointer[rows]
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    owner = np.repeat(np.arange(rows.size), count)
    # One running number, moved for every row by where it begins there and here.
    position = np.arange(int(start[-1])) + (pointer[rows] - start[:-1])[owner]
    return position, owner, start


def join_pointers(pointers: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Pointers of rows put one after the other."""
    lengths = np.concatenate([np.diff(p) for p in pointers])
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def relabel(
    edges: NDArray[np.int64], center: int, position: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Nodes of an edge list, its edges in local ids, and the local id of its center.

    Raises:
        ValueError: If the edges do not touch the center; names the ``position`` of the list.
    """
    if edges.shape[1] == 0:
        return np.array([center]), np.zeros((2, 1), np.int64), 0
    nodes, local = np.unique(edges, return_inverse=True)
    root = int(np.searchsorted(nodes, center))
    if root == nodes.size or nodes[root] != center:
        raise ValueError(f"edges[{position}] must touch its center {center}")
    return nodes, local.reshape(edges.shape), root
