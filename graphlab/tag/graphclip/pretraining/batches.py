"""Pairs of every epoch: which are held out, and the order of the others."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def split_pairs(center: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Pairs for training and for validation, both ascending; no root is on both sides.

    Args:
        center (Tensor): Root of every pair, ``(P,)``.
        fraction (float): Share of the roots, with all their pairs, for validation.
        seed (int): Of the draw.

    Returns:
        tuple[Tensor, Tensor]: Pairs for training and for validation.
    """
    _, first, number = np.unique(center.numpy(), return_index=True, return_inverse=True)
    order = np.random.default_rng([seed, 1]).permutation(first.size)
    # Roots are drawn by their first appearance, so that names of nodes do not matter.
    chosen = np.sort(first)[order[: round(fraction * first.size)]]
    # By roots, not by pairs: several draws of one root share most of their nodes.
    held = np.isin(first[number], chosen)
    return torch.from_numpy((~held).nonzero()[0]), torch.from_numpy(held.nonzero()[0])


def epoch_batches(train: Tensor, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """Batches of one epoch in an order that depends on (seed, epoch) alone; the rest is dropped."""
    order = torch.from_numpy(np.random.default_rng([seed, 2, epoch]).permutation(train.numel()))
    count = train.numel() // batch_size
    return list(train[order[: count * batch_size]].split(batch_size))
