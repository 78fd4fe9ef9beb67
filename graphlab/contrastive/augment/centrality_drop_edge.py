"""Edges dropped by the importance of the node they enter: the augmentation of GCA."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_finite,
    check_fraction,
    check_int,
    values_visible,
)
from graphlab.contrastive.augment._draws import budget_from, drop_mask, in_degree
from graphlab.contrastive.augment.edge_drop import EdgeDrop
from graphlab.contrastive.augment.node_centrality import Measure, node_centrality

__all__ = ["CentralityDropEdge", "Measure"]


def _drop_weight(score: Tensor) -> Tensor:
    """``(max - score) / (max - mean)``, and one everywhere if all scores agree."""
    spread = score.max() - score.mean()
    if float(spread) <= 1e-6 * max(1.0, abs(float(score.max()))):
        return torch.ones_like(score)
    return (score.max() - score) / spread


class CentralityDropEdge(EdgeDrop):
    r"""Drop edges into unimportant nodes more often than edges into important ones.

    With :math:`s = \log c` of the edge's target, :math:`w = (\max s - s) / (\max s - \bar s)` and
    rate p, an edge is dropped with probability :math:`\min(p\, w / \bar w, threshold)`. Means and
    maxima run over edges, so that p is the average rate before the threshold cuts it.

    Args:
        edge_index (Tensor): Edges of the graph, ``(2, E)``; calls expect this very list.
        num_nodes (int): N.
        p (float): Average rate in [0, 1].
        centrality (str or Tensor): A measure of :func:`node_centrality`, or non-negative values
            ``(N,)`` of your own. The released code of GCA has ``"degree"``, ``"eigenvector"``, and
            under the name of PageRank what is called ``"released_pagerank"`` here.
        threshold (float): Largest probability, in [0, 1].
        seed (int): Seed of the draws of calls without a generator, which go on from call to call.

    Attributes:
        weight (Tensor): w of every edge, ``(E,)`` float32.
        probability (Tensor): Probability of every edge, ``(E,)`` float32.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.

    Reference: Zhu et al., "Graph contrastive learning with adaptive augmentation", WWW 2021,
        arXiv:2010.14945.
    """

    def __init__(
        self,
        edge_index: Tensor,
        num_nodes: int,
        p: float,
        centrality: Measure | Tensor = "degree",
        threshold: float = 0.7,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
        self.edge_index = check_edge_index(edge_index, num_nodes)
        if self.edge_index.size(1) == 0:
            raise ValueError("edge_index must hold at least one edge, got none")
        self.p = check_fraction(p, "p")
        self.threshold = check_fraction(threshold, "threshold")
        value = self._centrality(centrality)
        if isinstance(centrality, str) and centrality == "eigenvector":
            value = value + 1e-8  # other components of the graph have none
        floor = torch.finfo(value.dtype).tiny  # the logarithm of zero must stay a number
        self.weight = _drop_weight(value.clamp(min=floor).log()[self.edge_index[1]])
        self.probability = (self.weight / self.weight.mean() * self.p).clamp(max=self.threshold)

    @property
    def rate(self) -> Tensor:
        """Probability of every edge, ``(E,)``."""
        return self.probability

    def _centrality(self, centrality: Measure | Tensor) -> Tensor:
        if isinstance(centrality, str):
            return node_centrality(self.edge_index, self.num_nodes, centrality)
        if not isinstance(centrality, Tensor):
            raise TypeError(
                f"centrality must be a str or a Tensor, got {type(centrality).__name__}"
            )
        if centrality.shape != (self.num_nodes,):
            raise ValueError(
                f"centrality must have shape ({self.num_nodes},), got {tuple(centrality.shape)}"
            )
        check_finite(centrality, "centrality")
        if float(centrality.min()) < 0:
            raise ValueError(f"centrality must be non-negative, got {float(centrality.min())}")
        return centrality.float()

    def keep(self, edge_index: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Which edges survive.

        Args:
            edge_index (Tensor): The edges given at construction.
            generator (torch.Generator, optional): Source of the draw; see ``seed``.

        Returns:
            Tensor: bool ``(E,)``.

        Raises:
            ValueError: If ``edge_index`` is another list of edges.
        """
        self._check_same(edge_index)
        generator = self._stream.generator(generator)
        return drop_mask(self.probability.to(edge_index.device), generator)

    def expected_budget(self, edge_index: Tensor | None = None, num_nodes: int = 0) -> Tensor:
        """Rounded sum of the drop probabilities of every node's in-edges.

        Args:
            edge_index (Tensor, optional): The edges given at construction; only checked.
            num_nodes (int): Not used; it keeps the call like that of :class:`DropEdge`.

        Returns:
            Tensor: ``(N,)`` int64, at most the in-degree minus one.
        """
        if edge_index is not None:
            self._check_same(edge_index)
        expected = torch.zeros(self.num_nodes, device=self.probability.device)
        expected.scatter_add_(0, self.edge_index[1], self.probability)
        return budget_from(expected, in_degree(self.edge_index, self.num_nodes))

    def _check_same(self, edge_index: Tensor) -> None:
        if edge_index is self.edge_index:
            return
        edge_index = check_edge_index(edge_index, self.num_nodes, values=False)
        same = edge_index.shape == self.edge_index.shape
        if same and values_visible(edge_index):
            same = torch.equal(edge_index, self.edge_index.to(edge_index.device))
        if not same:
            raise ValueError(
                f"edge_index must be the edges of the graph, {tuple(self.edge_index.shape)} in the "
                f"same order, got {tuple(edge_index.shape)}"
            )

    def __repr__(self) -> str:
        return f"CentralityDropEdge({self.p}, threshold={self.threshold})"
