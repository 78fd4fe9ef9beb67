"""A mixture of two Beta distributions over rescaled cosines, of true and of false negatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from graphlab._checks import check_finite, check_fraction, check_int, check_real_dtype, check_tensor
from graphlab._repr import short_repr

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["BetaMixture"]

_EDGE = 1e-12  # distance kept from the ends of the interval, and the least responsibility
_START = ((1.0, 2.0), (2.0, 1.0))
_FLAT = 1.01  # a second component that would turn upwards at one is kept just above flat


@short_repr
@dataclass(frozen=True)
class BetaMixture:
    r"""Two components on [0, 1]; component 0 is meant to hold the true negatives.

    Values are cosines s, rescaled to x = (s + 1) / 2. The published fit matches moments and keeps
    the second component from rising towards one; where the components overlap much it does not
    find them (they end up alike).

    Attributes:
        alpha (Tensor): First shape parameters, ``(2,)`` float64.
        beta (Tensor): Second shape parameters, ``(2,)`` float64.
        weight (Tensor): Weights of the components, ``(2,)`` float64.
    """

    alpha: Tensor
    beta: Tensor
    weight: Tensor

    @classmethod
    def fit(cls, cosine: Tensor, *, prior: float = 0.05, iterations: int = 10) -> Self:
        """Fit by expectation and weighted moments, as ProGCL does.

        Args:
            cosine (Tensor): Cosines of any shape, finite, in [-1, 1].
            prior (float): Share of component 1 at the start, in [0, 1].
            iterations (int): Steps, at least 1.

        Returns:
            BetaMixture: On the device of ``cosine``.

        Raises:
            TypeError, ValueError: If an argument is malformed, or all cosines agree.

        Complexity: O(iterations) passes over the values in float64.
        """
        check_finite(check_tensor(cosine, "cosine"), "cosine")
        check_real_dtype(cosine, "cosine")
        prior = check_fraction(prior, "prior")
        x = ((cosine.detach().double() + 1) / 2).clamp(_EDGE, 1 - _EDGE).flatten()
        if x.numel() < 2 or float(x.max() - x.min()) == 0:
            raise ValueError("cosine must hold at least two different values to fit a mixture")
        alpha, beta = (torch.tensor(start, device="cpu").to(x) for start in _START)
        mixture = cls(alpha, beta, torch.tensor([1 - prior, prior], device="cpu").to(x))
        for _ in range(check_int(iterations, "iterations", minimum=1)):
            mixture = cls(*_moments(x, mixture._responsibilities(x)))
        return mixture

    def _log_density(self, x: Tensor) -> Tensor:
        """Log of weight times density of both components, ``(2, ...)``."""
        shape = (2,) + (1,) * x.dim()
        a, b = self.alpha.to(x), self.beta.to(x)
        constant = self.weight.to(x).log() + (a + b).lgamma() - a.lgamma() - b.lgamma()
        log, log_rest = x.log(), torch.log1p(-x)
        return constant.view(shape) + (a - 1).view(shape) * log + (b - 1).view(shape) * log_rest

    def _responsibilities(self, x: Tensor) -> Tensor:
        # Far from both components the densities underflow: they share such a value evenly.
        density = self._log_density(x).exp().clamp(min=_EDGE)
        return density / density.sum(0)

    def log_hardness(self, cosine: Tensor) -> Tensor:
        """Log of (posterior of component 0) times (s + 1) / 2, in the dtype of the cosines.

        A high value marks a negative that is similar and yet likely a true one.

        Args:
            cosine (Tensor): Cosines of any shape.

        Returns:
            Tensor: As ``cosine``, without a gradient.
        """
        check_real_dtype(check_tensor(cosine, "cosine"), "cosine")
        with torch.no_grad():
            edge = max(_EDGE, torch.finfo(cosine.dtype).eps)
            x = ((cosine + 1) / 2).clamp(edge, 1 - edge)
            a, b = self.alpha, self.beta
            constant = self.weight.log() + (a + b).lgamma() - a.lgamma() - b.lgamma()
            log_x = x.log()
            # The logarithm of the ratio of both densities; in place, because it fills tiles.
            logit = torch.log1p(-x).mul_(float(b[0] - b[1]))
            logit.add_(log_x, alpha=float(a[0] - a[1])).add_(float(constant[0] - constant[1]))
            return torch.nn.functional.logsigmoid(logit).add_(log_x)


def _moments(x: Tensor, responsibility: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape parameters and shares that match weighted means and variances."""
    mass = responsibility.sum(1)
    mean = (responsibility * x).sum(1) / mass
    variance = (responsibility * (x - mean[:, None]).square()).sum(1) / mass
    alpha = mean * (mean * (1 - mean) / variance - 1)
    beta = alpha * (1 - mean) / mean
    if float(beta[1]) < 1:
        beta[1] = _FLAT
    return alpha, beta, mass / mass.sum()
