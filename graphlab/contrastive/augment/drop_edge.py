"""Edges dropped at random, each with the same probability."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_fraction, check_int
from graphlab.contrastive.augment._draws import (
    budget_from,
    drop_mask,
    in_degree,
    pair_number,
)
from graphlab.contrastive.augment.edge_drop import EdgeDrop

__all__ = ["DropEdge"]


class DropEdge(EdgeDrop):
    """Drop every edge with the same probability.

    Each direction of an undirected edge is drawn on its own unless ``undirected``, as the released
    code of GRACE and its followers does: the view is then a directed graph.

    Args:
        p (float): Probability in [0, 1] that an edge is dropped.
        undirected (bool): Drop both directions of an edge together.
        seed (int): Seed of the draws of calls without a generator, which go on from call to call.
            Two views by two objects need two seeds, or one generator.

    Raises:
        TypeError, ValueError: If p is not a number in [0, 1].

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> generator = torch.Generator().manual_seed(0)
        >>> DropEdge(0.5)(edge_index, generator=generator).shape[0]
        2

        As a transform of PyG::

            data = Compose([ToUndirected(), DropEdge(0.2, undirected=True)])(data)
    """

    def __init__(self, p: float, undirected: bool = False, *, seed: int = 0) -> None:
        super().__init__(seed)
        self.p = check_fraction(p, "p")
        self.undirected = bool(undirected)

    @property
    def rate(self) -> float:
        """Probability that an edge is dropped."""
        return self.p

    def keep(self, edge_index: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Which edges survive.

        Args:
            edge_index (Tensor): Edges ``(2, E)`` int64.
            generator (torch.Generator, optional): Source of the draw; see ``seed``.

        Returns:
            Tensor: bool ``(E,)``.

        Complexity: O(E) time and memory; O(E log E) time if undirected.
        """
        edge_index = check_edge_index(edge_index, 2**31 - 1, values=False)
        generator = self._stream.generator(generator)
        probability = torch.full((edge_index.size(1),), self.p, device=edge_index.device)
        kept = drop_mask(probability, generator)
        return kept[pair_number(edge_index)] if self.undirected else kept

    def expected_budget(self, edge_index: Tensor, num_nodes: int) -> Tensor:
        """Rounded expectation of the drops per target node.

        ``min(max(deg - 1, 0), round(p deg))`` with the in-degree and rounding half to even in
        float32, as POT's authors set it. A real draw exceeds it for many nodes.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.
            num_nodes (int): N.

        Returns:
            Tensor: ``(N,)`` int64.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
        # In float32: the products round to the same halves as in the code of POT's authors.
        degree = in_degree(check_edge_index(edge_index, num_nodes), num_nodes)
        return budget_from(self.p * degree, degree)

    def __repr__(self) -> str:
        return f"DropEdge({self.p})"
