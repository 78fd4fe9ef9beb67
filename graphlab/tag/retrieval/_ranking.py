"""Seeds of the walk and final scores, from the scores of single documents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__: list[str] = []

Scores = NDArray[np.float64]


def seed_shares(kinds: list[Scores], power: float, num_seeds: int | None) -> Scores:
    """Where the walk of each question starts.

    Every kind of score is scaled to ``[0, 1]`` per question, raised to a power, divided by its sum
    and added; a kind in which all documents are equal says nothing and is left out.

    Args:
        kinds (list of ndarray): Scores ``(B, N)``.
        power (float): Exponent; the larger, the fewer documents share the start.
        num_seeds (int, optional): Documents that may start a walk; all by default.

    Returns:
        ndarray: ``(B, N)``; rows sum to 1, or to 0 where nothing matches.
    """
    total = np.zeros_like(kinds[0])
    for scores in kinds:
        low = scores.min(axis=1, keepdims=True)
        span = scores.max(axis=1, keepdims=True) - low
        shares = np.divide(scores - low, span, out=np.zeros_like(scores), where=span > 0) ** power
        total += _shares(shares)
    if num_seeds is not None and num_seeds < total.shape[1]:
        order = np.argsort(-total, axis=1, kind="stable")
        np.put_along_axis(total, order[:, num_seeds:], 0.0, axis=1)
    return _shares(total)


def _shares(values: Scores) -> Scores:
    total = values.sum(axis=1, keepdims=True)
    shares: Scores = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return shares


def standardized(scores: Scores) -> Scores:
    """Scores of each question with mean 0 and deviation 1; zeros where all are equal."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = scores.std(axis=1, keepdims=True)
    unit: Scores = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)
    return unit


def best(scores: Scores, count: int) -> NDArray[np.int64]:
    """Positions of the largest entries of each row, in descending order; the first of equal ones.

    Args:
        scores (ndarray): ``(B, N)``.
        count (int): Entries, at most N.
    """
    rows = []
    for row in scores:
        least = np.partition(row, row.size - count)[row.size - count]
        candidates = (row >= least).nonzero()[0]
        rows.append(candidates[np.argsort(-row[candidates], kind="stable")[:count]])
    return np.array(rows, dtype=np.int64).reshape(len(scores), count)
