"""NodeProperty: the place of a node in the graph."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab._checks import check_choice, check_list, check_real
from graphlab.contrastive.augment import node_centrality
from graphlab.contrastive.pretext.task import PretextTask
from graphlab.contrastive.pretext.triangles import clustering_coefficient

__all__ = ["NodeProperty"]

Property = Literal["degree", "clustering", "pagerank"]


class NodeProperty(PretextTask):
    """Pretext task: classify nodes by a structural property.

    The property is cut into classes; the loss is the cross-entropy of the head.

    Args:
        in_channels (int): Width D of the hidden states.
        prop (str): ``"degree"`` (edges that enter the node, loops left out), ``"clustering"`` (the
            local clustering coefficient) or ``"pagerank"`` (damping .85).
        bins (sequence of float, optional): Ascending borders; class k has values above border k - 1
            up to border k. (2, 7) for the degree by default, as the authors have it; the terciles
            of the graph for the others.

    Attributes:
        target (Tensor): Class of every node, int64 ``(N,)``.
        report (dict): Number of nodes of each class.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    (The authors' classes of PageRank cast a probability to an integer: all are 0.)
    """

    target: Tensor

    def __init__(
        self,
        in_channels: int,
        *,
        prop: Property = "degree",
        bins: Sequence[float] | None = None,
    ) -> None:
        self.prop: Property = check_choice(prop, "prop", ("degree", "clustering", "pagerank"))
        if bins is None:
            self.bins = [2.0, 7.0] if prop == "degree" else None
        else:
            self.bins = _borders(bins)
        super().__init__(in_channels, 3 if self.bins is None else len(self.bins) + 1)

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        value = self._values(data)
        if self.bins is None:
            borders = torch.quantile(value, value.new_tensor([1 / 3, 2 / 3]))
        else:
            borders = value.new_tensor(self.bins)
        target = torch.bucketize(value, borders)
        self._keep("target", target)
        count = target.bincount(minlength=self.head.out_features).tolist()
        return {f"class {number}": size for number, size in enumerate(count)}

    def _values(self, data: Any) -> Tensor:
        """The property of every node, float64 ``(N,)``."""
        edges, num_nodes = data.edge_index, int(data.num_nodes)
        edges = edges[:, edges[0] != edges[1]]
        if self.prop == "clustering":
            return clustering_coefficient(edges, num_nodes)
        return node_centrality(edges, num_nodes, self.prop).double()

    def _compare(self, h: Tensor) -> Tensor:
        return F.cross_entropy(self.head(h), self.target)


def _borders(bins: Sequence[float]) -> list[float]:
    borders = [check_real(border, "bins") for border in check_list(bins, "bins", "numbers")]
    if not borders or any(not a < b for a, b in itertools.pairwise(borders)):
        raise ValueError(f"bins must hold ascending borders, such as (2, 7), got {bins!r}")
    return borders
