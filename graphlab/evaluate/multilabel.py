"""Multilabel probe: one-vs-rest logistic regression on frozen embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import check_fraction, check_index, check_matrix, check_positive, check_tensor
from graphlab._progress import track

__all__ = ["MultilabelResult", "multilabel_probe"]

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MultilabelResult:
    """Outcome of :func:`multilabel_probe`; all scores on the test nodes, in [0, 1].

    Attributes:
        micro_f1 (float): F1 over all decisions, labels per node taken from the truth (``known_k``).
        macro_f1 (float): Mean over labels of their F1, the same decisions.
        micro_f1_threshold (float): F1 over all decisions by the threshold; nothing is known.
        macro_f1_threshold (float): Mean over labels, by the threshold.
    """

    micro_f1: float
    macro_f1: float
    micro_f1_threshold: float
    macro_f1_threshold: float


def multilabel_probe(
    z: Tensor,
    y: Tensor,
    train: Tensor,
    test: Tensor,
    *,
    c: float = 1.0,
    threshold: float = 0.5,
) -> MultilabelResult:
    """Fit one logistic regression per label on train nodes and score two kinds of decisions.

    The literature since DeepWalk predicts for every test node as many labels as it truly has: the
    number is read from the test labels. That is ``micro_f1`` and ``macro_f1``, comparable with
    published figures and not attainable in use. The thresholded scores know nothing of the test
    nodes; a fixed threshold of one half misses most rare labels, so they are lower.

    Args:
        z (Tensor): Embeddings ``(N, D)``, finite. Used as they are: neither scaled nor centred.
        y (Tensor): Labels ``(N, K)`` bool.
        train (Tensor): Indices of train nodes, int64.
        test (Tensor): Indices of test nodes, int64, disjoint from train.
        c (float): Inverse regularisation strength; the intercept is regularised too, as liblinear
            does.
        threshold (float): Probability from which a label is predicted.

    Returns:
        MultilabelResult: The four scores. A label that is nowhere true or predicted counts 0.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or train and test overlap.

    Complexity: O(K I n D) time for I solver iterations on n train nodes.
    Determinism: same input, same result.

    Example:
        >>> z, y = torch.eye(4).repeat(5, 1), torch.eye(4).repeat(5, 1).bool()
        >>> multilabel_probe(z, y, torch.arange(12), torch.arange(12, 20), c=100.0).micro_f1
        1.0
    """
    z = check_matrix(z, "z")
    if check_tensor(y, "y").dtype != torch.bool or y.dim() != 2 or y.size(0) != z.size(0):
        raise ValueError(
            f"y must be bool of shape ({z.size(0)}, K), got {y.dtype} {tuple(y.shape)}"
        )
    if y.size(1) == 0:
        raise ValueError("y must hold at least one label, got none")
    c = check_positive(c, "c")
    threshold = check_fraction(threshold, "threshold")
    parts = {"train": train, "test": test}
    index = {name: check_index(i, z.size(0), name).cpu().numpy() for name, i in parts.items()}
    for name, nodes in index.items():
        if nodes.size == 0:
            raise ValueError(f"{name} must hold at least one node, got none")
    shared = np.intersect1d(index["train"], index["test"])
    if shared.size:
        raise ValueError(f"train and test share {shared.size} nodes, the first is {shared[0]}")
    rows, labels = z.detach().cpu().double().numpy(), y.cpu().numpy()
    truth = labels[index["test"]]
    scores = _probabilities(rows, labels, index["train"], rows[index["test"]], c)
    ranked, cut = _top_k(scores, truth.sum(1)), scores >= threshold
    return MultilabelResult(*_f1(truth, ranked), *_f1(truth, cut))


def _probabilities(
    rows: _Floats, labels: _Flags, train: npt.NDArray[np.int64], unseen: _Floats, c: float
) -> _Floats:
    """Probability of every label at every unseen row."""
    from sklearn.linear_model import LogisticRegression

    out = np.zeros((len(unseen), labels.shape[1]))
    known = rows[train]
    # Nothing depends on the seed, but without one scikit-learn draws it from a global generator.
    for label in track(range(labels.shape[1]), "multilabel probe", unit="labels"):
        target = labels[train, label]
        if target.all() or not target.any():
            out[:, label] = float(target[0])
            continue
        model: Any = LogisticRegression(C=c, solver="liblinear", random_state=0)
        out[:, label] = model.fit(known, target).predict_proba(unseen)[:, 1]
    return out


def _top_k(scores: _Floats, counts: npt.NDArray[np.int64]) -> _Flags:
    """The most probable labels of every row, as many as ``counts`` says; ties by label."""
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(scores.shape[1])[None, :], axis=1)
    chosen: _Flags = rank < counts[:, None]
    return chosen


def _f1(truth: _Flags, predicted: _Flags) -> tuple[float, float]:
    hits = (truth & predicted).sum(0)
    # Twice the hits over (true + predicted) is F1; 0 where a label is in neither.
    total = truth.sum(0) + predicted.sum(0)
    micro = 2 * hits.sum() / max(1, total.sum())
    return float(micro), float(np.mean(2 * hits / np.maximum(1, total)))
