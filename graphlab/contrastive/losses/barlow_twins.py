"""Barlow Twins: distance of the cross-correlation of two views from the identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._checks import check_fraction, check_nonnegative, check_pair
from graphlab._precision import full_precision, widened

__all__ = ["BarlowTwinsLoss"]


class BarlowTwinsLoss(nn.Module):
    r"""Distance of the cross-correlation of two views from the identity.

    With columns standardised over the nodes (unbiased deviation) and
    :math:`C = \tilde z_1^\top \tilde z_2 / N`,

    .. math:: \sum_a (1 - C_{aa})^2 + \lambda \sum_{a \ne b} C_{ab}^2

    Args:
        weight (float, optional): :math:`\lambda`; 1 / D if missing.
        eps (float): Added to the deviations.
        floor (float): Deviations are raised to this share of the root mean square of the column's
            values, and to this share of that of all columns' deviations. A unit that is dead or
            nearly constant then counts as uncorrelated, and its gradient is at most 1 / floor
            times that of a regular one; divided by its own deviation it would be 1e14. Columns
            above the floor are untouched; 0 turns it off.

    Shapes:
        - z1, z2: ``(N, D)`` floating point, N at least 2; half precision is computed in float32.
        - output: scalar.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N D^2) time, O(N D + D^2) memory: linear in the number of nodes.

    Reference: Zbontar et al., "Barlow Twins", ICML 2021, arXiv:2103.03230.
    """

    def __init__(
        self, weight: float | None = None, eps: float = 1e-15, *, floor: float = 1e-3
    ) -> None:
        super().__init__()
        self.weight = None if weight is None else check_nonnegative(weight, "weight")
        self.eps = check_nonnegative(eps, "eps")
        self.floor = check_fraction(floor, "floor")

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Loss of both views' embeddings.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.

        Returns:
            Tensor: A scalar.
        """
        z1, z2 = check_pair(z1, z2, min_rows=2)
        weight = 1.0 / z1.size(1) if self.weight is None else self.weight
        one, two = self._standard(widened(z1)), self._standard(widened(z2))
        with full_precision(one):
            correlation = one.t() @ two / z1.size(0)
        # All terms, then the diagonal apart: no index of the D (D - 1) others.
        identity = torch.eye(z1.size(1), dtype=correlation.dtype, device=correlation.device)
        square = (correlation - identity).square()
        diagonal = square.diagonal().sum()
        return diagonal + weight * (square.sum() - diagonal)

    def _standard(self, z: Tensor) -> Tensor:
        centred, deviation = z - z.mean(0), z.std(0)
        if self.floor > 0:
            with torch.no_grad():
                typical = deviation.square().mean().sqrt()
                least = self.floor * torch.maximum(typical, z.square().mean(0).sqrt())
                # Where everything is zero any divisor gives zero; one also gives small gradients.
                least = torch.where(least > 0, least, torch.ones_like(least))
            # Where the floor holds it is a constant: no gradient through the deviation.
            deviation = torch.where(deviation < least, least, deviation)
        # eps keeps constant columns at zero instead of NaN.
        return centred / (deviation + self.eps)
