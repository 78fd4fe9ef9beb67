"""Edits of one edge tensor: which edges candidates ask about, and how many each node may draw."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab._checks import check_edge_index
from graphlab.tag.gaugllm.candidates import ADD, DELETE, EdgeCandidates


@dataclass
class EditPlan:
    """Relation of one edge tensor to the candidates, made once for all draws.

    Attributes:
        candidates (EdgeCandidates): The pairs that were judged.
        undirected (bool): Both directions of an edge change together.
        group (Tensor): List that each candidate is in, ``(M,)``: two per node.
        budget (Tensor): Draws per list, ``(2 N,)``.
        slots (tuple[Tensor, ...]): Per direction, the candidate that asks about each edge, ``(E,)``
            with M for none.
    """

    candidates: EdgeCandidates
    undirected: bool
    group: Tensor
    budget: Tensor
    slots: tuple[Tensor, ...]

    def apply(self, edge_index: Tensor, drawn: Tensor, yes: Tensor) -> Tensor:
        """Edges after the edits among those drawn.

        Args:
            edge_index (Tensor): The edges it was made for.
            drawn (Tensor): Candidates drawn, bool ``(M,)``.
            yes (Tensor): Opinion on each, ``(M,)``; NaN changes nothing, as it compares false.

        Returns:
            Tensor: Edges kept in their order, then new ones, ``(2, E')``.
        """
        kind = self.candidates.kind.to(edge_index.device)
        # One slot more than candidates: edges that nobody asks about point to it, and it is never
        # gone.
        gone = torch.zeros(kind.numel() + 1, dtype=torch.bool, device=edge_index.device)
        gone[:-1] = drawn & (kind == DELETE) & (yes < 0.5)
        keep = torch.ones(edge_index.size(1), dtype=torch.bool, device=edge_index.device)
        for slot in self.slots:
            keep &= ~gone[slot]
        new = drawn & (kind == ADD) & (yes > 0.5)
        ends = (self.candidates.src, self.candidates.dst)
        pairs = torch.stack([end.to(new.device)[new] for end in ends])
        return torch.cat([edge_index[:, keep], self.directions(pairs)], dim=1)

    def directions(self, pairs: Tensor) -> Tensor:
        """The pairs in both directions if the graph is undirected, once each."""
        if not self.undirected:
            return pairs
        count = self.candidates.num_nodes
        both = torch.cat([pairs, pairs.flip(0)], dim=1)
        # Both ends may have voted for the pair: as keys, repeats fall together.
        keys = (both[0] * count + both[1]).unique()
        return torch.stack([keys // count, keys % count])


def make_plan(
    candidates: EdgeCandidates, edge_index: Tensor, rates: tuple[float, float], undirected: bool
) -> EditPlan:
    """Find the edges that candidates ask about, and the budget of every node.

    Args:
        candidates (EdgeCandidates): The pairs that were judged.
        edge_index (Tensor): Edges ``(2, E)``.
        rates (tuple[float, float]): Draws per degree, for deletion and for addition.
        undirected (bool): Both directions of an edge change together.

    Raises:
        TypeError, ValueError, IndexError: If the edges are malformed, lack a direction, or do not
            fit the candidates.

    Complexity: O((E + M) log M).
    """
    count = candidates.num_nodes
    edges = check_edge_index(edge_index, count)
    candidates.check_graph(edges)
    check_edge_index(edges, count, symmetric=undirected, unless="undirected=False")
    forward, backward = edges[0] * count + edges[1], edges[1] * count + edges[0]
    # Candidate of every edge by binary search among the sorted keys of the candidates.
    known, order = candidates.keys.to(edges.device).sort()
    number = torch.cat([order, order.new_full((1,), len(candidates))])
    slots = []
    for keys in (forward, backward) if undirected else (forward,):
        position = torch.searchsorted(known, keys)
        asked = torch.isin(keys, known)
        slots.append(number[torch.where(asked, position, len(candidates))])
    # In double precision: half to even, as round() on a product of Python's floats does it.
    degree = torch.bincount(edges[0], minlength=count).double()
    budget = torch.stack([(rate * degree).round() for rate in rates], dim=1).flatten().long()
    # Two lists per node, numbered 2 i for deletions and 2 i + 1 for additions, as in the budget.
    group = (2 * candidates.src + candidates.kind).to(edges.device)
    return EditPlan(
        candidates,
        undirected,
        group,
        budget,
        tuple(slots),
    )
