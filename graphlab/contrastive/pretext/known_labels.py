"""The labels that a task may read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_same_device, check_tensor
from graphlab.contrastive.pretext.propagated import check_labels

__all__ = ["known_labels"]


def known_labels(data: Any, train_mask: Tensor | None) -> Tensor:
    """Labels ``(N,)`` of the training nodes, -1 elsewhere.

    Args:
        data (Data): A graph with ``y``.
        train_mask (Tensor, optional): bool ``(N,)``; ``data.train_mask`` by default.

    Raises:
        TypeError, ValueError: If labels or mask are missing or malformed, or all labels unknown.
    """
    if getattr(data, "y", None) is None:
        raise ValueError("data must have y: the labels of the training nodes")
    y = check_tensor(data.y, "y")
    count = int(data.num_nodes)
    if y.shape != (count,):
        hint = ": data.y = data.y.view(-1)" if y.numel() == count else ""
        raise ValueError(f"y must have shape ({count},), got {tuple(y.shape)}{hint}")
    mask = getattr(data, "train_mask", None) if train_mask is None else train_mask
    if mask is None:
        raise ValueError("train_mask must be bool (N,): give it, or set data.train_mask")
    mask = _check_mask(mask, count)
    check_same_device(y=y, train_mask=mask)
    return check_labels(torch.where(mask, y, torch.full_like(y, -1)), "y of train")


def _check_mask(mask: Any, count: int) -> Tensor:
    if not isinstance(mask, Tensor):
        raise TypeError(f"train_mask must be bool ({count},), got {type(mask).__name__}")
    shape = tuple(mask.shape)
    if mask.dtype != torch.bool:
        # One number per node is a mask of another type; fewer are the nodes themselves.
        each = shape == (count,)
        hint = "train_mask.bool()" if each else "torch_geometric.utils.index_to_mask"
        raise TypeError(
            f"train_mask must be bool ({count},), got {mask.dtype} {shape}: {hint} makes one"
        )
    if shape != (count,):
        raise ValueError(f"train_mask must have shape ({count},), got {shape}")
    return mask
