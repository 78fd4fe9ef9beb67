"""Evidence that texts and predictions belong to the nodes they are given to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_positive, check_tensor
from graphlab._repr import short_repr
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["AlignmentReport", "check_alignment", "check_text_alignment"]


@short_repr
@dataclass(frozen=True)
class AlignmentReport:
    """Agreement of two things, beside what it would be by chance.

    Attributes:
        score (float): Accuracy of predictions, or mean similarity of the texts of neighbours.
        chance (float): The same if the order of the nodes were random.
        deviations (float): Standard deviations between the two.
        relabelled (float, optional): Accuracy under the best renaming of the classes; None for
            texts.
    """

    score: float
    chance: float
    deviations: float
    relabelled: float | None = None


def check_alignment(
    ranked: Tensor, y: Tensor, *, num_classes: int | None = None, threshold: float = 5.0
) -> AlignmentReport:
    """Refuse predictions that follow another order of nodes or classes than the labels.

    Published predictions are rows without names; read against the wrong loader they give accuracies
    such as 0.2 that look like a weak model. Predictions that are unrelated to the labels agree with
    them at a rate that both distributions fix; a real predictor lies far above it.

    Args:
        ranked (Tensor): ``(N, k)`` int64 predicted classes plus one, best first, 0 for none (the
            form of ranked predictions), of which the first column counts; or ``(N,)`` classes, -1
            for none.
        y (Tensor): ``(N,)`` labels, -1 where there is none. Use it to detect a mistake, never to
            choose.
        num_classes (int, optional): C; by default the largest number seen plus one.
        threshold (float): Standard deviations above chance that count as evidence.

    Returns:
        AlignmentReport: Agreement, and that of chance.

    Raises:
        ValueError: If the shapes differ, the agreement is at chance, or another numbering of the
            classes fits far better.

    Complexity: O(N + C^3).
    """
    top = check_tensor(ranked, "ranked").long().cpu()
    top = top[:, 0] - 1 if top.dim() == 2 else top
    y = check_tensor(y, "y").long().cpu()
    if y.dim() != 1 or top.shape != y.shape:
        raise ValueError(f"ranked must have a row per label, got {tuple(top.shape)}, {y.numel()}")
    known = (y >= 0) & (top >= 0)
    if not bool(known.any()):
        raise ValueError("no node has both a label and a prediction")
    least = int(torch.maximum(y, top).max()) + 1
    size = least if num_classes is None else check_int(num_classes, "num_classes", minimum=least)
    table = torch.bincount(y[known] * size + top[known], minlength=size * size)
    report = _agreement(table.view(size, size).double().numpy())
    _judge(report, threshold)
    return report


def _agreement(table: np.ndarray) -> AlignmentReport:
    """Accuracy out of a table of counts (label, prediction), and under the best renaming."""
    from scipy.optimize import linear_sum_assignment

    total = table.sum()
    score = np.trace(table) / total
    # Predictions unrelated to the labels agree wherever both distributions meet.
    chance = float((table.sum(0) * table.sum(1)).sum() / total**2)
    spread = max(np.sqrt(chance * (1 - chance) / total), 1e-12)
    rows, columns = linear_sum_assignment(-table)
    best = table[rows, columns].sum() / total
    return AlignmentReport(float(score), chance, float((score - chance) / spread), float(best))


def _judge(report: AlignmentReport, threshold: float) -> None:
    limit = check_positive(threshold, "threshold")
    best = report.relabelled or 0.0
    # What a renaming gains by chance is small; an exchange of classes gains their whole mass.
    if best > report.score + 0.1 and best > 1.25 * report.score:
        raise ValueError(
            f"predictions agree with {report.score:.1%} of the labels, but with {best:.1%} if "
            "classes are renumbered: the numbers of the classes differ"
        )
    if report.deviations < limit:
        raise ValueError(
            f"predictions agree with {report.score:.1%} of the labels, at chance "
            f"({report.chance:.1%}): they follow another order of nodes"
        )


def check_text_alignment(
    graph: TextGraph, *, threshold: float = 5.0, max_edges: int = 20_000, seed: int = 0
) -> AlignmentReport:
    """Refuse texts that follow another order of nodes than the edges; no label is used.

    Neighbours write about similar things: their texts are compared (cosine of hashed words,
    weighted by rarity), and the same edges with shuffled texts. In the wrong order the two do not
    differ.

    Args:
        graph (TextGraph): The graph.
        threshold (float): Standard deviations above chance that count as evidence.
        max_edges (int): Edges drawn for the comparison.
        seed (int): Seed of the edges and the shuffle.

    Returns:
        AlignmentReport: Agreement, and that of chance.

    Raises:
        ValueError: If neighbours' texts are no more similar than others'. Where that is how the
            graph is (heterophilous graphs, few edges), there is no evidence to be had this way.

    Complexity: O(words + edges drawn).
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    row, col = (end.cpu().numpy() for end in graph.check().edge_index)
    # Each edge once where both directions are stored.
    proper = row < col if bool((row > col).any()) else row != col
    pairs = np.stack([row[proper], col[proper]])
    if pairs.shape[1] < 2:
        raise ValueError("there are too few edges to compare texts along")
    rng = np.random.default_rng(seed)
    if pairs.shape[1] > check_int(max_edges, "max_edges", minimum=2):
        pairs = pairs[:, rng.choice(pairs.shape[1], max_edges, replace=False)]
    words = HashingVectorizer(n_features=2**18, alternate_sign=False, norm=None)
    matrix = TfidfTransformer(sublinear_tf=True).fit_transform(words.transform(graph.text))
    real = _similarity(matrix, pairs[0], pairs[1])
    shuffled = _similarity(matrix, pairs[0], rng.permutation(pairs[1]))
    # Standard error of the difference of two means of as many edges.
    spread = np.sqrt((real.var() + shuffled.var()) / real.size) + 1e-12
    score, chance = float(real.mean()), float(shuffled.mean())
    report = AlignmentReport(score, chance, float((score - chance) / spread))
    if report.deviations < check_positive(threshold, "threshold"):
        raise ValueError(
            f"the texts of neighbours are no more similar ({report.score:.4f}) than those of "
            f"others ({report.chance:.4f}): do texts and edges follow the same order of nodes?"
        )
    return report


def _similarity(matrix: object, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    product = matrix[left].multiply(matrix[right])  # type: ignore[index]
    return np.asarray(product.sum(axis=1)).ravel()
