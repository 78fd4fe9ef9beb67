"""Barlow Twins: distance of the cross-correlation of two views from the identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._checks import check_nonnegative, check_pair
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

    Shapes:
        - z1, z2: ``(N, D)`` floating point, N at least 2; half precision is computed in float32.
        - output: scalar.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N D^2) time, O(N D + D^2) memory: linear in the number of nodes.

    Reference: Zbontar et al., "Barlow Twins", ICML 2021, arXiv:2103.03230.
    """

    def __init__(self, weight: float | None = None, eps: float = 1e-15) -> None:
        super().__init__()
        self.weight = None if weight is None else check_nonnegative(weight, "weight")
        self.eps = check_nonnegative(eps, "eps")

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
        square = (correlation - torch.eye(z1.size(1)).to(correlation)).square()
        diagonal = square.diagonal().sum()
        return diagonal + weight * (square.sum() - diagonal)

    def _standard(self, z: Tensor) -> Tensor:
        # eps keeps constant columns at zero instead of NaN.
        return (z - z.mean(0)) / (z.std(0) + self.eps)
