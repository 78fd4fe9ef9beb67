"""Choices made on the source, thresholds and columns, and the worth of a column."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from graphlab._progress import track
from graphlab.hyper._sets import Bools, Floats, Ints

_KEPT, _BEST = 9, 10


def hit_jaccard(chosen: Bools, y: Ints, total: int) -> float:
    """Jaccard index of the chosen candidates and ``total`` hyperedges."""
    right = int(y[chosen].sum())
    return right / (int(chosen.sum()) + total - right)


def best_threshold(probability: Floats, y: Ints, total: int) -> float:
    """The threshold with the best Jaccard index; candidates above it are chosen."""
    order = np.argsort(-probability, kind="stable")
    right = np.cumsum(y[order])
    score = right / (np.arange(1, len(y) + 1) + total - right)
    # No threshold separates equal probabilities: a cut is only where the next one is smaller.
    falling = np.append(probability[order][1:] < probability[order][:-1], True)
    if not score.any():
        return 0.5
    best = int(np.argmax(np.where(falling, score, -1)))
    low = probability[order][best + 1] if best + 1 < len(y) else 0.0
    return float((probability[order][best] + low) / 2)


def select_columns(x: Floats, y: Ints) -> Tensor:
    """The authors' choice of motif columns: the first nine, and the ten best of the others."""
    from sklearn.feature_selection import SelectKBest

    if y.min() == y.max():
        return torch.arange(_KEPT + _BEST, device="cpu")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # about constant columns, which are chosen last
        chosen = SelectKBest(k=_BEST).fit(x[:, _KEPT:], y).get_support(indices=True)
    return torch.cat([torch.arange(_KEPT, device="cpu"), torch.from_numpy(chosen).long() + _KEPT])


def permutation_falls(
    score: Callable[[Floats], float], x: Floats, repeats: int, seed: int
) -> list[float]:
    """Mean fall of a score when one column of ``x`` is shuffled, for every column."""
    generator, best = np.random.default_rng(seed), score(x)
    falls = []
    for column in track(range(x.shape[1]), "importance of columns", unit="columns"):
        scores = []
        for _ in range(repeats):
            shuffled = x.copy()
            shuffled[:, column] = generator.permutation(x[:, column])
            scores.append(score(shuffled))
        falls.append(best - float(np.mean(scores)))
    return falls
