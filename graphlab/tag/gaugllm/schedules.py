"""Learning rate and momentum over the steps of a training."""

from __future__ import annotations

from graphlab import _training
from graphlab._checks import check_fraction, check_int, check_nonnegative

__all__ = ["cosine_decay", "target_momentum"]


def cosine_decay(step: int, peak: float, warmup: int, total: int) -> float:
    """Linear rise to ``peak`` over ``warmup`` steps, then half a cosine to zero at ``total``.

    Args:
        step (int): From 0 to ``total``, both included; the value at 0 is 0 if there is a rise.
        peak (float): Largest value, not negative.
        warmup (int): Steps of the rise, at most ``total``.
        total (int): Steps in all, at least 1.

    Returns:
        float: The value.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> [cosine_decay(step, 1.0, 2, 4) for step in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    _check_step(step, total)
    check_int(warmup, "warmup", minimum=0, maximum=total)
    return _training.warmup_cosine(step, check_nonnegative(peak, "peak"), warmup, total)


def target_momentum(step: int, base: float, total: int) -> float:
    """Momentum of a target network, from ``base`` to 1 along half a cosine.

    Args:
        step (int): From 0 to ``total``, both included.
        base (float): Momentum at step 0, in [0, 1].
        total (int): Steps in all, at least 1.

    Returns:
        float: The momentum.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    _check_step(step, total)
    return _training.target_momentum(step, check_fraction(base, "base"), total)


def _check_step(step: int, total: int) -> None:
    check_int(total, "total", minimum=1)
    check_int(step, "step", minimum=0, maximum=total)
