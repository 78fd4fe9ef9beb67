"""Soft cluster assignment of DEC: Student-t similarities and their sharpened target."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_finite, check_matrix, check_positive, values_visible
from graphlab.ops.distance import squared_distances

__all__ = ["student_t_assignment", "target_distribution"]


def student_t_assignment(z: Tensor, centers: Tensor, v: float = 1.0) -> Tensor:
    r"""Soft assignment of rows to centres by a Student-t kernel.

    .. math:: q_{ik} \propto \bigl(1 + \lVert z_i - \mu_k \rVert^2 / v\bigr)^{-(v + 1) / 2}

    Args:
        z (Tensor): Embeddings, floating point ``(N, D)``.
        centers (Tensor): Cluster centres, floating point ``(K, D)``.
        v (float): Degrees of freedom, positive.

    Returns:
        Tensor: ``(N, K)``, rows sum to one. Differentiable in both arguments.

    Raises:
        TypeError, ValueError: If an argument is malformed or not finite.

    Complexity: O(N K D) time, O(N K) memory.
    Reference: Xie et al., "Unsupervised Deep Embedding for Clustering Analysis", ICML 2016.
    """
    z = check_matrix(z, "z")
    centers = check_matrix(centers, "centers", cols=z.size(1))
    v = check_positive(v, "v")
    distance = squared_distances(z, centers)
    # In logarithms a far row keeps a proper distribution where powers would underflow to 0 / 0.
    return torch.softmax(-(v + 1) / 2 * torch.log1p(distance / v), dim=1)


def target_distribution(q: Tensor) -> Tensor:
    r"""An assignment, sharpened and with more even cluster sizes.

    .. math:: p_{ik} \propto q_{ik}^2 / \textstyle\sum_i q_{ik}

    Args:
        q (Tensor): Soft assignment, non-negative ``(N, K)``. Columns of zeros stay zero.

    Returns:
        Tensor: ``(N, K)``, rows sum to one, detached from the graph of ``q``.

    Raises:
        TypeError, ValueError: If ``q`` is malformed, or has a negative value or a zero row.
    """
    q = check_matrix(q, "q", finite=False).detach()
    mass = q.sum(0)
    weight = q.square() / torch.where(mass > 0, mass, torch.ones_like(mass))
    total = weight.sum(1, keepdim=True)
    # One look at all demands: a value that is not finite makes a total that is none either.
    if values_visible(q) and not bool(((q >= 0).all() & (total > 0) & (total < torch.inf)).all()):
        _refuse_assignment(q, total)
    return weight / total


def _refuse_assignment(q: Tensor, total: Tensor) -> None:
    check_finite(q, "q")
    if bool((q < 0).any()):
        raise ValueError(f"q must be non-negative, got a minimum of {float(q.min())}")
    if bool((total == 0).any()):
        row = int((total.squeeze(1) == 0).nonzero()[0])
        raise ValueError(f"q must have a positive entry in every row, row {row} has none")
    raise ValueError(f"q must have squares that do not overflow, got a maximum of {float(q.max())}")
