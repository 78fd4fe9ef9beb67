"""What happens at which step: the order of pairs, and the learning rate."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def split_pairs(center: Tensor, fraction: float, seed: int) -> tuple[Tensor, Tensor]:
    """Pairs for training and for validation, both ascending; no root is on both sides.

    Args:
        center: Root of every pair, ``(P,)``.
        fraction: Share of the roots, with all their pairs, for validation.
        seed: Of the draw.
    """
    _, first, number = np.unique(center.numpy(), return_index=True, return_inverse=True)
    order = np.random.default_rng([seed, 1]).permutation(first.size)
    # Roots are drawn by their first appearance, so that names of nodes do not matter.
    chosen = np.sort(first)[order[: round(fraction * first.size)]]
    held = np.isin(first[number], chosen)
    return torch.from_numpy((~held).nonzero()[0]), torch.from_numpy(held.nonzero()[0])


def epoch_batches(train: Tensor, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """Batches of one epoch in an order that depends on (seed, epoch) alone; the rest is dropped."""
    order = torch.from_numpy(np.random.default_rng([seed, 2, epoch]).permutation(train.numel()))
    count = train.numel() // batch_size
    return list(train[order[: count * batch_size]].split(batch_size))


def learning_rate(step: int, total: int, warmup: int, peak: float) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * done))
