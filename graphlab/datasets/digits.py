"""Handwritten digits as a nearest-neighbour graph; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from graphlab._graphs.typed import Data, InMemoryDataset
from graphlab.datasets._knn import knn_edge_index

__all__ = ["DigitsKNN", "digits_knn"]


def digits_knn(k: int = 3) -> Data:
    """Build the kNN graph of the 8 x 8 digit images that scikit-learn carries.

    A small real clustering problem that needs no file: 1,797 images in 10 classes. Two images are
    joined when either is among the ``k`` nearest of the other in Euclidean distance; ties go to
    the smaller index, and distances are exact, so the graph is identical on every machine.

    Args:
        k (int): Neighbours per image, in ``[1, 1796]``.

    Returns:
        Data: ``x`` (1797, 64) float32 in [0, 1]; ``edge_index`` (2, E) int64, both directions,
        sorted, no self-loops; ``y`` (1797,) int64 in [0, 10); ``num_clusters`` = 10.

    Raises:
        ValueError: If ``k`` is out of range.
        TypeError: If ``k`` is not an int.

    Reference: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998.

    Example:
        >>> digits_knn(k=3).x.shape
        torch.Size([1797, 64])
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images / 16.0).float()
    y = torch.from_numpy(labels).long()
    return Data(x=x, edge_index=knn_edge_index(x, k), y=y, num_clusters=10)


class DigitsKNN(InMemoryDataset):
    """:func:`digits_knn` as a PyG dataset that lives in memory and touches no disk.

    Args:
        k (int): Neighbours per image, in ``[1, 1796]``.
        transform (callable, optional): Applied to the ``Data`` at every access.

    Example:
        >>> DigitsKNN(k=3).num_clusters
        10
    """

    def __init__(self, k: int = 3, transform: Callable[[Data], Any] | None = None) -> None:
        super().__init__(None, transform)
        self.data, self.slices = self.collate([digits_knn(k)])

    @property
    def num_clusters(self) -> int:
        """Number of classes, 10."""
        return 10
