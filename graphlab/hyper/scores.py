"""Scores of a reconstruction against the truth."""

from __future__ import annotations

import numpy as np

from graphlab.hyper._incidence import Hypergraph, read_pair
from graphlab.hyper._sets import Ints, concatenate, find, sorted_unique

__all__ = ["jaccard", "multi_jaccard", "precision_recall_f1"]


def jaccard(pred: Hypergraph, true: Hypergraph, num_nodes: int | None = None) -> float:
    r"""Jaccard index :math:`|R \cap E| / |R \cup E|` of two sets of hyperedges.

    Repeated and empty hyperedges do not count; two hypergraphs without any have index 1. Nodes are
    compared by their names (``node_id``) where both sides have them, else by their numbers. A list
    of sets of whole numbers, beside a hypergraph of more nodes without names, names them by number.

    Args:
        pred (HyperGraphData or Tensor): Reconstruction R; also a list of sets of names.
        true (HyperGraphData or Tensor): Truth E, on the same nodes.
        num_nodes (int, optional): Number of nodes; needed with tensors.

    Returns:
        float: In [0, 1].

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or node counts differ.

    Example:
        >>> import torch
        >>> a = torch.tensor([[0, 1, 1, 2], [0, 0, 1, 1]])
        >>> jaccard(a, a[:, :2], num_nodes=3)
        0.5
    """
    left, right = _multiplicities(pred, true, num_nodes)
    union = int(((left > 0) | (right > 0)).sum())
    return float(((left > 0) & (right > 0)).sum()) / union if union else 1.0


def multi_jaccard(pred: Hypergraph, true: Hypergraph, num_nodes: int | None = None) -> float:
    r"""Jaccard index of multisets, :math:`\sum \min(m, m') / \sum \max(m, m')`.

    Args:
        pred (HyperGraphData or Tensor): Reconstruction, with repeats.
        true (HyperGraphData or Tensor): Truth, with repeats.
        num_nodes (int, optional): Number of nodes; needed with tensors.

    Returns:
        float: In [0, 1].

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or node counts differ.
    """
    left, right = _multiplicities(pred, true, num_nodes)
    total = int(np.maximum(left, right).sum())
    return float(np.minimum(left, right).sum()) / total if total else 1.0


def precision_recall_f1(
    pred: Hypergraph, true: Hypergraph, num_nodes: int | None = None
) -> tuple[float, float, float]:
    """Precision, recall and F1 of sets of hyperedges; a ratio without denominator is 0.

    Args:
        pred (HyperGraphData or Tensor): Reconstruction.
        true (HyperGraphData or Tensor): Truth, on the same nodes.
        num_nodes (int, optional): Number of nodes; needed with tensors.

    Returns:
        tuple[float, float, float]: Each in [0, 1].

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed, or node counts differ.
    """
    left, right = _multiplicities(pred, true, num_nodes)
    common = int(((left > 0) & (right > 0)).sum())
    predicted, actual = int((left > 0).sum()), int((right > 0).sum())
    precision = common / predicted if predicted else 0.0
    recall = common / actual if actual else 0.0
    f1 = 2 * precision * recall / (precision + recall) if common else 0.0
    return precision, recall, f1


def _multiplicities(pred: Hypergraph, true: Hypergraph, num_nodes: int | None) -> tuple[Ints, Ints]:
    """Multiplicities of every hyperedge of either side, on the left and on the right."""
    first, second = read_pair(pred, true, num_nodes)
    if first.num_nodes != second.num_nodes:
        raise ValueError(
            f"pred and true must have equal node counts, got {first.num_nodes} and "
            f"{second.num_nodes}"
        )
    sides = [first.counted(), second.counted()]
    table, _ = sorted_unique(concatenate(sides[0][0], sides[1][0]))
    out = []
    for sets, counts in sides:
        column = np.zeros(len(table), dtype=np.int64)
        column[find(sets, table)] = counts
        out.append(column)
    return out[0], out[1]
