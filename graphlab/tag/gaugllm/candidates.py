"""Edges that may be wrong and edges that may be missing, before anybody has judged them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import (
    check_edge_index,
    check_edge_weight,
    check_index,
    check_int,
    check_mapping,
)
from graphlab._repr import short_repr

__all__ = ["ADD", "DELETE", "EdgeCandidates"]

#: Values of :attr:`EdgeCandidates.kind`.
DELETE, ADD = 0, 1


@short_repr
@dataclass(frozen=True, eq=False)
class EdgeCandidates:
    """Ordered pairs of nodes that a judge is asked about, in the order of its votes.

    A pair belongs to the list of its source: ``src`` asks whether ``dst`` should be its neighbour.

    Attributes:
        src (Tensor): ``(M,)`` int64.
        dst (Tensor): ``(M,)`` int64, other than ``src``.
        kind (Tensor): ``(M,)`` int64, 0 for an edge that may be spurious, 1 for one that may be
            missing.
        num_nodes (int): N.
        score (Tensor, optional): ``(M,)`` similarity by which they were proposed, or None.

    Raises:
        TypeError, ValueError, IndexError: If an id is out of range, a pair is a loop or repeats, or
            lengths differ.
    """

    src: Tensor
    dst: Tensor
    kind: Tensor
    num_nodes: int
    score: Tensor | None = None

    def __post_init__(self) -> None:
        count = check_int(self.num_nodes, "num_nodes", minimum=1)
        src = check_index(self.src, count, "src")
        dst = check_index(self.dst, count, "dst", length=src.numel())
        kind = check_index(self.kind, 2, "kind", length=src.numel())
        for name, value in (("src", src), ("dst", dst), ("kind", kind)):
            object.__setattr__(self, name, value)
        if self.score is not None:
            check_edge_weight(self.score, src.numel(), "score", nonnegative=False)
        loops = (src == dst).nonzero()
        if loops.numel():
            node = int(src[loops[0]])
            raise ValueError(f"candidates must join two nodes, but one joins {node} to itself")
        known, times = self.keys.unique(return_counts=True)
        if bool((times > 1).any()):
            key = int(known[times > 1][0])
            raise ValueError(f"candidates must not repeat, but {divmod(key, count)} does")

    def __len__(self) -> int:
        return self.src.numel()

    @property
    def keys(self) -> Tensor:
        """``src * N + dst``, int64 ``(M,)``."""
        return self.src * self.num_nodes + self.dst

    def check_graph(self, edge_index: Tensor) -> EdgeCandidates:
        """Check that the candidates are about this graph.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            EdgeCandidates: These.

        Raises:
            ValueError: If one to add is an edge already, or one to delete is none.

        Complexity: O((E + M) log M).
        """
        edges = check_edge_index(edge_index, self.num_nodes).to(self.src.device)
        # As keys, pairs are compared without a Python loop.
        present = torch.isin(self.keys, edges[0] * self.num_nodes + edges[1])
        for wrong, what in (
            (present & (self.kind == ADD), "to be added, but it is an edge already"),
            (~present & (self.kind == DELETE), "to be deleted, but it is no edge"),
        ):
            if bool(wrong.any()):
                first = int(wrong.nonzero()[0])
                pair = (int(self.src[first]), int(self.dst[first]))
                raise ValueError(f"candidate {first} = {pair} is {what} of the graph")
        return self

    @staticmethod
    def from_lists(
        lists: Mapping[int | str, Mapping[str, Sequence[int]]],
        num_nodes: int,
        *,
        min_del: int = 5,
    ) -> EdgeCandidates:
        """Read the lists per node that GAugLLM's code stores.

        Args:
            lists (mapping): ``{node: {"most_dissimilar_neighbors": [...],
                "most_similar_non_neighbors": [...]}}``. Nodes are taken in the order given.
            num_nodes (int): N.
            min_del (int): Shorter lists of neighbours are left out, as they are in the prompts
                there.

        Returns:
            EdgeCandidates: Neighbours before others for every node: the order of stored votes.
        """
        src: list[int] = []
        dst: list[int] = []
        kind: list[int] = []
        min_del = check_int(min_del, "min_del", minimum=0)
        for node, both in check_mapping(lists, "lists").items():
            neighbors = list(both["most_dissimilar_neighbors"])
            neighbors = neighbors if len(neighbors) >= min_del else []
            others = list(both["most_similar_non_neighbors"])
            src += [int(node)] * (len(neighbors) + len(others))
            dst += [*neighbors, *others]
            kind += [DELETE] * len(neighbors) + [ADD] * len(others)
        ends = torch.tensor([src, dst, kind], dtype=torch.long, device="cpu")
        return EdgeCandidates(ends[0], ends[1], ends[2], num_nodes)
