"""Synthetic undirected graphs for scaling curves, drawn in pieces so that large ones fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

_RMAT_CHUNK = 1 << 21


def rmat(scale: int, edge_factor: int, seed: int, permute: bool = True) -> Tensor:
    """Power-law graph of the R-MAT family (quadrants .57, .19, .19, .05).

    Args:
        scale (int): log2 of the number of nodes, 1 to 31.
        edge_factor (int): Edges drawn per node; loops and repetitions are then removed.
        seed (int): Seed of the draw.
        permute (bool): Shuffle node ids, so that the degree does not follow from the id.

    Returns:
        Tensor: ``edge_index`` ``(2, E)`` int64, both directions, sorted, without repetition.

    Raises:
        ValueError: If ``scale`` or ``edge_factor`` is out of range.
    """
    if not 1 <= scale <= 31 or edge_factor < 1:
        raise ValueError(f"scale must be in [1, 31], edge_factor >= 1: {scale}, {edge_factor}")
    rng = np.random.default_rng(seed)
    nodes = 1 << scale
    ids = rng.permutation(nodes) if permute else np.arange(nodes)
    total = nodes * edge_factor
    keys = np.empty(total, dtype=np.int64)
    for start in range(0, total, _RMAT_CHUNK):
        stop = min(total, start + _RMAT_CHUNK)
        row, col = _rmat_pairs(scale, stop - start, rng)
        keys[start:stop] = _undirected_keys(ids[row], ids[col], nodes)
    return _from_keys(np.unique(keys), nodes)


def _rmat_pairs(
    scale: int, count: int, rng: np.random.Generator
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    row = np.zeros(count, dtype=np.int64)
    col = np.zeros(count, dtype=np.int64)
    for _ in range(scale):
        draw = rng.random(count, dtype=np.float32)
        down = draw >= 0.76
        right = ((draw >= 0.57) & ~down) | (draw >= 0.95)
        row = 2 * row + down
        col = 2 * col + right
    return row, col


def uniform_graph(num_nodes: int, average_degree: float, seed: int) -> Tensor:
    """Random graph with exactly ``round(num_nodes * average_degree / 2)`` undirected edges.

    Args:
        num_nodes (int): Nodes, at least 2.
        average_degree (float): Mean number of neighbours, at most half of ``num_nodes - 1``.
        seed (int): Seed of the draw.

    Returns:
        Tensor: ``edge_index`` ``(2, E)`` int64, both directions, sorted, without loops.

    Raises:
        ValueError: If a number is out of range.
    """
    if num_nodes < 2 or not 0 <= average_degree <= (num_nodes - 1) / 2:
        raise ValueError(
            "num_nodes must be >= 2 and average_degree in [0, (num_nodes - 1) / 2], "
            f"got {num_nodes} and {average_degree}"
        )
    rng = np.random.default_rng(seed)
    wanted = round(num_nodes * average_degree / 2)
    keys = np.empty(0, dtype=np.int64)
    while (missing := wanted - len(keys[keys >= 0])) > 0:
        pairs = rng.integers(0, num_nodes, size=(2, missing + missing // 8 + 16))
        drawn = _undirected_keys(pairs[0], pairs[1], num_nodes)
        keys = np.unique(np.concatenate([keys, drawn]))
    keys = rng.permutation(keys[keys >= 0])[:wanted]
    return _from_keys(np.sort(keys), num_nodes)


def _undirected_keys(
    row: np.ndarray[Any, Any], col: np.ndarray[Any, Any], nodes: int
) -> np.ndarray[Any, Any]:
    # One number per pair whatever its direction; a loop becomes -1 and is dropped later.
    keys: np.ndarray[Any, Any] = np.minimum(row, col) * nodes + np.maximum(row, col)
    keys[row == col] = -1
    return keys


def _from_keys(keys: np.ndarray[Any, Any], nodes: int) -> Tensor:
    low, high = np.divmod(keys[keys >= 0], nodes)
    both = np.concatenate([low * nodes + high, high * nodes + low])
    both.sort()
    edges = np.empty((2, len(both)), dtype=np.int64)
    np.divmod(both, nodes, out=(edges[0], edges[1]))
    return torch.from_numpy(edges)
