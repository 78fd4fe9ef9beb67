"""Mixture of step functions that is nearest to another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, warn_caller
from graphlab._repr import short_repr
from graphlab.tag.feasibility.gromov import (
    Matrix,
    check_square,
    descend,
    first_couplings,
    lower_bound,
    squared_distance,
)
from graphlab.tag.feasibility.simplex import on_simplex

__all__ = ["MixtureFit", "fit_mixture"]

#: Coupling steps of a round: few, as the weights move with them.
_STEPS = 20
#: A step or round that gains less than this share of the value is the last one.
_GAIN = 1e-9
#: Rounds of every start before only the best go on.
_TRIAL, _FINALISTS = 3, 3


@short_repr
class MixtureFit(NamedTuple):
    """Result of :func:`fit_mixture`.

    Attributes:
        squared_distance (float): Squared Gromov-Wasserstein distance of the mixture, the best of
            the starts.
        alpha (Tensor): Weight of every base, float64 ``(k,)``, sum 1.
        coupling (Tensor): Float64 ``(r, r)``.
        starts (tuple[float, ...]): Squared distance that each start ended at.
        lower_bound (float): At most the squared distance of this mixture.
    """

    squared_distance: float
    alpha: Tensor
    coupling: Tensor
    starts: tuple[float, ...]
    lower_bound: float


def fit_mixture(bases: Sequence[Tensor], target: Tensor, *, max_rounds: int = 200) -> MixtureFit:
    r"""Convex combination of step functions that is nearest in Gromov-Wasserstein distance.

    .. math:: \min_{\alpha \in \Delta} \mathrm{GW}^2\big(\textstyle\sum_i \alpha_i B_i, W\big)

    In turn the coupling by conditional gradients and the weights exactly, until neither gains. Each
    base alone and the mean of all are starts, with the couplings of :func:`gromov_wasserstein`.

    Args:
        bases (sequence of Tensor): Step functions ``(r, r)`` floating point, finite.
        target (Tensor): W, of the same shape.
        max_rounds (int): Rounds of one start.

    Returns:
        MixtureFit: Weights, coupling, value of every start.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Warns:
        UserWarning: If bases with weight are linearly dependent: the weights are then not unique.

    Complexity: O((k + 1) r**3) time a step; O(k r**2) memory.

    Source: the feasibility of W2PGNN (Cao et al., "When to pre-train graph neural networks?", KDD
    2023), re-derived: the released optimiser stops its coupling after one sweep and does not
    converge.
    """
    if isinstance(bases, Tensor) or not isinstance(bases, Sequence) or not bases:
        got = "none" if isinstance(bases, Sequence) else type(bases).__name__
        raise TypeError(f"bases must be a sequence of step functions, got {got}")
    goal = check_square(target, "target")
    stack = np.stack([check_square(b, f"bases[{i}]", len(goal)) for i, b in enumerate(bases)])
    max_rounds = check_int(max_rounds, "max_rounds", minimum=1)
    ends = _from_all_starts(stack, goal, max_rounds)
    best = ends[0]
    _warn_if_dependent(stack[best.alpha > 1e-9])
    return MixtureFit(
        best.value,
        torch.from_numpy(best.alpha),
        torch.from_numpy(best.coupling),
        tuple(end.value for end in ends),
        lower_bound(np.tensordot(best.alpha, stack, 1), goal),
    )


class _State(NamedTuple):
    value: float
    alpha: Matrix
    coupling: Matrix


def _from_all_starts(stack: Matrix, goal: Matrix, max_rounds: int) -> list[_State]:
    """Ends of the starts, best first; those that fall behind stay where their trial ended."""
    tried: list[_State] = []
    for start in _starts(stack, goal):
        tried.append(_alternate(stack, goal, start, min(_TRIAL, max_rounds)))
        if tried[-1].value == 0:  # nothing is better
            return sorted(tried, key=lambda state: state.value)
    tried.sort(key=lambda state: state.value)
    best = [_alternate(stack, goal, state, max_rounds) for state in tried[:_FINALISTS]]
    return sorted(best + tried[_FINALISTS:], key=lambda state: state.value)


def _starts(stack: Matrix, goal: Matrix) -> list[_State]:
    """The mean of all bases and each alone, with the first couplings."""
    weights = [np.full(len(stack), 1 / len(stack))]
    if len(stack) > 1:
        weights += list(np.eye(len(stack)))
    return [
        _State(np.inf, alpha, coupling)
        for alpha in weights
        for coupling in first_couplings(np.tensordot(alpha, stack, 1), goal)
    ]


def _alternate(stack: Matrix, goal: Matrix, state: _State, max_rounds: int) -> _State:
    gram = np.tensordot(stack, stack, ([1, 2], [1, 2])) / goal.size
    for _ in range(max_rounds):
        mixture = np.tensordot(state.alpha, stack, 1)
        _, coupling = descend(mixture, goal, state.coupling, _STEPS, _GAIN)
        moved = coupling @ goal @ coupling.T
        alpha = on_simplex(gram, np.tensordot(stack, moved, ([1, 2], [0, 1])))
        value = squared_distance(np.tensordot(alpha, stack, 1), goal, coupling)
        gain = state.value - value
        state = _State(value, alpha, coupling)
        if gain <= _GAIN * value:
            break
    return state


def _warn_if_dependent(stack: Matrix) -> None:
    flat = stack.reshape(len(stack), -1)
    rank = int(np.linalg.matrix_rank(flat))
    if rank < len(flat):
        warn_caller(
            f"{len(flat)} bases with weight span {rank} dimensions: alpha is not unique, other "
            "weights give the same mixture"
        )
