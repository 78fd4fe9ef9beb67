"""Mechanics of every training: rates over the steps, the best weights so far, a loss gone wrong.

Everything here trusts its arguments: what is public checks them once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

__all__: list[str] = []

#: Called with the row of every epoch or step; may raise to interrupt.
Callback = Callable[[dict[str, Any]], None]


# --- rates ----------------------------------------------------------------------------------------


def linear_warmup(step: int, peak: float, warmup: int, *, first: int = 0) -> float:
    """Linear rise to ``peak`` over ``warmup`` steps, constant from there on.

    Args:
        step (int): From 0.
        peak (float): Largest value.
        warmup (int): Steps of the rise.
        first (int): Numerator of the rise at step 0: 0 starts at zero, as curves are drawn; 1
            starts at ``peak / warmup``, so that the first step of an optimizer is not wasted.

    Returns:
        float: The value.
    """
    return peak * (step + first) / warmup if step < warmup else peak


def warmup_cosine(step: int, peak: float, warmup: int, total: int, *, first: int = 0) -> float:
    """Linear rise to ``peak`` over ``warmup`` steps, then half a cosine to zero at ``total``.

    The cosine begins at step ``warmup`` whatever ``first`` is, so that with ``first=1`` the steps
    ``warmup - 1`` and ``warmup`` both have the peak. The two counts are two published recipes, and
    neither is the other one step later.

    Args:
        step (int): From 0 to ``total``.
        peak (float): Largest value.
        warmup (int): Steps of the rise, at most ``total``.
        total (int): Steps in all.
        first (int): See :func:`linear_warmup`.

    Returns:
        float: The value.
    """
    if step < warmup:
        return linear_warmup(step, peak, warmup, first=first)
    done = (step - warmup) / max(1, total - warmup)
    return peak * (1 + math.cos(math.pi * done)) / 2


def warmup_linear(step: int, peak: float, warmup: int, total: int, *, first: int = 0) -> float:
    """Linear rise to ``peak`` over ``warmup`` steps, then linear fall to zero at ``total``.

    Arguments and result are those of :func:`warmup_cosine`.
    """
    if step < warmup:
        return linear_warmup(step, peak, warmup, first=first)
    return peak * (total - step) / max(1, total - warmup)


def target_momentum(step: int, base: float, total: int) -> float:
    """Momentum of a target network, from ``base`` to 1 along half a cosine (BGRL, BYOL).

    Args:
        step (int): From 0 to ``total``.
        base (float): Momentum at step 0.
        total (int): Steps in all.

    Returns:
        float: The momentum.
    """
    return 1 - warmup_cosine(step, 1 - base, 0, total)


# --- the best epoch -------------------------------------------------------------------------------


class BestWeights:
    """Copy of the weights with the best score so far.

    Args:
        latest (bool): Which of equal scores is kept: the latest, or by default the earliest.

    Attributes:
        score (object): Best score, anything that can be compared; None before the first.
        epoch (int): Its epoch; -1 before the first.
        weights (dict[str, Tensor]): Copies of its weights; empty before the first.
    """

    def __init__(self, *, latest: bool = False) -> None:
        self.latest = latest
        self.score: Any = None
        self.epoch = -1
        self.weights: dict[str, Tensor] = {}

    def update(
        self,
        score: Any,
        epoch: int,
        weights: Mapping[str, Tensor],
        device: str | torch.device | None = None,
    ) -> bool:
        """Copy the weights if the score is the best, larger being better.

        Args:
            score (object): Score of the epoch.
            epoch (int): Its number.
            weights (Mapping[str, Tensor]): Weights that reached it, such as a ``state_dict()``.
            device (str or torch.device, optional): Where the copies live; where the weights are
                when missing.

        Returns:
            bool: Whether this epoch is the one to keep.
        """
        best = self.score is None or score > self.score or (self.latest and score == self.score)
        if best:
            self.score, self.epoch = score, epoch
            # Optimizers write into the weights in place: without a copy the best would move along.
            self.weights = {
                name: value.detach().to(device or value.device, copy=True)
                for name, value in weights.items()
            }
        return best

    def resume(self, score: Any, epoch: int, weights: Mapping[str, Tensor]) -> None:
        """Go on from what a checkpoint holds."""
        self.score, self.epoch, self.weights = score, epoch, dict(weights)

    def waited(self, epoch: int) -> int:
        """Epochs since the best one, after epoch ``epoch``."""
        return epoch - self.epoch


# --- losses ---------------------------------------------------------------------------------------


class NonFiniteLossError(FloatingPointError, RuntimeError):
    """A loss that is NaN or infinite.

    A RuntimeError too, because earlier versions raised that in some trainings.
    """


def finite_loss(
    loss: Tensor | float, when: str, advice: str = "lower lr", *, of: str = ""
) -> float:
    """Number of a loss, required to be finite.

    Reading it waits for the device, so once a step is enough: before its gradients are used.

    Args:
        loss (Tensor or float): A scalar.
        when (str): Where in the training, such as ``"epoch 3"``.
        advice (str): What to try.
        of (str): Whose loss, such as ``"member 'TA'"``.

    Returns:
        float: The loss.

    Raises:
        NonFiniteLossError: If it is NaN or infinite.
    """
    value = float(loss.detach() if isinstance(loss, Tensor) else loss)
    if not math.isfinite(value):
        owner = f" of {of}" if of else ""
        raise NonFiniteLossError(f"the loss{owner} is {value} in {when}: {advice}")
    return value
