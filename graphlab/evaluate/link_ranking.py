"""Ranking metrics of link prediction, for every node by itself or on average."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from graphlab._checks import (
    Array,
    check_choice,
    check_edge_index,
    check_index,
    check_int,
    check_matrix,
    check_range,
    check_same_device,
    check_tensor,
    from_array,
)
from graphlab._distinct_rows import distinct_rows
from graphlab._feature_rows import FeatureRows, check_feature_rows, in_memory
from graphlab._precision import widened
from graphlab._top_columns import top_columns

__all__ = ["link_ranking_metrics", "per_node_link_metrics", "top_predictions"]

_METRICS = {
    "precision": "LinkPredPrecision",
    "recall": "LinkPredRecall",
    "f1": "LinkPredF1",
    "ndcg": "LinkPredNDCG",
    "hit": "LinkPredHitRatio",
    "mrr": "LinkPredMRR",
}
_CHUNK = 1 << 24  # scores that are held at once


def top_predictions(
    score: Array | None,
    k: int,
    *,
    nodes: Array | None = None,
    exclude: Tensor | None = None,
    exclude_self: bool = True,
    z: FeatureRows | Array | None = None,
) -> Tensor:
    """Best-scored partners of every node.

    Args:
        score (Tensor or ndarray): ``(B, N)`` floating point, finite; row b belongs to node
            ``nodes[b]``. None where ``z`` is given.
        k (int): Partners, in [1, N].
        nodes (Tensor or ndarray, optional): ``(B,)`` node of every row; 0, 1, ... when missing.
        exclude (Tensor, optional): ``(2, E)`` pairs (node, partner) that must not be predicted,
            such as the training edges in both directions.
        exclude_self (bool): Do not predict a node for itself. The authors' program does, which
            costs a node its first prediction whenever a vector is most similar to itself.
        z (Tensor, ndarray or EmbeddingStore, optional): Embeddings ``(N, D)`` in place of scores,
            which are then their inner products: no matrix of all pairs is stored, but z is read
            whole.

    Returns:
        Tensor: ``(B, k)`` int64, best first, equal scores by index. Excluded partners come last,
        if they are needed to fill k columns.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(B N) time for scores, O(B N D) for embeddings; memory O(N D + B k + E) beside what
    is given.
    """
    return _ranked(score, k, nodes, exclude, exclude_self, z)[0]


def _ranked(
    score: Array | None,
    k: int,
    nodes: Array | None,
    exclude: Tensor | None,
    exclude_self: bool,
    z: FeatureRows | Array | None,
) -> tuple[Tensor, Tensor, int]:
    """Partners of :func:`top_predictions`; which of them are excluded and only fill; nodes."""
    if (score is None) == (z is None):
        raise ValueError("score or z must be given, and not both")
    name = "score" if z is None else "z"
    nodes = from_array(nodes, "nodes")
    given = (
        check_matrix(from_array(score, name), name)
        if z is None
        else in_memory(check_feature_rows(from_array(z, name), name))
    ).detach()
    size = given.size(1 if z is None else 0)
    k = check_int(k, "k", minimum=1, maximum=size)
    count = given.size(0) if nodes is None or z is None else check_tensor(nodes, "nodes").numel()
    rows = torch.arange(count, device=given.device)
    names = _check_nodes(nodes, rows, size)
    if exclude is not None:
        exclude = check_edge_index(exclude, size, "exclude")
        check_same_device(**{name: given, "exclude": exclude})
    pairs = _excluded(names, size, exclude, exclude_self)
    if z is None:
        return *_best(lambda part: given[part].clone(), count, size, k, pairs), size
    wide = widened(given)
    distinct, copy = distinct_rows(wide)

    def products(part: slice) -> Tensor:
        score = wide[names[part]] @ distinct.t()
        return score if copy is None else score[:, copy]

    return *_best(products, count, size, k, pairs), size


def _excluded(names: Tensor, size: int, exclude: Tensor | None, exclude_self: bool) -> Tensor:
    """Rows and columns ``(2, M)`` that must not be predicted, by row."""
    rows = torch.arange(names.numel(), device=names.device)
    parts = [torch.stack([rows, names])] if exclude_self else []
    if exclude is not None:
        row_of = names.new_full((size,), -1)
        row_of[names] = rows
        row = row_of[exclude[0]]
        parts.append(torch.stack([row[row >= 0], exclude[1][row >= 0]]))
    pairs = torch.cat([names.new_empty(2, 0), *parts], dim=1)
    return pairs[:, pairs[0].argsort()]


def _best(
    scores: Callable[[slice], Tensor], count: int, size: int, k: int, excluded: Tensor
) -> tuple[Tensor, Tensor]:
    """Partners by the scores of some rows at a time, and which are excluded."""
    best = excluded.new_empty((count, k))
    fills = torch.zeros_like(best, dtype=torch.bool)
    begin = torch.searchsorted(excluded[0], torch.arange(count + 1, device=excluded.device))
    step = max(1, _CHUNK // max(size, 1))
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        score = scores(part)
        if not bool(score.isfinite().all()):
            raise ValueError("z must have finite inner products: scale its rows")
        row, column = excluded[:, begin[part.start] : begin[part.stop]]
        score[row - start, column] = -math.inf
        value, best[part] = top_columns(score, k)
        fills[part] = value == -math.inf
    return best, fills


def link_ranking_metrics(
    pred: Array, ground_truth: Tensor, k: int, metrics: Sequence[str] = tuple(_METRICS)
) -> dict[str, float]:
    """Ranking metrics of PyG, averaged over the nodes that have a true partner.

    Args:
        pred (Tensor or ndarray): ``(B, k')`` int64 predictions, best first, k' at least k.
        ground_truth (Tensor): ``(2, T)`` pairs (row of ``pred``, true partner).
        k (int): Number of predictions that count.
        metrics (sequence of str): Of ``precision``, ``recall``, ``f1``, ``ndcg``, ``hit``,
            ``mrr`` (0 beyond k).

    Returns:
        dict[str, float]: Value by metric; NaN if no node has a true partner.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    values = per_node_link_metrics(pred, ground_truth, k, metrics=metrics)
    return {name: float(value[~value.isnan()].mean()) for name, value in values.items()}


def per_node_link_metrics(
    pred: Array | None = None,
    ground_truth: Tensor | None = None,
    k: int | None = None,
    exclude: Tensor | None = None,
    exclude_self: bool = True,
    *,
    z: FeatureRows | Array | None = None,
    nodes: Array | None = None,
    metrics: Sequence[str] = tuple(_METRICS),
) -> dict[str, Tensor]:
    """Ranking metrics of PyG for every node by itself.

    Args:
        pred (Tensor or ndarray): Scores ``(B, N)`` (floating point; ranked by
            :func:`top_predictions` with ``exclude`` and ``exclude_self``; excluded partners are
            never hits), or finished predictions ``(B, k')`` int64, best first, k' at least k, no
            partner twice in a row (``exclude`` and ``exclude_self`` are then not read). None where
            ``z`` is given.
        ground_truth (Tensor): ``(2, T)`` pairs (row of ``pred``, or of ``nodes``; true partner).
        k (int): Number of predictions that count.
        exclude (Tensor, optional): ``(2, E)`` pairs (node, partner) that must not be predicted.
        exclude_self (bool): Do not predict a node for itself; ``False`` for parity with the
            authors' program.
        z (Tensor, ndarray or EmbeddingStore, optional): Embeddings ``(N, D)`` in place of ``pred``:
            the scores are their inner products, computed in chunks, so that memory is linear in N.
        nodes (Tensor or ndarray, optional): ``(B,)`` node of every row of the scores; with ``z``,
            the nodes whose partners are ranked.
        metrics (sequence of str): Of ``precision``, ``recall``, ``f1``, ``ndcg``, ``hit``,
            ``mrr`` (0 beyond k).

    Returns:
        dict[str, Tensor]: ``(B,)`` float32 by metric; NaN for nodes without a true partner.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range, or a score
            is not finite.

    Complexity: that of :func:`top_predictions`, and O(B k + T log T).

    Example:
        >>> z = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
        >>> truth = torch.tensor([[0, 1], [1, 2]])
        >>> per_node_link_metrics(z=z, ground_truth=truth, k=1, metrics=["hit"])["hit"]
        tensor([1., 0., nan])
    """
    k = check_int(k, "k", minimum=1)
    if (pred is None) == (z is None):
        raise ValueError("pred or z must be given, and not both")
    pred, size = _predictions(from_array(pred, "pred"), z, k, nodes, exclude, exclude_self)
    ground_truth = _check_truth(ground_truth, pred, size)
    names = [check_choice(name, "metrics", tuple(_METRICS)) for name in metrics]
    known = torch.bincount(ground_truth[0], minlength=pred.size(0)) > 0
    values = {}
    for name in names:
        value = _pyg_metric(name, k, pred[:, :k], ground_truth).float()
        # PyG gives 0 to rows without a true partner, as if all predictions were wrong.
        values[name] = torch.where(known, value, torch.full_like(value, math.nan))
    return values


def _predictions(
    pred: Tensor | None,
    z: FeatureRows | Array | None,
    k: int,
    nodes: Array | None,
    exclude: Tensor | None,
    exclude_self: bool,
) -> tuple[Tensor, int | None]:
    """Finished predictions, and the number of nodes where it is known."""
    if pred is not None and not check_tensor(pred, "pred").is_floating_point():
        if pred.dtype != torch.int64 or pred.dim() != 2 or pred.size(1) < k:
            raise ValueError(
                f"pred must be scores or int64 predictions of at least k={k} columns, "
                f"got {pred.dtype} {tuple(pred.shape)}"
            )
        _check_partners(pred[:, :k])
        return pred, None
    best, fills, size = _ranked(pred, k, nodes, exclude, exclude_self, z)
    # What must not be predicted is no hit where it fills a row: no node has this number.
    return best.masked_fill(fills, size), size


def _pyg_metric(name: str, k: int, pred: Tensor, ground_truth: Tensor) -> Tensor:
    """Metric of PyG per row: the only use of its private function; a test compares the means."""
    from torch_geometric import metrics
    from torch_geometric.metrics.link_pred import LinkPredMetricData

    with pred.device:  # PyG makes tensors on the default device
        compute: Callable[..., Tensor] = getattr(metrics, _METRICS[name])(k)._compute
        return compute(LinkPredMetricData(pred_index_mat=pred, edge_label_index=ground_truth))


def _check_nodes(nodes: Tensor | None, rows: Tensor, size: int) -> Tensor:
    if nodes is None:
        if rows.numel() > size:
            raise ValueError(f"score has {rows.numel()} rows for {size} nodes: pass nodes")
        return rows
    nodes = check_index(nodes, size, "nodes", length=rows.numel())
    if nodes.unique().numel() != nodes.numel():
        raise ValueError("nodes must not repeat a node")
    return nodes


def _check_partners(pred: Tensor) -> None:
    """Refuse what PyG would count wrongly: a partner twice in a row, and numbers below 0."""
    check_range(pred, 2**63 - 1, "pred")
    ordered = pred.sort(dim=1).values
    twice = (ordered[:, 1:] == ordered[:, :-1]).nonzero()
    if twice.numel():
        row, at = (int(i) for i in twice[0])
        raise ValueError(
            f"pred must not repeat a partner in a row, but pred[{row}] holds "
            f"{int(ordered[row, at])} twice"
        )


def _check_truth(ground_truth: Tensor | None, pred: Tensor, size: int | None) -> Tensor:
    limit = max(int(pred.max()) + 1 if pred.numel() else 1, 2**31)
    ground_truth = check_edge_index(ground_truth, limit, "ground_truth")
    if ground_truth.numel() and int(ground_truth[0].max()) >= pred.size(0):
        raise IndexError(
            f"ground_truth[0] holds row {int(ground_truth[0].max())}, "
            f"but pred has {pred.size(0)} rows"
        )
    if size is not None:
        check_range(ground_truth[1], size, "ground_truth[1]")
    pairs: Tensor = torch.unique(ground_truth, dim=1)
    return pairs
