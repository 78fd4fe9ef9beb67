"""Loss of BGRL: predictions of one view against targets of the other."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from graphlab._checks import check_matrix
from graphlab._precision import widened
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced

__all__ = ["bgrl_loss"]


def bgrl_loss(
    q1: Tensor, y2: Tensor, q2: Tensor, y1: Tensor, *, reduction: Reduction = "mean"
) -> Tensor:
    r"""Two minus the mean cosines of predictions and targets.

    .. math:: 2 - \tfrac1N \sum_i \cos(q^1_i, y^2_i) - \tfrac1N \sum_i \cos(q^2_i, y^1_i)

    Args:
        q1 (Tensor): Predictions from view 1, ``(N, D)``; half precision is computed in float32.
        y2 (Tensor): Targets from view 2, ``(N, D)``; no gradient flows into them.
        q2 (Tensor): Predictions from view 2.
        y1 (Tensor): Targets from view 1.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the nodes.

    Returns:
        Tensor: Scalar in [0, 4] with ``"mean"``; ``(N,)`` with ``reduction="none"``.

    Raises:
        TypeError, ValueError: If an argument is malformed.
    """
    check_reduction(reduction)
    shape = check_matrix(q1, "q1").shape
    for name, value in (("y2", y2), ("q2", q2), ("y1", y1)):
        check_matrix(value, name, rows=shape[0], cols=shape[1])
    # No gradient into the targets: else both networks may meet in a constant.
    first = F.cosine_similarity(widened(q1), widened(y2.detach()), dim=1)
    second = F.cosine_similarity(widened(q2), widened(y1.detach()), dim=1)
    if reduction == "mean":
        return 2 - first.mean() - second.mean()
    return reduced(2 - first - second, reduction)
