"""Random views of a graph: dropped edges and masked features, from explicit generators."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab._checks import check_edge_index, check_fraction, check_int, check_matrix, plain
from graphlab.contrastive.sparse_rows import scale_columns

__all__ = ["DropEdge", "MaskFeatures"]


def drop_mask(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw which entries survive being dropped with the given probabilities, bool."""
    draw = torch.rand(probability.shape, generator=generator, device=generator.device)
    return draw.to(probability.device) >= probability


def budget_from(expected: Tensor, degree: Tensor) -> Tensor:
    """Round an expected number of drops half to even, and leave every node one edge."""
    return torch.minimum(expected.round().long(), (degree.long() - 1).clamp(min=0))


def in_degree(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Count the edges that enter each node, float32 ``(N,)``."""
    return torch.bincount(edge_index[1], minlength=num_nodes).float()


def pair_number(edge_index: Tensor) -> Tensor:
    """Number of the unordered pair of every edge, ``(E,)``: both directions share one."""
    low, high = plain(edge_index).long().aminmax(dim=0)
    size = int(high.max()) + 1 if high.numel() else 1
    number: Tensor = torch.unique(low * size + high, return_inverse=True)[1]
    return number


class DropEdge:
    """Drop every edge with the same probability.

    Each direction of an undirected edge is drawn on its own unless ``undirected``, as the released
    code of GRACE and its followers does: the view is then a directed graph.

    Args:
        p (float): Probability in [0, 1] that an edge is dropped.
        undirected (bool): Drop both directions of an edge together.

    Raises:
        TypeError, ValueError: If p is not a number in [0, 1].

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> generator = torch.Generator().manual_seed(0)
        >>> DropEdge(0.5)(edge_index, generator=generator).shape[0]
        2
    """

    def __init__(self, p: float, undirected: bool = False) -> None:
        self.p = check_fraction(p, "p")
        self.undirected = bool(undirected)

    def __call__(self, edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the surviving edges, ``(2, E')``, in their order.

        Args:
            edge_index (Tensor): Edges ``(2, E)`` int64.
            generator (torch.Generator): Source of the draw.

        Complexity: O(E) time and memory; O(E log E) time if undirected.
        """
        probability = torch.full((edge_index.size(1),), self.p, device=edge_index.device)
        if not self.undirected:
            return edge_index[:, drop_mask(probability, generator)]
        return edge_index[:, drop_mask(probability, generator)[pair_number(edge_index)]]

    def expected_budget(self, edge_index: Tensor, num_nodes: int) -> Tensor:
        """Bound the drops per target node by their rounded expectation.

        ``min(max(deg - 1, 0), round(p deg))`` with the in-degree and rounding half to even in
        float32, as POT's authors set it. A real draw exceeds it for many nodes.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.
            num_nodes (int): N.

        Returns:
            Tensor: ``(N,)`` int64.
        """
        num_nodes = check_int(num_nodes, "num_nodes", minimum=1)
        degree = in_degree(check_edge_index(edge_index, num_nodes), num_nodes)
        return budget_from(self.p * degree, degree)

    def __repr__(self) -> str:
        return f"DropEdge({self.p})"


class MaskFeatures:
    """Set whole feature columns to zero, each with the same probability, for all nodes alike.

    Args:
        p (float): Probability in [0, 1] that a column is masked.

    Raises:
        TypeError, ValueError: If p is not a number in [0, 1].
    """

    def __init__(self, p: float) -> None:
        self.p = check_fraction(p, "p")

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return a masked copy of the features ``(N, F)``; the input itself if p is zero.

        Args:
            x (Tensor): Features, floating point ``(N, F)``, dense or sparse CSR.
            generator (torch.Generator): Source of the draw.
        """
        if self.p == 0.0:
            return x
        keep = drop_mask(torch.full((x.size(1),), self.p, device=x.device), generator)
        return scale_columns(x, keep.to(x.dtype))

    def expected_budget(self, x: Tensor) -> int:
        """Return the expected number of masked columns, rounded half to even."""
        return round(self.p * check_matrix(x, "x", finite=False).size(1))

    def __repr__(self) -> str:
        return f"MaskFeatures({self.p})"
