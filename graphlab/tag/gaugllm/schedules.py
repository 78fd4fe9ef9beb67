"""Learning rate and momentum over the steps of a training."""

from __future__ import annotations

import math

from graphlab._checks import check_fraction, check_int, check_nonnegative

__all__ = ["cosine_decay", "target_momentum"]


def cosine_decay(step: int, peak: float, warmup: int, total: int) -> float:
    """Linear rise to ``peak`` over ``warmup`` steps, then half a cosine to zero at ``total``.

    Args:
        step: From 0 to ``total``, both included; the value at 0 is 0 if there is a rise.
        peak: Largest value, not negative.
        warmup: Steps of the rise, at most ``total``.
        total: Steps in all, at least 1.

    Returns:
        float: The value.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> [cosine_decay(step, 1.0, 2, 4) for step in range(5)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    check_int(total, "total", minimum=1)
    check_int(warmup, "warmup", minimum=0, maximum=total)
    check_int(step, "step", minimum=0, maximum=total)
    peak = check_nonnegative(peak, "peak")
    if step < warmup:
        return peak * step / warmup
    done = (step - warmup) / max(1, total - warmup)
    return peak * (1 + math.cos(math.pi * done)) / 2


def target_momentum(step: int, base: float, total: int) -> float:
    """Momentum of a target network, from ``base`` to 1 along half a cosine.

    Args:
        step: From 0 to ``total``.
        base: Momentum at step 0, in [0, 1].
        total: Steps in all.

    Returns:
        float: The momentum.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    return 1 - cosine_decay(step, 1 - check_fraction(base, "base"), 0, total)
