"""Multilabel probe: one-vs-rest logistic regression on frozen embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from graphlab._checks import (
    Array,
    check_choice,
    check_distinct,
    check_fraction,
    check_int,
    check_list,
    check_positive,
    check_tensor,
    from_array,
)
from graphlab._feature_rows import FeatureRows, require_finite
from graphlab._repr import short_repr
from graphlab.evaluate._border import warn_at_border
from graphlab.evaluate._given import check_embeddings
from graphlab.evaluate._logistic import fit_logistic

__all__ = ["MultilabelResult", "multilabel_cross_validation", "multilabel_probe"]

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@short_repr
@dataclass(frozen=True, repr=False)
class MultilabelResult:
    """Outcome of :func:`multilabel_probe`; all scores on the test nodes, in [0, 1].

    Attributes:
        micro_f1 (float): F1 over all decisions, labels per node taken from the truth (``known_k``).
        macro_f1 (float): Mean over labels of their F1, the same decisions.
        micro_f1_threshold (float): F1 over all decisions by the threshold; nothing is known.
        macro_f1_threshold (float): Mean over labels, by the threshold.
        c (float): Inverse regularisation strength that was used.
        val_scores (dict[float, float]): Where it was chosen: score of every candidate by
            cross-validation inside the train nodes, ascending in the candidate; else empty.
    """

    micro_f1: float
    macro_f1: float
    micro_f1_threshold: float
    macro_f1_threshold: float
    c: float = 1.0
    val_scores: dict[float, float] = field(default_factory=dict)


def multilabel_probe(
    z: FeatureRows | Array,
    y: Array,
    train: Array,
    test: Array,
    *,
    c: float | Sequence[float] = 1.0,
    threshold: float = 0.5,
    folds: int = 3,
    select: Literal["micro_f1", "macro_f1"] = "micro_f1",
    seed: int = 0,
) -> MultilabelResult:
    """Fit one logistic regression per label on train nodes and score two kinds of decisions.

    The literature since DeepWalk predicts for every test node as many labels as it truly has: the
    number is read from the test labels. That is ``micro_f1`` and ``macro_f1``, comparable with
    published figures and not attainable in use. The thresholded scores know nothing of the test
    nodes; a fixed threshold of one half misses most rare labels, so they are lower.

    Args:
        z (Tensor, ndarray or EmbeddingStore): Embeddings ``(N, D)``, finite. Used as they are:
            neither scaled nor centred. The rows of the two parts are read, and no others of a
            store.
        y (Tensor or ndarray): Labels ``(N, K)`` bool, or 0 and 1 of any type; read at the nodes of
            the two parts alone.
        train (Tensor or ndarray): Indices of train nodes, int64, distinct.
        test (Tensor or ndarray): Indices of test nodes, int64, distinct, disjoint from train.
        c (float or sequence of float): Inverse regularisation strength; the intercept is
            regularised too, as liblinear does. Of several the best is taken, by cross-validation
            inside the train nodes (ties go to the stronger regularisation), with a warning where
            that is the outermost one.
        threshold (float): Probability from which a label is predicted.
        folds (int): Parts of that cross-validation.
        select (str): Score that it maximises, ``"micro_f1"`` or ``"macro_f1"``.
        seed (int): Seed of its parts.

    Returns:
        MultilabelResult: The four scores. A label that is nowhere true or predicted counts 0.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or train and test overlap.

    Complexity: O(K I n D) time for I solver iterations on n train nodes; ``folds`` times that for
    every candidate of ``c``.
    Determinism: same input, same result.

    Example:
        >>> z, y = torch.eye(4).repeat(5, 1), torch.eye(4).repeat(5, 1).bool()
        >>> multilabel_probe(z, y, torch.arange(12), torch.arange(12, 20), c=100.0).micro_f1
        1.0
    """
    z, labels = _checked(z, y)
    threshold = check_fraction(threshold, "threshold")
    check_choice(select, "select", ("micro_f1", "macro_f1"))
    check_int(folds, "folds", minimum=2)
    check_int(seed, "seed", minimum=0)
    parts = {
        name: _nodes(i, int(z.shape[0]), name) for name, i in (("train", train), ("test", test))
    }
    shared = np.intersect1d(parts["train"], parts["test"])
    if shared.size:
        raise ValueError(f"train and test share {shared.size} nodes, the first is {shared[0]}")
    targets = {name: _flags(labels, nodes) for name, nodes in parts.items()}
    scores: dict[float, float] = {}
    if isinstance(c, Sequence) and not isinstance(c, str):
        means = multilabel_cross_validation(
            z, y, torch.from_numpy(parts["train"]), c, folds=folds, seed=seed
        )
        scores = {value: mean[select] for value, mean in means.items()}
        # The candidates ascend, so the first maximum is that of the strongest regularisation.
        c = max(scores, key=scores.__getitem__)
        warn_at_border("C", c, scores)
    chosen = check_positive(c, "c")
    known, unseen = (_rows(z, parts[name]) for name in ("train", "test"))
    found = _logits(known, targets["train"], unseen, chosen)
    truth = targets["test"]
    ranked, cut = _top_k(found, truth.sum(1)), _probability(found) >= threshold
    return MultilabelResult(*_f1(truth, ranked), *_f1(truth, cut), c=chosen, val_scores=scores)


def multilabel_cross_validation(
    z: FeatureRows | Array,
    y: Array,
    nodes: Array,
    candidates: Sequence[float],
    *,
    folds: int = 3,
    seed: int = 0,
) -> dict[float, dict[str, float]]:
    """F1 of a :func:`multilabel_probe` inside a set of nodes, for every strength of regularisation.

    The nodes are dealt to parts at random; every part is predicted from the others. What chooses
    embeddings by these scores reads no label outside ``nodes``.

    Args:
        z (Tensor, ndarray or EmbeddingStore): Embeddings ``(N, D)``, finite; read at ``nodes``
            alone.
        y (Tensor or ndarray): Labels ``(N, K)`` bool, or 0 and 1 of any type; read at ``nodes``
            alone.
        nodes (Tensor or ndarray): Indices of the nodes, int64, distinct; at least ``folds``.
        candidates (sequence of float): Values of C, each positive.
        folds (int): Number of parts, at least 2.
        seed (int): Seed of the parts.

    Returns:
        dict: By value of C, ascending: ``"micro_f1"`` and ``"macro_f1"``, means over the parts, as
        many labels predicted for a node as it has.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Complexity: O(C folds K I n D) time for C candidates.
    Determinism: same input and seed, same result.

    Example:
        >>> z, y = torch.eye(4).repeat(5, 1), torch.eye(4).repeat(5, 1).bool()
        >>> scores = multilabel_cross_validation(z, y, torch.arange(20), [1.0, 100.0])
        >>> scores[100.0]["micro_f1"]
        1.0
    """
    z, labels = _checked(z, y)
    given = check_list(candidates, "candidates", "numbers")
    grid = sorted({check_positive(c, f"candidates[{i}]") for i, c in enumerate(given)})
    if not grid:
        raise ValueError("candidates must hold at least one value of C, got none")
    known = _nodes(nodes, int(z.shape[0]), "nodes")
    folds = check_int(folds, "folds", minimum=2, maximum=known.size)
    used, place = np.unique(known, return_inverse=True)
    draw = np.random.default_rng(check_int(seed, "seed", minimum=0))
    order = place[draw.permutation(known.size)]
    rows, flags = _rows(z, used), _flags(labels, used)
    sums = {c: np.zeros(2) for c in grid}
    for part in np.array_split(order, folds):
        rest = np.setdiff1d(order, part)
        truth = flags[part]
        for c in grid:
            found = _logits(rows[rest], flags[rest], rows[part], c)
            sums[c] += _f1(truth, _top_k(found, truth.sum(1)))
    return {
        c: {"micro_f1": float(total[0]) / folds, "macro_f1": float(total[1]) / folds}
        for c, total in sums.items()
    }


def _checked(z: FeatureRows | Array, y: Array) -> tuple[FeatureRows, Tensor]:
    z, y = check_embeddings(z), from_array(y, "y")
    count = int(z.shape[0])
    if check_tensor(y, "y").dim() != 2 or y.size(0) != count or y.is_complex():
        raise ValueError(
            f"y must be bool, or 0 and 1, of shape ({count}, K), got {y.dtype} {tuple(y.shape)}"
        )
    if y.size(1) == 0:
        raise ValueError("y must hold at least one label, got none")
    return z, y


def _flags(y: Tensor, nodes: npt.NDArray[np.int64]) -> _Flags:
    """Labels of some nodes, the only ones whose values are looked at."""
    part = y[torch.from_numpy(nodes).to(y.device)].detach()
    wrong = ((part != 0) & (part != 1)).nonzero()
    if wrong.size(0):
        row, column = wrong[0].tolist()
        value = part[row, column].item()
        raise ValueError(
            f"y must be bool, or hold 0 and 1 alone, but y[({nodes[row]}, {column})] = {value}"
        )
    flags: _Flags = part.bool().cpu().numpy()
    return flags


def _nodes(nodes: Array, count: int, name: str) -> npt.NDArray[np.int64]:
    # A repeated node would count twice, and stand on both sides of a cross-validation.
    index: npt.NDArray[np.int64]
    index = check_distinct(from_array(nodes, name), count, name).cpu().numpy()
    if index.size == 0:
        raise ValueError(f"{name} must hold at least one node, got none")
    return index


def _rows(z: FeatureRows, nodes: npt.NDArray[np.int64]) -> _Floats:
    part = z[torch.from_numpy(nodes)]
    require_finite(part, "z of the nodes", 0)
    rows: _Floats = part.detach().cpu().double().numpy()
    return rows


def _logits(rows: _Floats, target: _Flags, unseen: _Floats, c: float) -> _Floats:
    """Log-odds of every label at every unseen row.

    Probabilities are one from log-odds of 37 on: labels would be ranked by their numbers there.
    """
    # A label that all nodes have, or none, needs no regression.
    out = np.repeat(np.where(target[:1], np.inf, -np.inf), len(unseen), axis=0)
    varied = np.flatnonzero(target.any(0) & ~target.all(0))
    if varied.size:
        weights = fit_logistic(rows, target[:, varied], c)
        out[:, varied] = unseen @ weights[:-1] + weights[-1]
    return out


def _probability(logits: _Floats) -> _Floats:
    from scipy.special import expit

    out: _Floats = expit(logits)
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
