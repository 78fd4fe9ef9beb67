"""PairwiseDistance: how many hops lie between two nodes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab._checks import check_int, warn_caller
from graphlab._random import random_order
from graphlab.contrastive.pretext.answers import difference
from graphlab.contrastive.pretext.hop_targets import reversed_rows
from graphlab.contrastive.pretext.task import PretextTask
from graphlab.ops import hop_distances

__all__ = ["PairwiseDistance"]

# Pairs that are looked at together, and nodes whose pairs are looked at in any case.
_CHUNK, _SOURCES = 1 << 22, 256


class PairwiseDistance(PretextTask):
    r"""Pretext task: classify pairs of nodes by the number of hops between them.

    Class k has the pairs at k + 1 hops, the last one those at ``max_hops`` or more and the pairs
    that are not connected; edges lead both ways. The head sees :math:`|h_i - h_j|`; the loss is the
    cross-entropy.

    Args:
        in_channels (int): Width D of the hidden states.
        num_pairs (int): Pairs per class. Where a class has fewer, all of them are taken.
        max_hops (int): Number of classes, at least 2.

    Attributes:
        pairs (Tensor): int64 ``(2, P)``, the smaller node first.
        target (Tensor): Class of every pair, int64 ``(P,)``.
        report (dict): Number of pairs of each class.

    The pairs of a class are drawn evenly from those of S drawn nodes with all others, where S grows
    from 256 until every class is full: time O(S E max_hops), not O(N^2).

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    pairs: Tensor
    target: Tensor

    def __init__(self, in_channels: int, *, num_pairs: int = 4000, max_hops: int = 4) -> None:
        self.max_hops = check_int(max_hops, "max_hops", minimum=2)
        super().__init__(in_channels, self.max_hops)
        self.num_pairs = check_int(num_pairs, "num_pairs", minimum=1)

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        num_nodes = int(data.num_nodes)
        if num_nodes < 2:  # the mean over no pairs would be NaN
            raise ValueError(f"data must have at least 2 nodes, to make pairs of, got {num_nodes}")
        # A pair has one distance, whichever of its nodes is drawn, if every edge leads both ways.
        either = torch.cat([data.edge_index, data.edge_index.flip(0)], dim=1)
        rows = reversed_rows(either, num_nodes)
        order = random_order(num_nodes, generator, rows.device)
        kept = [_Sample(self.num_pairs, generator) for _ in range(self.max_hops)]
        seen = torch.zeros(num_nodes, dtype=torch.bool, device=rows.device)
        for nodes in order.split(max(1, min(_SOURCES, _CHUNK // max(num_nodes, 1)))):
            seen[nodes] = True
            for sample, pairs in zip(kept, self._pairs_of(nodes, seen, rows), strict=True):
                sample.add(pairs)
            full = all(sample.pairs.size(1) == self.num_pairs for sample in kept)
            if full and int(seen.sum()) >= _SOURCES:
                break
        drawn = [sample.pairs for sample in kept]
        sizes = [pairs.size(1) for pairs in drawn]
        few = {k + 1: size for k, size in enumerate(sizes) if size < self.num_pairs}
        if few:
            found = ", ".join(f"{size} at {hops} hops" for hops, size in few.items())
            warn_caller(f"fewer than num_pairs={self.num_pairs} pairs of nodes: {found}")
        self._keep("pairs", torch.cat(drawn, dim=1).sort(0).values)
        kind = torch.arange(self.max_hops, device="cpu")
        self._keep("target", kind.repeat_interleave(torch.tensor(sizes, device="cpu")))
        return {f"{k + 1} hops": size for k, size in enumerate(sizes)}

    def _pairs_of(self, nodes: Tensor, seen: Tensor, rows: Any) -> list[Tensor]:
        """Pairs of some nodes, by class; those of two drawn nodes once."""
        hops = hop_distances(nodes, rows, max_hops=self.max_hops - 1)
        kind = torch.where(hops < 0, self.max_hops, hops) - 1
        # Of two drawn nodes, both see the pair if they are of one block: the smaller one counts.
        twice = torch.zeros_like(seen)
        twice[nodes] = True
        other = torch.arange(seen.numel(), device=nodes.device)
        open_pairs = ~(seen & ~twice) & ~(twice & (other <= nodes[:, None]))
        found = []
        for k in range(self.max_hops):
            row, col = ((kind == k) & open_pairs).nonzero().unbind(1)
            found.append(torch.stack([nodes[row], col]))
        return found

    def _compare(self, h: Tensor) -> Tensor:
        return F.cross_entropy(self.head(difference(h, self.pairs)), self.target)


class _Sample:
    """A uniform sample, without repetition, of pairs that come block by block."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.pairs = torch.empty((2, 0), dtype=torch.long, device="cpu")
        self._size, self._generator = size, generator
        self._key = torch.empty(0, device="cpu")

    def add(self, pairs: Tensor) -> None:
        """Keep the pairs with the smallest of random numbers, among the old ones and the new."""
        key = torch.rand(
            pairs.size(1), generator=self._generator, device=self._generator.device
        ).to(pairs.device)
        key = torch.cat([self._key.to(key), key])
        pairs = torch.cat([self.pairs.to(pairs.device), pairs], dim=1)
        number = key.topk(min(self._size, key.numel()), largest=False, sorted=False).indices
        self._key, self.pairs = key[number], pairs[:, number]
