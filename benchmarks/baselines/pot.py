"""POT's published score with dense N x N matrices, as its authors compute it, in eager PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, normalize

__all__ = ["DenseGraph", "dense_compactness"]


@dataclass(frozen=True)
class DenseGraph:
    """The four matrices: entry bounds, the undisturbed graph and a sampled view."""

    upper: Tensor
    lower: Tensor
    clean: Tensor
    view: Tensor

    @staticmethod
    def build(
        edge_index: Tensor, view_edge_index: Tensor, num_nodes: int, drop_rate: float
    ) -> DenseGraph:
        """Build all four, ``(N, N)`` float32 each."""
        degree = torch.bincount(edge_index[1], minlength=num_nodes).float()
        most = torch.minimum((drop_rate * degree).round(), (degree - 1).clamp(min=0))
        adjacency = _with_loops(edge_index, num_nodes)
        left = (degree + 1 - most).rsqrt()
        return DenseGraph(
            upper=left.unsqueeze(1) * adjacency * left,
            lower=torch.diag(1 / (degree + 1)),
            clean=_normalised(edge_index, num_nodes),
            view=_normalised(view_edge_index, num_nodes),
        )


def _with_loops(edge_index: Tensor, num_nodes: int) -> Tensor:
    adjacency = torch.eye(num_nodes)
    adjacency[edge_index[0], edge_index[1]] = 1
    return adjacency


def _normalised(edge_index: Tensor, num_nodes: int) -> Tensor:
    size = torch.bincount(edge_index[1], minlength=num_nodes).float() + 1
    scale = size.rsqrt()
    return scale.unsqueeze(1) * _with_loops(edge_index, num_nodes) * scale


def dense_compactness(
    x: Tensor,
    graph: DenseGraph,
    layers: list[tuple[Tensor, Tensor]],
    anchor: Tensor,
    negative_slope: float = 0.0,
) -> Tensor:
    """Score of every node, ``(N,)``; N x N products of which only the diagonals are read."""
    (weight1, bias1), (weight2, bias2) = layers
    middle, radius = (graph.upper + graph.lower) / 2, (graph.upper - graph.lower) / 2
    low1, high1 = _ends(x @ weight1.t(), middle, radius, bias1)
    hidden = leaky_relu(graph.clean @ (x @ weight1.t()) + bias1, negative_slope)
    low2, high2 = _ends(hidden @ weight2.t(), middle, radius, bias2)
    unit, count = normalize(anchor), anchor.size(0)
    target = unit * count / (count - 1) - unit.sum(0) / (count - 1)
    back2, constant2 = _relaxed(target, low2, high2, bias2, negative_slope)
    back1, constant1 = _relaxed(back2 @ weight2, low1, high1, bias1, negative_slope)
    own = (x * (back1 @ weight1)).sum(1)
    return graph.view @ (graph.view @ own + constant1) + constant2


def _ends(value: Tensor, middle: Tensor, radius: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    center, spread = middle @ value, radius @ value.abs()
    return center - spread + bias, center + spread + bias


def _relaxed(
    weight: Tensor, low: Tensor, high: Tensor, bias: Tensor, alpha: float
) -> tuple[Tensor, Tensor]:
    mixed = (low < 0) & (high > 0)
    rise = high - alpha * low
    one = torch.ones_like(low)
    slope = torch.where(mixed, rise / torch.where(mixed, high - low, one), one)
    slope = torch.where(high <= 0, alpha * one, slope)
    beta = torch.where(mixed, (alpha - 1) * high * low / torch.where(mixed, rise, one), 0 * one)
    back = slope * weight
    offset = torch.where(weight < 0, beta, 0 * beta)
    return back, torch.diag(back @ (offset + bias).t())
