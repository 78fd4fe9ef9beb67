"""The random split of TAPE's data sets without a split of their own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int

__all__ = ["tape_split"]


def tape_split(num_nodes: int, seed: int) -> dict[str, Tensor]:
    """Draw 60 % of the nodes for training, 20 % for validation and 20 % for testing.

    Equal to the authors' splits of Cora, PubMed and arxiv_2023: their features are fine-tuned on
    the training nodes of the split with the same seed, so another split would test on nodes whose
    labels the features have seen. numpy's global generator is not touched.

    Args:
        num_nodes: N, at least 5.
        seed: Seed in ``[0, 2**32)``.

    Returns:
        dict[str, Tensor]: ``train``, ``val`` and ``test``: sorted int64 node indices.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        >>> {part: nodes.numel() for part, nodes in tape_split(10, seed=0).items()}
        {'train': 6, 'val': 2, 'test': 2}
    """
    count = check_int(num_nodes, "num_nodes", minimum=5)
    check_int(seed, "seed", minimum=0, maximum=2**32 - 1)
    order = np.arange(count)
    np.random.RandomState(seed).shuffle(order)
    parts = np.split(order, [int(count * 0.6), int(count * 0.8)])
    names = ("train", "val", "test")
    return {name: torch.from_numpy(np.sort(p)) for name, p in zip(names, parts, strict=True)}
