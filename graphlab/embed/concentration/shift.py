"""The difference of two concentrations, node by node and as distributions."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from graphlab._checks import check_tensor
from graphlab._repr import short_repr

__all__ = ["ConcentrationShift", "concentration_shift"]


@short_repr
class ConcentrationShift(NamedTuple):
    """Outcome of :func:`concentration_shift`.

    Attributes:
        difference (Tensor): First minus second, ``(N,)`` float64; NaN for nodes left out.
        mean (float): Mean difference over the nodes compared.
        wasserstein (float): First Wasserstein distance between the two distributions.
        num_nodes (int): Nodes compared.
    """

    difference: Tensor
    mean: float
    wasserstein: float
    num_nodes: int


def concentration_shift(
    tc_train: Tensor, tc_test: Tensor, mask: Tensor | None = None
) -> ConcentrationShift:
    """Change of concentration between training and test edges.

    Zeros of nodes on which a concentration is not defined decide the sign of the mean: with
    respect to training edges it is undefined for degree 1, so that a random split seems to shift
    upwards. Pass ``fill=nan`` to :func:`graphlab.embed.topological_concentration` (NaN is left
    out), or a mask.

    Args:
        tc_train (Tensor): ``(N,)`` floating point.
        tc_test (Tensor): ``(N,)`` floating point.
        mask (Tensor, optional): ``(N,)`` bool, nodes to compare, for instance those with at least
            two training edges and one test edge.

    Returns:
        ConcentrationShift: Differences and summary; NaN summary if no node is left.

    Raises:
        TypeError, ValueError: If an argument is malformed or the lengths differ.

    Example:
        >>> concentration_shift(torch.tensor([0.5, 0.25]), torch.tensor([0.25, 0.25])).mean
        0.125
    """
    from scipy.stats import wasserstein_distance

    for name, value in (("tc_train", tc_train), ("tc_test", tc_test)):
        if not check_tensor(value, name).is_floating_point() or value.dim() != 1:
            raise ValueError(f"{name} must be 1-D floating point, got {tuple(value.shape)}")
    if tc_train.shape != tc_test.shape:
        raise ValueError(
            f"tc_train and tc_test must have one length, got {tc_train.numel()} and "
            f"{tc_test.numel()}"
        )
    before, after = tc_train.detach().double(), tc_test.detach().double()
    keep = before.isfinite() & after.isfinite()
    if mask is not None:
        if check_tensor(mask, "mask").dtype != torch.bool or mask.shape != keep.shape:
            raise ValueError(f"mask must be bool of shape {tuple(keep.shape)}, got {mask.dtype}")
        keep = keep & mask
    difference = torch.where(keep, before - after, torch.full_like(before, math.nan))
    number = int(keep.sum())
    if number == 0:
        return ConcentrationShift(difference, math.nan, math.nan, 0)
    distance = wasserstein_distance(before[keep].cpu().numpy(), after[keep].cpu().numpy())
    return ConcentrationShift(difference, float(difference[keep].mean()), float(distance), number)
