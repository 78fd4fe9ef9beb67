"""Gromov-Wasserstein distance of step functions, by conditional gradients from several starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from graphlab._checks import check_int, check_matrix, check_nonnegative
from graphlab._repr import short_repr

__all__ = ["GromovWasserstein", "gromov_wasserstein"]

Matrix = npt.NDArray[np.float64]


@short_repr
class GromovWasserstein(NamedTuple):
    """Result of :func:`gromov_wasserstein`.

    Attributes:
        squared_distance (float): The best of the starts.
        coupling (Tensor): Float64 ``(r, r)``, rows and columns sum to 1 / r.
        starts (tuple[float, ...]): Squared distance that each start ended at. The problem is not
            convex: where they differ, the best is an upper bound.
    """

    squared_distance: float
    coupling: Tensor
    starts: tuple[float, ...]


def gromov_wasserstein(
    first: Tensor, second: Tensor, *, max_iter: int = 500, tol: float = 1e-9
) -> GromovWasserstein:
    r"""Squared Gromov-Wasserstein distance of two step functions with equal steps.

    .. math:: \min_T \sum_{ijkl} (F_{ik} - W_{jl})^2 \, T_{ij} T_{kl}, \qquad
        T \mathbf 1 = T^\top \mathbf 1 = \mathbf 1 / r

    Conditional gradients with an exact line search: every step solves an assignment problem. Starts
    are the product of the margins and the couplings of the steps by their means, in the same and in
    the opposite order.

    Args:
        first (Tensor): F, ``(r, r)`` floating point, finite; need not be symmetric.
        second (Tensor): W, of the same shape.
        max_iter (int): Steps of one start.
        tol (float): A start ends where a step gains less than this share of the value.

    Returns:
        GromovWasserstein: Squared distance, coupling, and the value of every start.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(r**3) time a step, O(r**2) memory.

    Source: Peyré, Cuturi, Solomon, "Gromov-Wasserstein averaging of kernel and distance matrices",
    ICML 2016 (the factorised loss); Vayer et al., ICML 2019 (conditional gradients).

    Example:
        >>> steps = torch.tensor([[0.9, 0.1], [0.1, 0.4]])
        >>> gromov_wasserstein(steps, steps.flip(0, 1)).squared_distance
        0.0
    """
    one = check_square(first, "first")
    two = check_square(second, "second", rows=len(one))
    max_iter = check_int(max_iter, "max_iter", minimum=1)
    tol = check_nonnegative(tol, "tol")
    ends = [descend(one, two, start, max_iter, tol) for start in first_couplings(one, two)]
    value, coupling = min(ends, key=lambda end: end[0])
    return GromovWasserstein(value, torch.from_numpy(coupling), tuple(end[0] for end in ends))


def check_square(value: Tensor, name: str, rows: int | None = None) -> Matrix:
    """A finite square matrix as float64 array."""
    steps = check_matrix(value, name, rows=rows).detach()
    if steps.size(0) != steps.size(1) or steps.size(0) == 0:
        raise ValueError(f"{name} must be square and not empty, got shape {tuple(steps.shape)}")
    return np.asarray(steps.double().cpu().numpy())


def first_couplings(one: Matrix, two: Matrix) -> list[Matrix]:
    """Couplings to start from: the product, and by mean of the steps in either order."""
    size = len(one)
    order, other = np.argsort(_means(one), kind="stable"), np.argsort(_means(two), kind="stable")
    starts = [np.full((size, size), 1 / size**2)]
    for partner in (other, other[::-1]):
        start = np.zeros((size, size))
        start[order, partner] = 1 / size
        starts.append(start)
    return starts


def lower_bound(one: Matrix, two: Matrix) -> float:
    """At most the squared distance: by the means and by the norms of the rows, whichever is more.

    For fixed i and j the mean of (F_ik - W_jl)**2 over a coupling is at least the squared
    difference of the means (Jensen) and of the root mean squares (triangle inequality) of the rows;
    the best coupling of i and j is then the sorted one.
    """

    def bound(of: Callable[[Matrix], Matrix]) -> float:
        return float(np.mean((np.sort(of(one)) - np.sort(of(two))) ** 2))

    return max(bound(_row_means), bound(_row_norms))


def squared_distance(one: Matrix, two: Matrix, coupling: Matrix) -> float:
    """Value of a coupling; not below zero, where rounding would put it."""
    constant = np.mean(one**2) + np.mean(two**2)
    value = constant - 2 * np.sum((one @ coupling @ two.T) * coupling)
    # Near zero the difference of two numbers near `constant` is all rounding.
    return float(value) if value > 1e-15 * constant else 0.0


def descend(
    one: Matrix, two: Matrix, coupling: Matrix, max_iter: int, tol: float
) -> tuple[float, Matrix]:
    """Value and coupling that conditional gradients end at."""
    size = len(one)
    value = squared_distance(one, two, coupling)
    for _ in range(max_iter):
        product = one @ coupling @ two.T
        row, column = linear_sum_assignment(-(product + one.T @ coupling @ two))
        step = -coupling
        step[row, column] += 1 / size
        turned = one @ step @ two.T
        # value(coupling + t step) = value - 2 (slope t + curve t**2)
        slope = np.sum(product * step) + np.sum(turned * coupling)
        curve = np.sum(turned * step)
        length = 1.0 if curve >= 0 else min(1.0, -slope / (2 * curve))
        gain = 2 * (slope * length + curve * length**2)
        if slope <= 0 or gain <= tol * value:
            break
        coupling = coupling + length * step
        value = squared_distance(one, two, coupling)
    return value, coupling


def _row_means(steps: Matrix) -> Matrix:
    return np.asarray(steps.mean(axis=1))


def _row_norms(steps: Matrix) -> Matrix:
    return np.asarray(np.sqrt(np.mean(steps**2, axis=1)))


def _means(steps: Matrix) -> Matrix:
    """Mean of the row and the column of every step."""
    return np.asarray(steps.mean(axis=0) + steps.mean(axis=1))
