"""Exact nearest neighbours with ties broken by index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix
from graphlab._progress import track
from graphlab._sorted import distinct

__all__: list[str] = []


def knn_edge_index(x: Tensor, k: int, *, chunk_size: int = 1024) -> Tensor:
    """Symmetrised graph of the k nearest neighbours in Euclidean distance.

    Equally near neighbours are taken in the order of their index, so the graph is the same on
    every machine as long as the squared distances are exact in float64 (they are for images with
    whole grey values; for other features rounding may decide between near ties).

    Args:
        x (Tensor): Points, ``(N, F)``, floating point, finite.
        k (int): Neighbours per point, in ``[1, N - 1]``; the point itself does not count.
        chunk_size (int): Rows of the distance table held at once.

    Returns:
        Tensor: ``(2, E)`` int64, both directions, sorted, without repeats or self-loops.

    Raises:
        ValueError: If ``x`` is not 2-D or not finite, or ``k`` does not fit.

    Complexity: O(N^2 (F + log N)) time, O(N F + N chunk_size) memory.
    """
    points = check_matrix(x, "x").detach().cpu().double().numpy()
    num_nodes = points.shape[0]
    k = check_int(k, "k", minimum=1, maximum=num_nodes - 1)
    chunk_size = check_int(chunk_size, "chunk_size", minimum=1)
    square = np.einsum("ij,ij->i", points, points)
    near = [
        _nearest(points, square, np.arange(start, min(start + chunk_size, num_nodes)), k)
        for start in track(range(0, num_nodes, chunk_size), "nearest neighbours", unit="blocks")
    ]
    target = np.concatenate(near).ravel()
    source = np.repeat(np.arange(num_nodes), k)
    # One number per directed pair: unique() sorts and removes the repeats in one go.
    pairs = distinct(np.r_[source * num_nodes + target, target * num_nodes + source])
    return torch.from_numpy(np.stack([pairs // num_nodes, pairs % num_nodes]))


def _nearest(
    points: npt.NDArray[np.float64],
    square: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
    k: int,
) -> npt.NDArray[np.int64]:
    distance = square[rows, None] + square[None, :] - 2.0 * (points[rows] @ points.T)
    distance[np.arange(rows.size), rows] = np.inf
    return np.argsort(distance, axis=1, kind="stable")[:, :k]
