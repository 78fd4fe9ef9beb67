"""Labels of a few nodes, spread over a graph."""

from __future__ import annotations

import warnings
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_int,
    check_matrix,
    check_positive,
    check_same_device,
    check_tensor,
)
from graphlab._repr import short_repr
from graphlab.ops import SparseRows, propagate

__all__ = ["PropagatedLabels", "harmonic_labels", "ica_labels"]


@short_repr
class PropagatedLabels(NamedTuple):
    """Labels that were spread over a graph.

    Attributes:
        label (Tensor): Class of every node, int64 ``(N,)``; -1 where nothing is known.
        score (Tensor): What the class is the largest of, float64 ``(N, C)``; zero rows where
            nothing is known.
    """

    label: Tensor
    score: Tensor


def harmonic_labels(
    edge_index: Tensor,
    labels: Tensor,
    *,
    num_classes: int | None = None,
    num_iterations: int = 29,
    unreached: Literal["mask", "first"] = "mask",
) -> PropagatedLabels:
    r"""Spread labels by averaging over neighbours while the known labels are held.

    .. math:: F \leftarrow D^{-1} A F, \qquad F_i = e_{y_i} \text{ for labelled } i,

    the iteration of the harmonic function that has the labels as boundary values.

    Args:
        edge_index (Tensor): ``(2, E)`` edges, both directions; repeated edges count repeatedly.
        labels (Tensor): ``(N,)`` int64 or int32, -1 where unknown; give the training labels only.
        num_classes (int, optional): C; one more than the largest label by default.
        num_iterations (int): Steps. (The published 30 count the first step from zero.)
        unreached (str): Nodes that no label reaches: ``"mask"`` leaves them at -1; ``"first"``
            gives them the class of the first labelled node, as the authors' program does.

    Returns:
        PropagatedLabels: Classes and scores.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or a class has no labelled
            node.

    Complexity: O(num_iterations E C) time, O(N C) memory.

    Source: Zhu, Ghahramani, Lafferty, "Semi-supervised learning using Gaussian fields and harmonic
    functions", ICML 2003.

    Example:
        >>> path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
        >>> harmonic_labels(path, torch.tensor([0, -1, -1, 1])).label
        tensor([0, 0, 1, 1])
    """
    labels = check_labels(labels)
    num_classes = check_classes(labels, num_classes)
    edges = check_edge_index(edge_index, labels.numel())
    check_same_device(edge_index=edges, labels=labels)
    num_iterations = check_int(num_iterations, "num_iterations", minimum=1)
    check_choice(unreached, "unreached", ("mask", "first"))
    known = labels >= 0
    start = one_hot(labels, num_classes)
    rows = SparseRows.from_edge_index(edges, labels.numel())
    degree = rows.rowptr.diff().double()
    scale = torch.where(degree > 0, 1 / degree.clamp(min=1), degree)
    rows = SparseRows(rows.rowptr, rows.col, row_scale=scale)
    score = start
    for _ in range(num_iterations):
        score = torch.where(known[:, None], start, propagate(score, rows))
    label = score.argmax(1)
    nothing = score.sum(1) == 0
    label[nothing] = int(labels[known][0]) if unreached == "first" else -1
    return PropagatedLabels(label, score)


def ica_labels(
    x: Tensor,
    edge_index: Tensor,
    labels: Tensor,
    *,
    num_classes: int | None = None,
    num_iterations: int = 10,
    c: float = 1.0,
) -> PropagatedLabels:
    """Spread labels by iterative classification: features, and the classes of the neighbours.

    A logistic regression on the features labels all nodes; a second one also sees the shares of the
    classes among the neighbours, and relabels until the iterations end. Both learn from the known
    labels only; known labels are held.

    Args:
        x (Tensor): ``(N, F)`` features, floating point.
        edge_index (Tensor): ``(2, E)`` edges, both directions.
        labels (Tensor): ``(N,)`` int64 or int32, -1 where unknown; give the training labels only.
        num_classes (int, optional): C; one more than the largest label by default.
        num_iterations (int): Times that all nodes are relabelled.
        c (float): Inverse regularisation strength of the regressions.

    Returns:
        PropagatedLabels: Classes, and probabilities of the second regression.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, a class has no labelled
            node, or there is but one.

    Complexity: two fits, then O(num_iterations (E C + N F C)) time.

    Source: Lu, Getoor, "Link-based classification", ICML 2003; Sen et al., "Collective
    classification in network data", AI Magazine 2008.
    """
    labels = check_labels(labels)
    num_classes = check_classes(labels, num_classes)
    x = check_matrix(x, "x", rows=labels.numel())
    edges = check_edge_index(edge_index, labels.numel())
    check_same_device(x=x, edge_index=edges, labels=labels)
    num_iterations = check_int(num_iterations, "num_iterations", minimum=1)
    c = check_positive(c, "c")
    if num_classes < 2:
        raise ValueError("labels must be of at least 2 classes to learn from, got one")
    features = x.detach().double().cpu().numpy()
    target = labels.cpu().numpy()
    known = target >= 0
    rows = SparseRows.from_edge_index(edges.cpu(), labels.numel())
    local = _fitted(features[known], target[known], c)
    held = one_hot(labels.cpu(), num_classes)
    found = torch.from_numpy(local.predict_proba(features))
    score = torch.where(torch.from_numpy(known)[:, None], held, found)
    both = _beside(features, _shares(score, rows))
    relational = _fitted(both[known], target[known], c)
    for _ in range(num_iterations):
        found = torch.from_numpy(relational.predict_proba(_beside(features, _shares(score, rows))))
        score = torch.where(torch.from_numpy(known)[:, None], held, found)
    return PropagatedLabels(score.argmax(1).to(labels.device), score.to(labels.device))


def check_labels(labels: Any, name: str = "labels") -> Tensor:
    """Classes per node, -1 where unknown, as int64; at least one is known."""
    given = check_tensor(labels, name)
    if given.dtype not in (torch.int64, torch.int32) or given.dim() != 1:
        raise TypeError(f"{name} must be int64 (N,), got {given.dtype} {tuple(given.shape)}")
    if not bool((given >= 0).any()):
        raise ValueError(f"{name} must name the class of a node, but all are negative")
    return given.long().clamp(min=-1)


def check_classes(labels: Tensor, num_classes: int | None) -> int:
    """Number of classes, each of which has a labelled node."""
    largest = int(labels.max()) + 1
    count = largest if num_classes is None else check_int(num_classes, "num_classes", minimum=1)
    if count < largest:
        raise ValueError(f"num_classes must be at least {largest}, got {count}")
    members = torch.bincount(labels[labels >= 0], minlength=count)
    if bool((members == 0).any()):
        empty = int((members == 0).nonzero()[0])
        raise ValueError(f"labels must have a node of each of {count} classes, {empty} has none")
    return count


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Float64 ``(N, C)``; zero rows where the class is unknown."""
    result = torch.zeros((labels.numel(), num_classes), dtype=torch.float64, device=labels.device)
    known = labels >= 0
    result[known, labels[known]] = 1
    return result


def _shares(score: Tensor, rows: SparseRows) -> Tensor:
    """Shares of the classes among the neighbours, by their most likely class."""
    counts = propagate(one_hot(score.argmax(1), score.size(1)), rows)
    return counts / counts.sum(1, keepdim=True).clamp(min=1)


def _beside(features: Any, shares: Tensor) -> Any:
    return np.concatenate([features, shares.numpy()], axis=1)


def _fitted(features: Any, target: Any, c: float) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Labels are needed, not the last digits of a regression.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=c, max_iter=1000).fit(features, target)
