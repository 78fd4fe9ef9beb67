"""Least squares on the simplex, exactly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_matrix, check_tensor
from graphlab.tag.feasibility.gromov import Matrix, check_square

__all__ = ["simplex_fit"]

_EPS = 1e-12
_FLAT = 1e-13  # curvature that is rounding, as a share of the largest entry
_DRIFT = 1e-10  # the same of a slope


def simplex_fit(gram: Tensor, linear: Tensor) -> Tensor:
    r"""Weights of the simplex that minimise a quadratic form.

    .. math:: \min_\alpha \alpha^\top G \alpha - 2 b^\top \alpha, \qquad
        \alpha \ge 0, \quad \mathbf 1^\top \alpha = 1

    A primal active-set method: exact up to rounding after finitely many steps.

    Args:
        gram (Tensor): G, ``(k, k)`` floating point, positive semidefinite.
        linear (Tensor): b, ``(k,)`` floating point.

    Returns:
        Tensor: Float64 ``(k,)``, not negative, sum 1. Where G is singular on its support the
        weights are not unique, and those of least norm are given.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(k**3) a step, usually about k steps.

    Example:
        >>> simplex_fit(torch.eye(2), torch.tensor([0.9, 0.1]))
        tensor([0.9000, 0.1000], dtype=torch.float64)
    """
    matrix = check_square(gram, "gram")
    if not np.allclose(matrix, matrix.T, atol=1e-9 * max(1.0, float(np.abs(matrix).max()))):
        raise ValueError("gram must be symmetric")
    vector = check_matrix(check_tensor(linear, "linear").reshape(1, -1), "linear")
    if vector.size(1) != len(matrix):
        raise ValueError(f"linear must have {len(matrix)} entries, got {vector.size(1)}")
    return torch.from_numpy(on_simplex(matrix, np.asarray(vector.detach().double().cpu())[0]))


def on_simplex(gram: Matrix, linear: Matrix) -> Matrix:
    """Minimiser of ``a' G a - 2 b' a`` on the simplex."""
    size = len(linear)
    support = [int(np.argmin(np.diag(gram) - 2 * linear))]
    weights = np.zeros(size)
    weights[support] = 1.0
    scale = max(float(np.abs(gram).max()), float(np.abs(linear).max()))
    for _ in range(20 * size):
        weights, support = _on_support(gram, linear, weights, support)
        gradient = gram @ weights - linear
        outside = gradient - gradient @ weights  # below zero: moving weight there gains
        best = int(np.argmin(outside))
        if outside[best] >= -_EPS * scale or best in support:
            break
        support = sorted([*support, best])
    return weights


def _on_support(
    gram: Matrix, linear: Matrix, weights: Matrix, support: list[int]
) -> tuple[Matrix, list[int]]:
    """Minimise over the weights of a support; those that would become negative leave it."""
    while True:
        goal = np.zeros_like(weights)
        goal[support] = _with_sum_one(gram[np.ix_(support, support)], linear[support])
        if goal.min() >= 0:
            return goal, support
        falling = goal < 0
        share = weights[falling] / (weights[falling] - goal[falling])
        weights = weights + share.min() * (goal - weights)
        leaving = int(np.flatnonzero(falling)[np.argmin(share)])
        weights[leaving] = 0.0
        support = [index for index in support if index != leaving]


def _with_sum_one(gram: Matrix, linear: Matrix) -> Matrix:
    """Stationary point of the form where the weights sum to one, of least norm if several.

    Where the form falls without end, a point so far along it that a weight is negative.
    """
    middle = np.full(len(linear), 1 / len(linear))
    centred = gram - gram.mean(0)
    values, vectors = np.linalg.eigh(centred - centred.mean(1, keepdims=True))
    rise = linear - gram @ middle
    slope = vectors.T @ (rise - rise.mean())
    curved = values > _FLAT * np.abs(gram).max()
    point = middle + vectors[:, curved] @ (slope[curved] / values[curved])
    drift = vectors[:, ~curved] @ slope[~curved]
    if drift.min() < -_DRIFT * max(np.abs(gram).max(), np.abs(linear).max()):
        point += drift * ((1 + point.max()) / -drift.min())
    shares: Matrix = point + (1 - point.sum()) / len(point)
    return shares
