"""Scores of a clustering against known classes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

__all__ = ["clustering_scores"]

_Counts = npt.NDArray[np.int64]


def clustering_scores(y: Any, pred: Any) -> dict[str, float]:
    """Compare predicted clusters with known classes by ACC, NMI, ARI and macro-F1.

    The names of the labels do not matter: both sides may start anywhere, skip values or be
    negative, and the numbers of classes and clusters may differ. Accuracy and F1 are taken after
    the one-to-one matching of clusters to classes that keeps the most nodes (Hungarian method on
    the rectangular table of counts). A class -1 beside classes from 0 is counted too, with a
    warning, as it usually stands for a node without a class. A node in a cluster without a class
    counts as an error; a class without a cluster has F1 = 0. Where there are as many clusters as
    classes the four numbers equal those of the evaluation script common in deep graph clustering.
    Where a class is never predicted they do not: that script overwrites the first predictions
    before it scores them, which is not done here. The inputs are never written to.

    Args:
        y (Tensor or sequence of int): True classes, ``(N,)``; a tensor, an array or a sequence of
            whole numbers.
        pred (Tensor or sequence of int): Predicted clusters, ``(N,)``; same kinds.

    Returns:
        dict[str, float]: ``acc`` in [0, 1]; ``nmi`` in [0, 1], mutual information divided by the
        arithmetic mean of the entropies; ``ari`` in [-0.5, 1], adjusted Rand index; ``f1`` in
        [0, 1], F1 averaged over the true classes with equal weight. If several matchings keep
        equally many nodes, ``f1`` is that of one of them.

    Raises:
        ValueError: If the lengths differ, or an argument is empty, not 1-D, NaN or fractional.
        TypeError: If an argument does not hold numbers.

    Complexity: O(N log N + A B min(A, B)) time and O(N + A B) memory for A classes, B clusters.

    Example:
        >>> clustering_scores([0, 0, 1, 1], [7, 7, 3, 3])
        {'acc': 1.0, 'nmi': 1.0, 'ari': 1.0, 'f1': 1.0}
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    truth, num_classes = _codes(y, "y")
    _warn_of_missing(y)
    guess, num_clusters = _codes(pred, "pred")
    if truth.size != guess.size:
        raise ValueError(
            f"y and pred must have the same length, got {truth.size} and {guess.size} labels"
        )
    cells = np.bincount(truth * num_clusters + guess, minlength=num_classes * num_clusters)
    counts = cells.reshape(num_classes, num_clusters).astype(np.int64)
    accuracy, macro_f1 = _matched_scores(counts)
    return {
        "acc": accuracy,
        "nmi": float(normalized_mutual_info_score(truth, guess)),
        "ari": float(adjusted_rand_score(truth, guess)),
        "f1": macro_f1,
    }


def _warn_of_missing(y: Any) -> None:
    values = _array(y)
    classes = np.unique(values)
    if classes[0] == -1 and classes.size > 2 and classes[1] == 0:
        count = int((values == -1).sum())
        warnings.warn(
            f"{count} of {values.size} nodes have y = -1, which usually stands for no class, and "
            "were counted as a class of their own; to leave them out: known = y >= 0, "
            "clustering_scores(y[known], pred[known])",
            UserWarning,
            stacklevel=3,
        )


def _array(labels: Any) -> npt.NDArray[Any]:
    if not isinstance(labels, Tensor):
        return np.asarray(labels)
    # numpy knows no bfloat16.
    labels = labels.detach().cpu()
    return np.asarray((labels.double() if labels.is_floating_point() else labels).numpy())


def _codes(labels: Any, name: str) -> tuple[_Counts, int]:
    """Return the labels renumbered to 0, 1, ... in sorted order, and how many there are."""
    values = _array(labels)
    if values.ndim != 1:
        raise ValueError(f"{name} must be 1-D, one label per node, got shape {values.shape}")
    if values.size == 0:
        raise ValueError(f"{name} must hold at least one label, got none")
    if values.dtype.kind not in "iufb":
        raise TypeError(f"{name} must hold whole numbers, got dtype {values.dtype}")
    if values.dtype.kind == "f":
        broken = np.flatnonzero(~np.isfinite(values) | (values != np.floor(values)))
        if broken.size:
            at = int(broken[0])
            raise ValueError(f"{name} must hold whole numbers, but {name}[{at}] = {values[at]}")
    unique, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64), int(unique.size)


def _matched_scores(counts: _Counts) -> tuple[float, float]:
    """Accuracy and macro-F1 (over the rows) after matching columns to rows one to one."""
    from scipy.optimize import linear_sum_assignment

    rows, cols = linear_sum_assignment(counts, maximize=True)
    hits = counts[rows, cols]
    f1 = np.zeros(counts.shape[0])
    # Twice the hits over (class size + cluster size) is F1; both sizes are at least one.
    f1[rows] = 2.0 * hits / (counts.sum(axis=1)[rows] + counts.sum(axis=0)[cols])
    return float(hits.sum() / counts.sum()), float(f1.mean())
