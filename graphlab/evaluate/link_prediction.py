"""Link prediction: scores over all edges, scores per node, and what these go along with."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_finite,
    check_index,
    check_int,
    check_matrix,
    check_range,
    check_same_device,
    check_tensor,
)

__all__ = [
    "correlation_table",
    "hits_at_k",
    "link_ranking_metrics",
    "mean_reciprocal_rank",
    "per_node_link_metrics",
    "top_predictions",
]

_METRICS = {
    "precision": "LinkPredPrecision",
    "recall": "LinkPredRecall",
    "f1": "LinkPredF1",
    "ndcg": "LinkPredNDCG",
    "hit": "LinkPredHitRatio",
    "mrr": "LinkPredMRR",
}


def hits_at_k(pos_score: Tensor, neg_score: Tensor, k: int) -> float:
    """Share of positive edges that score above the k-th best of one shared set of negatives.

    The number is that of ogb's ``Evaluator``, which however returns 1 without a word when there
    are fewer than k negatives: here this is an error.

    Args:
        pos_score (Tensor): ``(P,)`` floating point, finite.
        neg_score (Tensor): ``(M,)`` floating point, finite, M at least k.
        k (int): At least 1.

    Returns:
        float: In [0, 1]; a tie with the k-th negative does not count.

    Raises:
        TypeError, ValueError: If a score is malformed, or there are too few of them.

    Example:
        >>> hits_at_k(torch.tensor([3.0, 1.0]), torch.tensor([2.0, 0.0]), k=1)
        0.5
    """
    k = check_int(k, "k", minimum=1)
    _check_scores(pos_score, "pos_score", 1)
    _check_scores(neg_score, "neg_score", k)
    evaluator = _evaluator("ogbl-collab")
    evaluator.K = k
    scores = {"y_pred_pos": pos_score.detach(), "y_pred_neg": neg_score.detach()}
    return float(evaluator.eval(scores)[f"hits@{k}"])


def mean_reciprocal_rank(pos_score: Tensor, neg_score: Tensor) -> float:
    """Mean reciprocal rank of every positive edge among negatives of its own (ogb's).

    Args:
        pos_score (Tensor): ``(P,)`` floating point, finite.
        neg_score (Tensor): ``(P, M)`` floating point, finite: for instance hard negatives.

    Returns:
        float: In (0, 1]; with ties, the mean of the best and the worst rank counts.

    Raises:
        TypeError, ValueError: If a score is malformed or the lengths differ.
    """
    _check_scores(pos_score, "pos_score", 1)
    check_matrix(neg_score, "neg_score", rows=pos_score.numel())
    if neg_score.size(1) == 0:
        raise ValueError("neg_score must hold at least one negative per positive, got none")
    scores = {"y_pred_pos": pos_score.detach(), "y_pred_neg": neg_score.detach()}
    ranks = _evaluator("ogbl-citation2").eval(scores)["mrr_list"]
    return float(ranks.double().mean())


def top_predictions(
    score: Tensor,
    k: int,
    *,
    nodes: Tensor | None = None,
    exclude: Tensor | None = None,
    exclude_self: bool = True,
) -> Tensor:
    """Best-scored partners of every node.

    Args:
        score (Tensor): ``(B, N)`` floating point, finite; row b belongs to node ``nodes[b]``.
        k (int): Partners, in [1, N].
        nodes (Tensor, optional): ``(B,)`` node of every row; 0, 1, ... when missing.
        exclude (Tensor, optional): ``(2, E)`` pairs (node, partner) that must not be predicted,
            such as the training edges in both directions.
        exclude_self (bool): Do not predict a node for itself. The authors' program does, which
            costs a node its first prediction whenever a vector is most similar to itself.

    Returns:
        Tensor: ``(B, k)`` int64, best first, equal scores by index. Excluded partners come last,
        if they are needed to fill k columns.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    score = check_matrix(score, "score").detach()
    size = score.size(1)
    k = check_int(k, "k", minimum=1, maximum=size)
    rows = torch.arange(score.size(0), device=score.device)
    names = _check_nodes(nodes, rows, size)
    blocked = torch.zeros_like(score, dtype=torch.bool)
    if exclude_self:
        blocked[rows, names] = True
    if exclude is not None:
        exclude = check_edge_index(exclude, size, "exclude")
        check_same_device(score=score, exclude=exclude)
        row_of = score.new_full((size,), -1, dtype=torch.int64)
        row_of[names] = rows
        row = row_of[exclude[0]]
        blocked[row[row >= 0], exclude[1][row >= 0]] = True
    masked = score.masked_fill(blocked, -math.inf)
    return torch.sort(masked, dim=1, descending=True, stable=True).indices[:, :k]


def link_ranking_metrics(
    pred: Tensor, ground_truth: Tensor, k: int, metrics: Sequence[str] = tuple(_METRICS)
) -> dict[str, float]:
    """Ranking metrics of PyG, averaged over the nodes that have a true partner.

    Args:
        pred (Tensor): ``(B, k')`` int64 predictions, best first, k' at least k.
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
    pred: Tensor,
    ground_truth: Tensor,
    k: int,
    exclude: Tensor | None = None,
    exclude_self: bool = True,
    *,
    nodes: Tensor | None = None,
    metrics: Sequence[str] = tuple(_METRICS),
) -> dict[str, Tensor]:
    """Ranking metrics of PyG for every node by itself.

    Args:
        pred (Tensor): Scores ``(B, N)`` (floating point; ranked by :func:`top_predictions` with
            ``exclude`` and ``exclude_self``), or finished predictions ``(B, k')`` int64, best
            first, k' at least k, no partner twice in a row (``exclude`` and ``exclude_self`` are
            then not read).
        ground_truth (Tensor): ``(2, T)`` pairs (row of ``pred``, true partner).
        k (int): Number of predictions that count.
        exclude (Tensor, optional): ``(2, E)`` pairs (node, partner) that must not be predicted.
        exclude_self (bool): Do not predict a node for itself; ``False`` for parity with the
            authors' program.
        nodes (Tensor, optional): ``(B,)`` node of every row of the scores.
        metrics (sequence of str): Of ``precision``, ``recall``, ``f1``, ``ndcg``, ``hit``,
            ``mrr`` (0 beyond k).

    Returns:
        dict[str, Tensor]: ``(B,)`` float32 by metric; NaN for nodes without a true partner.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range, or a score
            is not finite.
    """
    k = check_int(k, "k", minimum=1)
    size = None
    if check_tensor(pred, "pred").is_floating_point():
        size = pred.size(-1)
        pred = top_predictions(pred, k, nodes=nodes, exclude=exclude, exclude_self=exclude_self)
    elif pred.dtype != torch.int64 or pred.dim() != 2 or pred.size(1) < k:
        raise ValueError(
            f"pred must be scores or int64 predictions of at least k={k} columns, "
            f"got {pred.dtype} {tuple(pred.shape)}"
        )
    else:
        _check_partners(pred[:, :k])
    ground_truth = _check_truth(ground_truth, pred, size)
    names = [check_choice(name, "metrics", tuple(_METRICS)) for name in metrics]
    known = torch.bincount(ground_truth[0], minlength=pred.size(0)) > 0
    values = {}
    for name in names:
        value = _pyg_metric(name, k, pred[:, :k], ground_truth).float()
        values[name] = torch.where(known, value, torch.full_like(value, math.nan))
    return values


def correlation_table(
    properties: Mapping[str, Tensor], metrics: Mapping[str, Tensor], mask: Tensor | None = None
) -> dict[str, dict[str, dict[str, float]]]:
    """Correlation of node properties with per-node metrics.

    State the metric and the set of nodes with every number: precision, for instance, grows with
    the number of true partners, and with it goes along with the degree in the test edges.

    Args:
        properties (Mapping): ``(N,)`` values by name: concentration, degree, clustering, ...
        metrics (Mapping): ``(N,)`` values by name; see :func:`per_node_link_metrics`.
        mask (Tensor, optional): ``(N,)`` bool, nodes to take; those with NaN are left out of the
            pair concerned.

    Returns:
        dict: ``table[property][metric]`` with ``pearson``, ``spearman`` in [-1, 1] and
        ``num_nodes``; NaN for fewer than two nodes or a constant side.

    Raises:
        TypeError, ValueError: If lengths differ, or the mask is not bool.

    Warns:
        UserWarning: If a side is constant.
    """
    vectors = [*properties.items(), *metrics.items()]
    sizes = [(name, tuple(value.shape)) for name, value in vectors]
    shapes = {size for _, size in sizes}
    if len(shapes) > 1 or any(len(size) != 1 for size in shapes):
        raise ValueError(f"properties and metrics must be 1-D of one length, got {sizes}")
    if mask is not None and (
        check_tensor(mask, "mask").dtype != torch.bool or {tuple(mask.shape)} != (shapes or {()})
    ):
        raise ValueError(
            f"mask must be bool of shape {sizes[0][1] if sizes else ()}, got {mask.dtype} "
            f"{tuple(mask.shape)}"
        )
    return {
        name: {
            metric: _correlation(f"{name} and {metric}", x, y, mask)
            for metric, y in metrics.items()
        }
        for name, x in properties.items()
    }


def _correlation(pair: str, x: Tensor, y: Tensor, mask: Tensor | None) -> dict[str, float]:
    from scipy.stats import pearsonr, spearmanr

    a, b = x.detach().double().cpu(), y.detach().double().cpu()
    keep = a.isfinite() & b.isfinite()
    keep = keep if mask is None else keep & mask.cpu()
    a, b = a[keep], b[keep]
    number = float(a.numel())
    if a.numel() < 2 or bool((a == a[0]).all()) or bool((b == b[0]).all()):
        warnings.warn(f"correlation of {pair} is undefined: a side is constant", stacklevel=4)
        return {"pearson": math.nan, "spearman": math.nan, "num_nodes": number}
    return {
        "pearson": float(pearsonr(a.numpy(), b.numpy())[0]),
        "spearman": float(spearmanr(a.numpy(), b.numpy())[0]),
        "num_nodes": number,
    }


def _pyg_metric(name: str, k: int, pred: Tensor, ground_truth: Tensor) -> Tensor:
    """Metric of PyG per row: the only use of its private function; a test compares the means."""
    from torch_geometric import metrics
    from torch_geometric.metrics.link_pred import LinkPredMetricData

    compute: Callable[..., Tensor] = getattr(metrics, _METRICS[name])(k)._compute
    return compute(LinkPredMetricData(pred_index_mat=pred, edge_label_index=ground_truth))


def _evaluator(name: str) -> Any:
    from ogb.linkproppred import Evaluator

    return Evaluator(name=name)


def _check_scores(score: Tensor, name: str, minimum: int) -> None:
    if not check_tensor(score, name).is_floating_point() or score.dim() != 1:
        raise ValueError(f"{name} must be 1-D floating point, got {tuple(score.shape)}")
    if score.numel() < minimum:
        raise ValueError(f"{name} must hold at least {minimum} scores, got {score.numel()}")
    check_finite(score, name)


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


def _check_truth(ground_truth: Tensor, pred: Tensor, size: int | None) -> Tensor:
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
