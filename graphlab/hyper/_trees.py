"""Forests as arrays: what scikit-learn grew, without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphlab.hyper._sets import Floats, Ints


@dataclass(frozen=True, eq=False)
class Forest:
    """Binary trees; a node with ``left < 0`` is a leaf.

    Attributes:
        root (ndarray): First node of every tree.
        feature (ndarray): Column that a node looks at.
        threshold (ndarray): NodeSets with a value up to this go left.
        left (ndarray): Left child.
        right (ndarray): Right child.
        value (ndarray): What a leaf says.
        start (float): Added to the sum over trees.
        average (bool): Whether the sum is divided by the number of trees and is a probability
            already; otherwise it is a log-odds.
    """

    root: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    start: float
    average: bool

    def check(self) -> None:
        """Require trees that end: children come after their parent, as all growers write them.

        Raises:
            ValueError: If the arrays, which a file may hold, are no trees.
        """
        count = self.value.size
        if not (np.isfinite(self.value).all() and np.isfinite(self.start)):
            raise ValueError("leaves of a forest must hold finite numbers")
        own, inner = np.arange(count), self.left >= 0
        whole = (self.root, self.feature, self.left, self.right)
        if any(array.dtype != np.int64 or array.ndim != 1 for array in whole):
            raise ValueError("root, feature, left and right of a forest must be int64 rows")
        if any(array.shape != (count,) for array in (*whole[1:], self.threshold, self.value)):
            raise ValueError(f"a forest of {count} nodes must have as many entries everywhere")
        if not ((self.root >= 0) & (self.root < count)).all() or (self.feature < 0).any():
            raise ValueError("root or feature of a forest is out of range")
        for child in (self.left, self.right):
            if not ((child > own) & (child < count))[inner].all():
                raise ValueError("a child of a forest does not come after its parent")

    def probability(self, x: Floats) -> Floats:
        """Probability of the second class, ``(rows,)``."""
        from scipy.special import expit

        rows = np.arange(x.shape[0])
        total = np.full(x.shape[0], self.start)
        for root in self.root:
            node = np.full(x.shape[0], root)
            # All rows go down one level at a time, until each is in a leaf.
            while (inner := self.left[node] >= 0).any():
                low = x[rows, self.feature[node]] <= self.threshold[node]
                node = np.where(inner, np.where(low, self.left[node], self.right[node]), node)
            total += self.value[node]
        if self.average:
            mean: Floats = total / max(1, self.root.size)
            return mean
        odds: Floats = expit(total)
        return odds


def boosted(model: Any) -> Forest:
    """The trees of a binary HistGradientBoostingClassifier."""
    # Private attributes of scikit-learn: a test compares our probabilities with its own.
    trees = [stage[0].nodes for stage in model._predictors]
    nodes = [
        (
            tree["feature_idx"].astype(np.int64),
            tree["num_threshold"].astype(np.float64),
            np.where(tree["is_leaf"], -1, tree["left"].astype(np.int64)),
            tree["right"].astype(np.int64),
            tree["value"].astype(np.float64),
        )
        for tree in trees
    ]
    return _join(nodes, float(np.ravel(model._baseline_prediction)[0]), False)


def averaged(model: Any) -> Forest:
    """The trees of a binary RandomForestClassifier."""
    nodes = []
    for estimator in model.estimators_:
        tree = estimator.tree_
        votes = tree.value[:, 0, :]
        nodes.append(
            (
                np.maximum(tree.feature, 0).astype(np.int64),
                tree.threshold.astype(np.float64),
                tree.children_left.astype(np.int64),
                tree.children_right.astype(np.int64),
                votes[:, 1] / votes.sum(axis=1),
            )
        )
    return _join(nodes, 0.0, True)


def _join(nodes: list[tuple[Any, ...]], start: float, average: bool) -> Forest:
    sizes = np.array([tree[0].size for tree in nodes], dtype=np.int64)
    root = np.cumsum(sizes) - sizes
    shifted = [
        (f, t, np.where(le >= 0, le + r, -1), ri + r, v)
        for (f, t, le, ri, v), r in zip(nodes, root, strict=True)
    ]
    feature, threshold, left, right, value = (
        np.concatenate(parts) for parts in zip(*shifted, strict=True)
    )
    return Forest(root, feature, threshold, left, right, value, start, average)
