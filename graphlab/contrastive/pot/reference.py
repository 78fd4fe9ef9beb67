"""The authors' compactness score: faithful, a smooth surrogate, and not a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from graphlab._checks import (
    check_distinct,
    check_edge_index,
    check_matrix,
    check_same_device,
)
from graphlab._precision import full_precision
from graphlab.contrastive.pot.budget import check_drop_rate, expected_drops
from graphlab.contrastive.pot.functional import unchecked_pairing
from graphlab.contrastive.pot.relaxation import relax
from graphlab.ops import SparseRows, interval_propagate

__all__ = ["CleanGraph", "reference_compactness", "reference_score"]


@dataclass(frozen=True)
class CleanGraph:
    """Graph as the authors' code reads it, with self-loops, for one drop rate.

    Attributes:
        whole (SparseRows): Entries ``[edge_index[0], edge_index[1]]`` of all nodes.
        clean (Tensor): Normalised entries of the graph itself, for ``whole``.
        pattern (SparseRows): Entries between the chosen nodes.
        low (Tensor): Lower ends: zero but on the diagonal.
        high (Tensor): Upper ends, both degrees at their smallest.
        nodes (Tensor, optional): Chosen nodes, in the order of the scores; all if missing.
        num_nodes (int): Nodes of the whole graph.
    """

    whole: SparseRows
    clean: Tensor
    pattern: SparseRows
    low: Tensor
    high: Tensor
    nodes: Tensor | None
    num_nodes: int

    @staticmethod
    def build(edge_index: Tensor, num_nodes: int, budget: Tensor) -> CleanGraph:
        """Graph of all nodes, its entries in float64."""
        degree = torch.bincount(edge_index[1], minlength=num_nodes)
        most = torch.minimum(budget.long(), (degree - 1).clamp(min=0))
        size = (degree + 1).double()
        row, col, _, _ = _cropped(*_with_loops(edge_index, num_nodes), num_nodes, None)
        left = (size - most).rsqrt()
        pattern = SparseRows.from_rows(row, col, num_nodes, num_nodes)
        # 1 / sqrt(d_i d_j), with the self-loop counted in both degrees.
        clean = (size[row] * size[col]).rsqrt()
        low = torch.where(row == col, clean, torch.zeros_like(clean))
        return CleanGraph(pattern, clean, pattern, low, left[row] * left[col], None, num_nodes)

    def crop(self, nodes: Tensor | None) -> CleanGraph:
        """Entries between some nodes of a whole graph."""
        if nodes is None:
            return self
        row, col, entry, count = _cropped(
            self.whole.row(), self.whole.col.long(), self.num_nodes, nodes
        )
        return replace(
            self,
            pattern=SparseRows.from_rows(row, col, count, count),
            low=self.low[entry],
            high=self.high[entry],
            nodes=nodes,
        )

    def view(self, view_edge_index: Tensor) -> tuple[SparseRows, Tensor]:
        """Pattern and entries of a sampled view, cropped like the graph."""
        size = (torch.bincount(view_edge_index[1], minlength=self.num_nodes) + 1).double()
        row, col = _with_loops(view_edge_index, self.num_nodes)
        value = (size[row] * size[col]).rsqrt()
        row, col, entry, count = _cropped(row, col, self.num_nodes, self.nodes)
        return SparseRows.from_rows(row, col, count, count), value[entry]


def _with_loops(edge_index: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    every = torch.arange(num_nodes, device=edge_index.device)
    return torch.cat([edge_index[0], every]), torch.cat([edge_index[1], every])


def _cropped(
    row: Tensor, col: Tensor, num_nodes: int, nodes: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, int]:
    """Entries between chosen nodes in their numbering, by row; their old positions; nodes."""
    entry = torch.arange(row.numel(), device=row.device)
    position = torch.arange(num_nodes, device=row.device)
    count = num_nodes
    if nodes is not None:
        count = nodes.numel()
        position = torch.full_like(position, -1).index_copy(
            0, nodes, torch.arange(count, device=row.device)
        )
        inside = (position[row] >= 0) & (position[col] >= 0)
        row, col, entry = row[inside], col[inside], entry[inside]
    row, col = position[row], position[col]
    order = torch.argsort(row * max(1, count) + col)
    return row[order], col[order], entry[order], count


def reference_compactness(
    x: Tensor,
    edge_index: Tensor,
    view_edge_index: Tensor,
    layers: Sequence[tuple[Tensor, Tensor | None]],
    anchor: Tensor,
    drop_rate: float | Tensor,
    *,
    negative_slope: float = 0.0,
    nodes: Tensor | None = None,
) -> Tensor:
    r"""Published compactness score of nodes, exactly as the authors' code computes it.

    The published "lower bound" is none: the second layer is bounded from the hidden states of the
    undisturbed graph, neighbours are relaxed with the target's own slopes, and the result is
    evaluated at the sampled view instead of the worst one. It exceeds the true minimum for most
    nodes; use it as the smooth training signal that it is, and :func:`compactness_bound` for a
    certificate.

    Args:
        x (Tensor): Features ``(N, F)``.
        edge_index (Tensor): Undisturbed graph ``(2, E)``; no self-loops, no duplicates.
        view_edge_index (Tensor): Edges of the sampled view, a part of ``edge_index``. The
            matrices have the entries [edge_index[0], edge_index[1]], both degrees are counted on
            edge_index[1], and they are applied from the left: the authors' orientation.
        layers (sequence): Two pairs ``(weight (out, in), bias (out,) or None)``.
        anchor (Tensor): Encoder output of the other view ``(N, d)``; normalised here.
        drop_rate (float or Tensor): Probability that an edge is dropped, or one per edge
            ``(E,)``: their rounded sum per node, at most its edges less one, is the budget.
        negative_slope (float): Of the rectifiers, in [0, 1]; a constant for derivatives.
        nodes (Tensor, optional): Distinct nodes ``(n,)``. As in the authors' batches, the bounds,
            the view and the anchors are cropped to them: neighbours outside do not count (they do
            for the hidden states), and the score is that of another graph.

    Returns:
        Tensor: ``(N,)``, or ``(n,)`` in the order of ``nodes``. The gradient flows to ``x``,
        ``layers`` and ``anchor``.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.

    Complexity: O(E d + N d²) time, O(E + N d) memory (the authors: O(N² d) and O(N²)).
    Reference: POT, "Provable Training for Graph Contrastive Learning", NeurIPS 2023,
    arXiv:2309.13944.
    """
    check_matrix(x, "x", csr=True)
    count = x.size(0)
    check_same_device(x=x, edge_index=edge_index, view_edge_index=view_edge_index, anchor=anchor)
    edge_index = check_edge_index(edge_index, count, loops=False, duplicates=False)
    view = check_edge_index(
        view_edge_index, count, "view_edge_index", loops=False, duplicates=False
    )
    rate = check_drop_rate(drop_rate, edge_index.size(1))
    check_matrix(anchor, "anchor", rows=count)
    _check_two_layers(layers)
    if not 0.0 <= negative_slope <= 1.0:
        raise ValueError(f"negative_slope must lie in [0, 1], got {negative_slope}")
    nodes = None if nodes is None else check_distinct(nodes, count, "nodes")
    compared = count if nodes is None else nodes.numel()
    if compared < 2:
        raise ValueError(f"anchor must have at least 2 rows to compare, got {compared}")
    degree = torch.bincount(edge_index[1], minlength=count)
    graph = CleanGraph.build(edge_index, count, expected_drops(rate, edge_index[1], degree))
    graph = graph.crop(nodes)
    with full_precision(x):
        return reference_score(x, graph, view, layers, anchor, negative_slope)


def reference_score(
    x: Tensor,
    graph: CleanGraph,
    view_edge_index: Tensor,
    layers: Sequence[tuple[Tensor, Tensor | None]],
    anchor: Tensor,
    negative_slope: float,
) -> Tensor:
    """:func:`reference_compactness` on a prepared graph and checked arguments."""
    (weight1, bias1), (weight2, bias2) = (
        (weight, weight.new_zeros(weight.size(0)) if bias is None else bias)
        for weight, bias in layers
    )
    value = x @ weight1.t()
    hidden, _ = interval_propagate(value, value, graph.whole, graph.clean, graph.clean)
    hidden = torch.nn.functional.leaky_relu(hidden + bias1, negative_slope) @ weight2.t()
    if graph.nodes is not None:
        value, hidden, anchor = value[graph.nodes], hidden[graph.nodes], anchor[graph.nodes]
    ends = graph.pattern, graph.low, graph.high
    # As released: the second layer is bounded from hidden states of the undisturbed graph.
    low1, high1 = (end + bias1 for end in interval_propagate(value, value, *ends))
    low2, high2 = (end + bias2 for end in interval_propagate(hidden, hidden, *ends))
    target = unchecked_pairing(anchor)
    back2, constant2 = _backward(target, low2, high2, bias2, negative_slope)
    back1, constant1 = _backward(back2 @ weight2, low1, high1, bias1, negative_slope)
    score = (value * back1).sum(1, keepdim=True)
    # The lines are evaluated at the sampled view, hop by hop, not at the worst graph.
    pattern, entry = graph.view(view_edge_index)
    score, _ = interval_propagate(score, score, pattern, entry, entry)
    score = score + constant1.unsqueeze(1)
    score, _ = interval_propagate(score, score, pattern, entry, entry)
    return score.squeeze(1) + constant2


def _check_two_layers(layers: Sequence[tuple[Tensor, Tensor | None]]) -> None:
    if len(layers) != 2:
        raise ValueError(f"layers must hold two (weight, bias), got {len(layers)}")
    for weight, _ in layers:
        check_matrix(weight, "layers weight")


def _backward(
    weight: Tensor, low: Tensor, high: Tensor, bias: Tensor, negative_slope: float
) -> tuple[Tensor, Tensor]:
    """Coefficients and constants of the authors' relaxation of one layer."""
    slope, _, below, above = relax(low, high, negative_slope)
    coefficient = slope * weight  # both lines share the slope, so that only the offset is chosen
    offset = torch.where(weight >= 0, below, above)
    return coefficient, (coefficient * (offset + bias)).sum(1)
