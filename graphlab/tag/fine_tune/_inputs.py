"""Nodes, labels and folds of a fine-tuning, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_range, check_tensor
from graphlab.tag._texts import text_digest

__all__: list[str] = []

_FOLDS = 3  # stream of random numbers, beside those of a fold


def masked_nodes(mask: Any, count: int, name: str) -> np.ndarray:
    """Nodes of a mask, in increasing order.

    Raises:
        TypeError, ValueError: If it is no mask of ``count`` nodes, or holds none.
    """
    check_tensor(mask, name)
    if mask.dtype != torch.bool or mask.shape != (count,):
        raise ValueError(
            f"{name} must be bool of shape ({count},), got {mask.dtype} {tuple(mask.shape)}"
        )
    nodes = mask.cpu().nonzero().view(-1).numpy()
    if nodes.size == 0:
        raise ValueError(f"{name} must hold at least one node, got none")
    return np.asarray(nodes)


def count_classes(
    y: Any, count: int, train: np.ndarray, val: np.ndarray, num_classes: int | None
) -> int:
    """Number of classes; only labels of the two sets are read.

    Raises:
        TypeError, ValueError, IndexError: If labels are malformed or out of range, or the sets
            overlap.
    """
    check_tensor(y, "y")
    if y.dtype != torch.int64 or y.shape != (count,):
        raise ValueError(f"y must be int64 of shape ({count},), got {y.dtype} {tuple(y.shape)}")
    shared = np.intersect1d(train, val)
    if shared.size:
        raise ValueError(
            f"train_mask and val_mask share {shared.size} nodes: {shared[:10].tolist()}"
        )
    labels = y.cpu()[torch.from_numpy(np.concatenate([train, val]))]
    classes = int(labels.max()) + 1 if num_classes is None else num_classes
    check_range(labels, max(classes, 1), "y[train_mask | val_mask]")
    return check_int(classes, "num_classes", minimum=2)


def deal_folds(y: Tensor, train: np.ndarray, count: int | None, seed: int) -> np.ndarray:
    """Fold of every node: training nodes are dealt out class by class, all others have -1.

    Raises:
        ValueError: If there are more folds than training nodes.
    """
    fold = np.full(y.numel(), -1, np.int64)
    if count is None:
        return fold
    check_int(count, "out_of_fold", minimum=2, maximum=train.size)
    order = np.random.default_rng([seed, _FOLDS]).permutation(train)
    # A stable sort keeps the random order inside a class; dealing goes on from class to class, so
    # the sizes of the folds differ by one at most.
    order = order[np.argsort(y.cpu().numpy()[order], kind="stable")]
    fold[order] = np.arange(order.size) % count
    return fold


def digest(texts: Sequence[str], y: Tensor, train: np.ndarray, val: np.ndarray) -> str:
    """Hash of all that a training reads: texts, the two sets, and their labels."""
    result = hashlib.sha256(text_digest(texts).encode())
    for nodes in (train, val):
        result.update(nodes.tobytes() + y.cpu().numpy()[nodes].tobytes())
    return result.hexdigest()[:32]
