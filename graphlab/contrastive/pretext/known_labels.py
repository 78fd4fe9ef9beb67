"""The labels that a task may read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab.contrastive.pretext.propagated import check_labels

__all__ = ["known_labels"]


def known_labels(data: Any, train_mask: Tensor | None) -> Tensor:
    """Labels ``(N,)`` of the training nodes, -1 elsewhere.

    Args:
        data (Data): A graph with ``y``.
        train_mask (Tensor, optional): bool ``(N,)``; ``data.train_mask`` by default.
    """
    if getattr(data, "y", None) is None:
        raise ValueError("data must have y: the labels of the training nodes")
    mask = getattr(data, "train_mask", None) if train_mask is None else train_mask
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise ValueError("train_mask must be bool (N,): give it, or set data.train_mask")
    if mask.shape != data.y.shape:
        raise ValueError(
            f"train_mask must have shape {tuple(data.y.shape)}, got {tuple(mask.shape)}"
        )
    return check_labels(torch.where(mask, data.y, torch.full_like(data.y, -1)), "y of train")
