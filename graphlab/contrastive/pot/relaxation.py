"""Straight lines below and above an activation on an interval."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import (
    check_finite,
    check_real,
    check_real_dtype,
    check_tensor,
    values_visible,
)
from graphlab.contrastive.pot.steps import Activation

__all__ = ["Lines", "relax", "tight_lines"]


@dataclass(frozen=True)
class Lines:
    """Bounds ``slope_low z + offset_low <= f(z) <= slope_high z + offset_high`` on an interval.

    Attributes:
        slope_low (Tensor): ``(N, d)``, as all of them.
        offset_low (Tensor): Of the line below.
        slope_high (Tensor): Of the line above.
        offset_high (Tensor): Of the line above.
    """

    slope_low: Tensor
    offset_low: Tensor
    slope_high: Tensor
    offset_high: Tensor

    def below(self, coefficient: Tensor) -> tuple[Tensor, Tensor]:
        """Lower bound ``<slopes, z> + constant`` of ``<coefficient, f(z)>``.

        Args:
            coefficient (Tensor): ``(N, d)``.

        Returns:
            tuple: slopes ``(N, d)`` and constants ``(N,)``.
        """
        # A negative coefficient turns an upper line into a lower bound.
        first = coefficient >= 0
        slope = coefficient * torch.where(first, self.slope_low, self.slope_high)
        offset = coefficient * torch.where(first, self.offset_low, self.offset_high)
        return slope, offset.sum(1)

    def at(self, rows: Tensor) -> Lines:
        """Lines of some rows, possibly repeated."""
        return Lines(
            self.slope_low[rows],
            self.offset_low[rows],
            self.slope_high[rows],
            self.offset_high[rows],
        )


def relax(
    low: Tensor, high: Tensor, negative_slope: float = 0.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""Relax the leaky rectifier as the authors' code does: two lines of the same slope.

    For :math:`l < 0 < u` the slope is :math:`(u - \alpha l) / (u - l)`; the lower line passes
    through the origin, the upper one is :math:`\text{slope} (z + \beta)` with
    :math:`\beta = (\alpha - 1) u l / (u - \alpha l)`.

    Args:
        low (Tensor): l.
        high (Tensor): u, not below l.
        negative_slope (float): :math:`\alpha` in [0, 1].

    Returns:
        tuple: lower slope, upper slope, lower and upper :math:`\beta`.
    """
    for name, end in (("low", low), ("high", high)):
        check_real_dtype(check_tensor(end, name), name)
        if values_visible(end):
            check_finite(end, name)
    negative_slope = check_real(negative_slope, "negative_slope")
    mixed = (low < 0) & (high > 0)
    # Where nothing is to be divided one stands in: a masked NaN would still spoil the gradient.
    width = torch.where(mixed, high - low, torch.ones_like(low))
    rise = high - negative_slope * low
    stable = torch.where(
        high <= 0, torch.full_like(low, float(negative_slope)), torch.ones_like(low)
    )
    slope = torch.where(mixed, rise / width, stable)
    rise = torch.where(mixed, rise, torch.ones_like(low))
    beta = torch.where(mixed, (negative_slope - 1) * high * low / rise, torch.zeros_like(low))
    return slope, slope, torch.zeros_like(beta), beta


def tight_lines(
    activation: Activation, low: Tensor, high: Tensor, *, parallel: bool = False
) -> Lines:
    """Lines that touch the function; sound for every step of :class:`Activation`.

    The lower line of a rectifier follows the larger side, or, if ``parallel``, is parallel to the
    upper one, which is better where intervals are wide.
    """
    if activation.name == "leaky_relu":
        return _rectifier(low, high, activation.slope, parallel)
    if activation.name == "elu":
        return _convex(activation, low, high)
    return _sigmoid_shaped(activation, low, high)


def _rectifier(low: Tensor, high: Tensor, slope: float | Tensor, parallel: bool) -> Lines:
    if not isinstance(slope, Tensor):
        slope = low.new_full((), slope)
    alpha = slope.to(low).expand_as(low)
    one = torch.ones_like(low)
    mixed = (low < 0) & (high > 0)
    width = torch.where(mixed, high - low, one)
    stable = torch.where(low >= 0, one, alpha)
    up = torch.where(mixed, (high - alpha * low) / width, stable)
    offset = torch.where(mixed, (alpha - 1) * high * low / width, torch.zeros_like(low))
    if parallel:
        return Lines(up, torch.zeros_like(low), up, offset)
    # The line of the larger side has the smaller area between it and the function.
    down = torch.where(mixed, torch.where(high > -low, one, alpha), stable)
    return Lines(down, torch.zeros_like(low), up, offset)


def _chord(activation: Activation, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and offset of the line through both ends."""
    at_low, at_high = activation.forward(low), activation.forward(high)
    wide = high - low > 1e-6 * (1 + low.abs())
    width = torch.where(wide, high - low, torch.ones_like(low))
    rise = torch.where(wide, at_high - at_low, torch.zeros_like(low))
    slope = torch.where(wide, rise / width, activation.derivative(low))
    # A narrow interval gets a slope that may be off by its width: both ends are respected.
    offset = torch.maximum(at_low - slope * low, at_high - slope * high)
    return slope, offset


def _tangent(activation: Activation, point: Tensor) -> tuple[Tensor, Tensor]:
    slope = activation.derivative(point)
    return slope, activation.forward(point) - slope * point


def _convex(activation: Activation, low: Tensor, high: Tensor) -> Lines:
    """Chord above, tangent in the middle below."""
    return Lines(*_tangent(activation, (low + high) / 2), *_chord(activation, low, high))


def _sigmoid_shaped(activation: Activation, low: Tensor, high: Tensor) -> Lines:
    """Through either end with the smaller of both derivatives; tangents where the sign is known."""
    # Between both ends the curve is nowhere flatter than at the flatter end.
    slope = torch.minimum(activation.derivative(low), activation.derivative(high))
    below = activation.forward(low) - slope * low
    above = activation.forward(high) - slope * high
    tangent, offset = _tangent(activation, (low + high) / 2)
    convex, concave = high <= 0, low >= 0
    return Lines(
        torch.where(convex, tangent, slope),
        torch.where(convex, offset, below),
        torch.where(concave, tangent, slope),
        torch.where(concave, offset, above),
    )
