"""Logistic regressions of many labels on the same rows, fitted together."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from graphlab._progress import track

__all__ = ["fit_logistic"]

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]

#: A regression has converged where its gradient is shorter than this, times the gradient at
#: weights of zero, times the share of the rarer answer: a tenth of liblinear's default.
_TOLERANCE = 1e-5
_TINY = float(np.finfo(np.float64).tiny)
_MAX_STEPS, _MAX_INNER, _MAX_HALVINGS = 100, 200, 30
_BLOCK = 1 << 22  # entries of an array of rows by labels


def fit_logistic(x: _Floats, y: _Flags, c: float) -> _Floats:
    r"""Weights of one L2-regularised logistic regression per label; the intercept is the last row.

    Minimises :math:`\frac12 \lVert w_k \rVert^2 + C \sum_i \log(1 + e^{-s_{ik} w_k^\top x_i})` for
    every label k, where :math:`s_{ik}` is 1 or -1 and x has a column of ones: what liblinear
    minimises. Newton's method, with the steps of all labels by conjugate gradients at once, so that
    the work is products of matrices.

    Args:
        x (ndarray): Rows ``(n, d)``.
        y (ndarray): Labels ``(n, K)``; none is true for all rows or for none.
        c (float): Inverse regularisation strength.

    Returns:
        ndarray: ``(d + 1, K)``.

    Complexity: O(I n d K) time for I conjugate-gradient steps; O(n d) memory beside blocks of
    labels.
    """
    x = np.column_stack([x, np.ones(len(x))])
    width = max(1, _BLOCK // len(x))
    blocks = range(0, y.shape[1], width)
    found = [
        _Problem(x, y[:, k : k + width], c).solve()
        for k in track(blocks, "multilabel probe", unit="blocks of labels")
    ]
    return np.concatenate(found, axis=1)


class _Problem:
    """Some labels on the same rows."""

    def __init__(self, x: _Floats, y: _Flags, c: float) -> None:
        self.x, self.c, self.squares = x, c, x**2
        self.y = y.astype(np.float64)
        self.sign = 2 * self.y - 1
        share = np.minimum(y.sum(0), len(y) - y.sum(0)) / len(y)
        self.goal = _TOLERANCE * share

    def solve(self) -> _Floats:
        """Newton's method for all labels; those that have arrived are left out."""
        weights = np.zeros((self.x.shape[1], self.y.shape[1]))
        scores = np.zeros_like(self.y)
        first = np.linalg.norm(self._gradient(weights, scores, np.arange(self.y.shape[1])), axis=0)
        goal = self.goal * first
        active = np.flatnonzero(first > 0)
        for _ in range(_MAX_STEPS):
            gradient = self._gradient(weights, scores, active)
            open_ = np.linalg.norm(gradient, axis=0) > goal[active]
            active, gradient = active[open_], gradient[:, open_]
            if not active.size:
                return weights
            step = self._newton_step(gradient, scores[:, active], goal[active])
            moved = self._move(weights, scores, step, gradient, active)
            # Where no step lowers the loss, the weights are as good as float64 can tell.
            active = active[moved]
        if active.size:
            warnings.warn(
                f"{active.size} of {self.y.shape[1]} logistic regressions of a multilabel probe "
                f"are still moving after {_MAX_STEPS} Newton steps with C = {self.c:g}: scale the "
                "embeddings, or take a smaller C",
                UserWarning,
                stacklevel=2,
            )
        return weights

    def _gradient(self, weights: _Floats, scores: _Floats, labels: npt.NDArray[np.intp]) -> _Floats:
        error = _sigmoid(scores[:, labels]) - self.y[:, labels]
        out: _Floats = weights[:, labels] + self.c * (self.x.T @ error)
        return out

    def _newton_step(self, gradient: _Floats, scores: _Floats, goal: _Floats) -> _Floats:
        """Solve for the steps of all labels by preconditioned conjugate gradients."""
        chance = _sigmoid(scores)
        curvature = self.c * chance * (1 - chance)
        scale = 1 + self.squares.T @ curvature
        size = np.linalg.norm(gradient, axis=0)
        # Far from the optimum a rough solution gives the direction, which is enough there; near it
        # the step is solved as exactly as the goal of the last step needs.
        enough = np.maximum(0.1 * goal, np.minimum(0.1, np.sqrt(size / size.max())) * size)
        step = np.zeros_like(gradient)
        rest = -gradient
        towards = rest / scale
        product = (rest * towards).sum(0)
        for _ in range(_MAX_INNER):
            going = np.linalg.norm(rest, axis=0) > enough
            if not going.any():
                break
            curved = towards + self.x.T @ (curvature * (self.x @ towards))
            length = np.where(going, product / np.maximum((towards * curved).sum(0), _TINY), 0.0)
            step += length * towards
            rest -= length * curved
            scaled = rest / scale
            following = (rest * scaled).sum(0)
            towards = scaled + following / np.maximum(product, _TINY) * towards
            product = following
        return step

    def _move(
        self,
        weights: _Floats,
        scores: _Floats,
        step: _Floats,
        gradient: _Floats,
        labels: npt.NDArray[np.intp],
    ) -> _Flags:
        """Go along the steps, half as far where the loss would not fall; returns who has moved."""
        slope = (gradient * step).sum(0)
        ahead = self.x @ step
        here, at = weights[:, labels], scores[:, labels]
        before = self._loss(here, at, labels)
        length = np.ones(labels.size)
        moved = np.zeros(labels.size, dtype=bool)
        for _ in range(_MAX_HALVINGS):
            after = self._loss(here + length * step, at + length * ahead, labels)
            moved = after <= before + 1e-4 * length * slope
            if moved.all():
                break
            length = np.where(moved, length, length / 2)
        length = np.where(moved & (slope < 0), length, 0.0)
        weights[:, labels] = here + length * step
        scores[:, labels] = at + length * ahead
        found: _Flags = length > 0
        return found

    def _loss(self, weights: _Floats, scores: _Floats, labels: npt.NDArray[np.intp]) -> _Floats:
        losses = np.logaddexp(0.0, -self.sign[:, labels] * scores).sum(0)
        out: _Floats = 0.5 * (weights**2).sum(0) + self.c * losses
        return out


def _sigmoid(scores: _Floats) -> _Floats:
    from scipy.special import expit

    out: _Floats = expit(scores)
    return out
