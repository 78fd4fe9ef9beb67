"""Evidence that texts and predictions belong to the nodes they are given to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import check_int, check_positive, check_tensor
from graphlab._repr import short_repr
from graphlab._sorted import distinct
from graphlab.tag.text_graph.text_graph import TextGraph

__all__ = ["AlignmentReport", "check_alignment", "check_text_alignment"]


#: Orders of the nodes that the given one is compared with.
_ORDERS = 48
#: Predictions that are by so little better than chance are of no use, and no known predictor is.
_LEAST_SKILL = 0.1
#: Texts of neighbours that are by so little more similar than others: no graph of texts is known
#: whose neighbours have less than twice that (the standard library, as it imports, has 0.7).
_LEAST_EXCESS = 0.25


_MOST_CLASSES = 10_000  # a table of all pairs of them is kept


@short_repr
@dataclass(frozen=True)
class AlignmentReport:
    """Agreement of two things, beside what it would be by chance.

    Attributes:
        score (float): Accuracy of predictions, or mean similarity of the texts of neighbours.
        chance (float): The same if the order of the nodes were random.
        deviations (float): Standard deviations between the two: the strength of the evidence.
        relabelled (float, optional): Accuracy under the best renaming of the classes; None for
            texts.
        aligned (bool, optional): True where the evidence is enough; None where the data is too
            little, or too much alike, to tell.
    """

    score: float
    chance: float
    deviations: float
    relabelled: float | None = None
    aligned: bool | None = None


def check_alignment(
    ranked: Tensor, y: Tensor, *, num_classes: int | None = None, threshold: float = 5.0
) -> AlignmentReport:
    """Refuse predictions that follow another order of nodes or classes than the labels.

    Published predictions are rows without names; read against the wrong loader they give accuracies
    such as 0.2 that look like a weak model. Predictions that are unrelated to the labels agree with
    them at a rate that both distributions fix; a real predictor lies far above it.

    Refused is what speaks against the order: an agreement that is, even with three standard
    deviations more, within a tenth of the way from chance to perfect. Where labels are too few to
    say either, a warning does.

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
    for name, given in (("ranked", ranked), ("y", y)):
        kind = check_tensor(given, name).dtype
        if kind.is_floating_point or kind.is_complex or kind == torch.bool:
            raise TypeError(f"{name} must hold whole numbers, got dtype {kind}")
    top = ranked.long().cpu()
    top = top[:, 0] - 1 if top.dim() == 2 else top
    y = y.long().cpu()
    if y.dim() != 1 or top.shape != y.shape:
        raise ValueError(f"ranked must have a row per label, got {tuple(top.shape)}, {y.numel()}")
    known = (y >= 0) & (top >= 0)
    if not bool(known.any()):
        raise ValueError("ranked and y: no node has both a label and a prediction")
    least = int(torch.maximum(y, top).max()) + 1
    if least > _MOST_CLASSES:
        raise ValueError(f"ranked and y must hold numbers of classes from 0, got {least - 1}")
    size = least if num_classes is None else check_int(num_classes, "num_classes", minimum=least)
    limit = check_positive(threshold, "threshold")
    label, predicted = y[known].numpy(), top[known].numpy()
    report = _agreement(_table(label, predicted, size), limit)
    best = report.relabelled or 0.0
    # What a renaming gains by chance is small; an exchange of classes gains their whole mass.
    if (
        best > report.score + 0.1
        and best > 1.25 * report.score
        and best > _best_by_chance(label, predicted, size, limit)
    ):
        raise ValueError(
            f"predictions agree with {report.score:.1%} of the labels, but with {best:.1%} if "
            "classes are renumbered: the numbers of the classes differ"
        )
    if not report.aligned:
        _judge(report, label.size)
    return report


def _table(label: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(label * size + predicted, minlength=size * size).reshape(size, size)


def _best_accuracy(table: np.ndarray) -> float:
    """Accuracy under the best renaming of the classes."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / table.sum())


def _best_by_chance(label: np.ndarray, predicted: np.ndarray, size: int, limit: float) -> float:
    """What the best renaming of unrelated predictions hardly exceeds."""
    rng = np.random.default_rng(0)
    found = [
        _best_accuracy(_table(label, rng.permutation(predicted), size)) for _ in range(_ORDERS)
    ]
    return float(np.mean(found) + limit * np.std(found, ddof=1))


def _agreement(table: np.ndarray, limit: float) -> AlignmentReport:
    """Accuracy out of a table of counts (label, prediction), and under the best renaming."""
    total = table.sum()
    score = float(np.trace(table) / total)
    # Predictions unrelated to the labels agree wherever both distributions meet.
    chance = float((table.sum(0) * table.sum(1)).sum() / total**2)
    spread = max(np.sqrt(chance * (1 - chance) / total), 1e-12)
    deviations = float((score - chance) / spread)
    aligned = True if deviations >= limit else None
    return AlignmentReport(score, chance, deviations, _best_accuracy(table), aligned)


def _judge(report: AlignmentReport, count: int) -> None:
    """Raise where predictions are at chance, warn where they are too few to tell."""
    spread = np.sqrt(report.chance * (1 - report.chance) / count)
    evidence = (
        f"predictions agree with {report.score:.1%} of {count} labels, {report.deviations:.1f} "
        f"standard deviations from chance ({report.chance:.1%})"
    )
    most = report.score + 3 * spread - report.chance
    if report.chance < 1 and most < _LEAST_SKILL * (1 - report.chance):
        raise ValueError(
            f"{evidence}: they follow another order of nodes, or are of no use: join them by name"
        )
    _warn(f"{evidence}: too few to tell whether they follow the order of the labels")


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=4)


def check_text_alignment(
    graph: TextGraph, *, threshold: float = 5.0, max_edges: int = 20_000, seed: int = 0
) -> AlignmentReport:
    """Refuse texts that follow another order of nodes than the edges; no label is used.

    Neighbours write about related things: their texts are compared (cosine of hashed words,
    weighted by rarity; an edge counts with one over the root of its ends' degrees, as hubs are
    neighbours of everything), and again with the nodes of the same edges in random orders. A wrong
    order is like any of these.

    Neighbours that are more different than random pairs are evidence for the order, too. Refused is
    what speaks against it: neighbours that are, even with three standard deviations more, at most a
    quarter more similar than random pairs. Where the graph is too small to say either, a warning
    does.

    Args:
        graph (TextGraph): The graph.
        threshold (float): Standard deviations from chance that count as evidence.
        max_edges (int): Edges drawn for the comparison.
        seed (int): Seed of the edges and the orders.

    Returns:
        AlignmentReport: Agreement, and that of chance.

    Raises:
        ValueError: If there are fewer than two edges, or neighbours' texts are no more similar than
            others'.

    Complexity: O(words + edges drawn), 49 times: a second or two.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    if not isinstance(graph, TextGraph):
        raise TypeError(f"graph must be a TextGraph, got {type(graph).__name__}")
    pairs = _pairs_once(graph.check().edge_index.cpu().numpy(), len(graph.text))
    if pairs.shape[1] < 2:
        raise ValueError("there are too few edges to compare texts along")
    limit = check_positive(threshold, "threshold")
    rng = np.random.default_rng(seed)
    if pairs.shape[1] > check_int(max_edges, "max_edges", minimum=2):
        pairs = pairs[:, rng.choice(pairs.shape[1], max_edges, replace=False)]
    words = HashingVectorizer(n_features=2**18, alternate_sign=False, norm=None)
    matrix = TfidfTransformer(sublinear_tf=True).fit_transform(words.transform(graph.text))
    degree = np.bincount(pairs.ravel(), minlength=len(graph.text))
    weight = 1 / np.sqrt(degree[pairs].prod(axis=0))
    weight /= weight.sum()
    score = _similarity(matrix, pairs, weight)
    # Orders of the nodes and not of the edges' ends: hubs stay hubs, whatever their texts.
    orders = (rng.permutation(len(graph.text)) for _ in range(_ORDERS))
    others = np.array([_similarity(matrix, order[pairs], weight) for order in orders])
    chance, spread = float(others.mean()), float(others.std(ddof=1))
    alike = spread <= 1e-9 * chance  # equal texts, or a graph that looks the same in every order
    deviations = 0.0 if alike else (score - chance) / spread
    aligned = True if abs(deviations) >= limit else None
    report = AlignmentReport(score, chance, deviations, aligned=aligned)
    if aligned is None:
        evidence = (
            f"the similarity of neighbours' texts is {score:.4f}, in random orders of the nodes "
            f"{chance:.4f} ± {spread:.4f} ({deviations:.1f} standard deviations)"
        )
        if not alike and score + 3 * spread < (1 + _LEAST_EXCESS) * chance:
            raise ValueError(
                f"{evidence}: they are no more similar than those of others, so texts and edges "
                "follow different orders of nodes, or the edges have nothing to do with the texts: "
                "join them by name"
            )
        _warn(f"{evidence}: too little to tell whether texts and edges follow the same order")
    return report


def _pairs_once(edges: np.ndarray, count: int) -> np.ndarray:
    """Two nodes that edges join, in either direction or both, once; ``(2, P)``, without loops."""
    low, high = edges.min(axis=0), edges.max(axis=0)
    key = distinct((low * count + high)[low != high])
    return np.stack([key // max(count, 1), key % max(count, 1)])


def _similarity(matrix: Any, pairs: np.ndarray, weight: np.ndarray) -> float:
    """Mean cosine of the texts of pairs of nodes."""
    product = matrix[pairs[0]].multiply(matrix[pairs[1]])
    return float(np.asarray(product.sum(axis=1)).ravel() @ weight)
