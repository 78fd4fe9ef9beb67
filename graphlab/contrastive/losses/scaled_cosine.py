"""Loss of GraphMAE: cosine distances raised to a power."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from graphlab._checks import check_pair, check_positive
from graphlab._precision import widened
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced

__all__ = ["scaled_cosine_error"]


def scaled_cosine_error(
    prediction: Tensor, target: Tensor, alpha: float = 3.0, *, reduction: Reduction = "mean"
) -> Tensor:
    r"""Mean of the cosine distances, raised to a power that plays down rows that nearly agree.

    .. math:: \tfrac1N \sum_i (1 - \cos(p_i, t_i))^\alpha

    Args:
        prediction (Tensor): ``(N, F)``, N at least 1; half precision is computed in float32.
        target (Tensor): ``(N, F)``. A zero row has cosine 0 with everything.
        alpha (float): Positive.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the rows.

    Returns:
        Tensor: Scalar in [0, 2^alpha] with ``"mean"``; ``(N,)`` with ``reduction="none"``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> import torch
        >>> float(scaled_cosine_error(torch.eye(2), -torch.eye(2), alpha=2.0))
        4.0
    """
    check_reduction(reduction)
    check_pair(prediction, target, ("prediction", "target"), min_rows=1)
    error = 1 - F.cosine_similarity(widened(prediction), widened(target), dim=1)
    # Rounding may leave -1e-8, whose fractional power is NaN.
    return reduced(error.clamp(min=0).pow(check_positive(alpha, "alpha")), reduction)
