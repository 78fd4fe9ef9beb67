"""Views of a graph, as POT prepares and checks them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, values_visible
from graphlab.contrastive.pot.budget import check_budget, expected_drops, quantile_drops
from graphlab.contrastive.pot.drops import DropSet
from graphlab.contrastive.pot.reference import CleanGraph

__all__ = ["BUDGETS", "Budget", "PreparedView", "check_view", "node_budget", "per_view"]

#: Rules for the drops that a node may suffer.
Rule = Literal["expected", "quantile", "all"]
BUDGETS: tuple[Rule, ...] = get_args(Rule)
#: Drops per node, by a rule or as numbers.
Budget = Rule | Tensor


class PreparedView:
    """The graph as one of the modes reads it, for the budget of a view.

    Args:
        edges (Tensor): Checked edges ``(2, E)`` of the graph.
        count (int): Nodes N.
        budget (Tensor): Drops per node ``(N,)``.
        directed (bool): Of :class:`DropSet`.
        mode (str): ``"reference"`` or ``"sound"``.
    """

    def __init__(
        self, edges: Tensor, count: int, budget: Tensor, directed: bool, mode: str
    ) -> None:
        if mode == "sound":
            self.drops = DropSet(edges, count, budget, directed, checked=True)
        else:
            self._whole = CleanGraph.build(edges, count, budget)

    def clean(self, nodes: Tensor | None) -> CleanGraph:
        """Graph of the reference mode, cropped to some nodes."""
        return self._whole.crop(nodes)


def node_budget(
    choice: Budget, rate: float | Tensor, target: Tensor, degree: Tensor, delta: float
) -> Tensor:
    """Drops per node, int64 ``(N,)``, at most the degrees.

    Args:
        choice (str or Tensor): A rule, or numbers of the caller, which are checked.
        rate (float or Tensor): Probability that an edge is dropped, or one per edge.
        target (Tensor): Target of every edge ``(E,)``.
        degree (Tensor): In-degrees ``(N,)``.
        delta (float): Of ``"quantile"``.
    """
    if isinstance(choice, Tensor):
        return check_budget(choice, degree)
    if choice == "all":
        return degree
    if choice == "quantile":
        return quantile_drops(rate, target, degree, delta)
    return torch.minimum(expected_drops(rate, target, degree), degree)


def check_view(view: Tensor, known: Tensor, num_nodes: int, name: str) -> Tensor:
    """Require edges of the graph; ``known`` holds its edges as ascending numbers."""
    edges = check_edge_index(view, num_nodes, name, loops=False, duplicates=False)
    if not values_visible(edges):
        return edges
    key = edges[0] * num_nodes + edges[1]
    # Numbers beyond the last one are compared with it, and differ.
    position = torch.searchsorted(known, key).clamp(max=max(0, known.numel() - 1))
    strange = (known[position] != key).nonzero() if known.numel() else key.nonzero()
    if strange.numel():
        source, target = (int(v) for v in edges[:, int(strange[0])])
        raise ValueError(
            f"{name} must hold edges of the graph only, but ({source}, {target}) is none: POT "
            "covers dropped edges, not added ones"
        )
    return edges


def per_view(value: Sequence[object], name: str) -> tuple:  # type: ignore[type-arg]
    """Require one item per view."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{name} must hold one item per view, two in all, got {value!r:.80}")
    return tuple(value)
