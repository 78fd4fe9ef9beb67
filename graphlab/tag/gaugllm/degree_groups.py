"""Nodes in three groups by degree: tail, middle, head."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_finite, check_fraction, check_real_dtype, check_tensor

__all__ = ["DEGREE_GROUPS", "degree_groups"]

#: Names of the groups by number.
DEGREE_GROUPS = ("tail", "mid", "head")


def degree_groups(degree: Tensor, tail: float = 0.4, head: float = 0.2) -> Tensor:
    """Split nodes by two percentiles of their degrees.

    With t the ``tail`` quantile and h the ``1 - head`` quantile (linear interpolation), a degree up
    to t is tail, one from h is head, the rest is in the middle. The tail is tested first, so that
    where t = h all equal degrees are tail. GAugLLM counts degrees after the edits, with loops.

    Args:
        degree (Tensor): ``(N,)`` degrees, non-negative.
        tail (float): Share of the nodes meant for the tail, in [0, 1].
        head (float): Share meant for the head; the two sum to at most 1.

    Returns:
        LongTensor: ``(N,)``: 0 tail, 1 middle, 2 head.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N) expected time.

    Reference: Fang et al., "GAugLLM: improving graph contrastive learning for text-attributed
        graphs with large language models", KDD 2024, arXiv:2406.11945.

    Example:
        >>> degree_groups(torch.tensor([1, 1, 2, 3, 9])).tolist()
        [0, 0, 1, 1, 2]
    """
    degree = check_tensor(degree, "degree")
    if degree.dim() != 1 or degree.numel() == 0:
        raise ValueError(f"degree must have shape (N,) with N > 0, got {tuple(degree.shape)}")
    check_real_dtype(degree, "degree")
    values = degree.double()
    check_finite(values, "degree")
    if float(values.min()) < 0:
        raise ValueError(f"degree must not be negative, got {float(values.min())}")
    low = check_fraction(tail, "tail")
    if low + check_fraction(head, "head") > 1:
        raise ValueError(f"tail + head must be at most 1, got {tail} + {head}")
    high = max(low, 1 - head)  # 1 - .9 is a little below .1
    # numpy's interpolation is the published one; torch's quantile is limited to 2**24 values.
    t, h = np.percentile(values.cpu().numpy(), [100 * low, 100 * high])
    group = torch.ones(degree.numel(), dtype=torch.long, device=degree.device)
    # Heads first, tails over them: where the two thresholds meet, equal degrees are tail.
    group[values >= h] = 2
    group[values <= t] = 0
    return group
