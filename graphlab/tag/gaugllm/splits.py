"""Few labels per class: the split of GAugLLM's evaluation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_tensor

__all__ = ["labels_per_class_split"]


def labels_per_class_split(
    y: Tensor, train: int = 20, val: int = 30, *, seed: int = 0
) -> dict[str, Tensor]:
    """Draw so many nodes of every class for training, then for validation; test on the rest.

    Equal to the draw of the released code for the same seed. A class that is too small gives all
    it has; with large ``train`` the other parts may be empty.

    Args:
        y: Labels ``(N,)`` int64; nodes with a negative one are left out.
        train: Nodes per class for training.
        val: Nodes per class for validation.
        seed: Seed of the draw.

    Returns:
        dict[str, Tensor]: ``train``, ``val`` and ``test``: sorted int64 nodes.

    Raises:
        TypeError, ValueError: If an argument is malformed or there is no label.

    Complexity: O(C N).

    Example:
        >>> parts = labels_per_class_split(torch.arange(100) % 2, 5, 10)
        >>> {name: len(nodes) for name, nodes in parts.items()}
        {'train': 10, 'val': 20, 'test': 70}
    """
    labels = check_tensor(y, "y")
    if labels.dtype != torch.int64 or labels.dim() != 1:
        raise TypeError(f"y must be int64 of shape (N,), got {labels.dtype} {tuple(labels.shape)}")
    values = labels.cpu().numpy()
    if not (values >= 0).any():
        raise ValueError("y must hold at least one label, got none")
    # The legacy generator: numpy promises its streams for good, and the published draw is its.
    random = np.random.RandomState(check_int(seed, "seed", minimum=0))
    left = values.copy()
    parts: dict[str, Tensor] = {}
    for name, size in (("train", train), ("val", val)):
        count = check_int(size, name, minimum=0)
        chosen = []
        for label in range(int(values.max()) + 1):
            members = np.where(left == label)[0]
            chosen.append(random.choice(members, min(count, members.size), replace=False))
        nodes = np.sort(np.concatenate(chosen))
        left[nodes] = -1
        parts[name] = torch.from_numpy(nodes)
    parts["test"] = torch.from_numpy(np.where(left >= 0)[0])
    return parts
