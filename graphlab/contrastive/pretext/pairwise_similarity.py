"""PairwiseSimilarity: how alike the features of two nodes are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_int, check_matrix
from graphlab.contrastive.pretext.answers import difference
from graphlab.contrastive.pretext.task import PretextTask
from graphlab.ops import pairwise_topk, unit_rows

__all__ = ["PairwiseSimilarity"]


class PairwiseSimilarity(PretextTask):
    r"""Pretext task: cosines of the features of pairs of nodes.

    Every node is paired with the nodes of the most and of the least similar features and with drawn
    ones. The head sees :math:`|h_i - h_j|`; the loss is the mean squared error.

    Args:
        in_channels (int): Width D of the hidden states.
        near (int): Most similar nodes per node.
        far (int): Least similar nodes per node.
        random (int): Drawn nodes per node.

    Attributes:
        pairs (Tensor): int64 ``(2, N (near + far + random))``.
        target (Tensor): Cosine of every pair, float32 ``(P,)``.
        report (dict): ``near``, ``far`` and ``random`` pairs.

    Complexity: setup takes O(N^2 F) time and O(N F) memory for F features.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    pairs: Tensor
    target: Tensor

    def __init__(self, in_channels: int, *, near: int = 3, far: int = 3, random: int = 3) -> None:
        super().__init__(in_channels, 1)
        self.near = check_int(near, "near", minimum=0)
        self.far = check_int(far, "far", minimum=0)
        self.random = check_int(random, "random", minimum=0)
        if near + far + random == 0:
            raise ValueError("near, far and random must not all be 0")

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        if getattr(data, "x", None) is None:
            raise ValueError("data must have x, the features to compare")
        x = unit_rows(check_matrix(data.x, "data.x").detach())
        size = x.size(0)
        if size < 2:
            raise ValueError(f"data must have at least 2 nodes, to make pairs of, got {size}")
        if size <= max(self.near, self.far):
            raise ValueError(
                f"near and far must be below the number of nodes, {size}, "
                f"got {self.near} and {self.far}"
            )
        node = torch.arange(size, device=x.device)
        others = []
        if self.near:
            others.append(pairwise_topk(x, k=self.near)[1])
        if self.far:
            # A node is never among its least similar ones, but where all its cosines are equal.
            others.append(pairwise_topk(x, -x, self.far, *_own(node))[1])
        if self.random:
            shape = (size, self.random)
            drawn = torch.randint(1, size, shape, generator=generator, device=generator.device)
            others.append((node[:, None] + drawn.to(x.device)) % size)
        other = torch.cat(others, dim=1)
        pairs = torch.stack([node[:, None].expand_as(other), other]).flatten(1)
        self._keep("pairs", pairs)
        self._keep("target", (x[pairs[0]] * x[pairs[1]]).sum(1).float())
        counts = {"near": self.near, "far": self.far, "random": self.random}
        return {name: size * count for name, count in counts.items()}

    def _compare(self, h: Tensor) -> Tensor:
        found = self.head(difference(h, self.pairs))[:, 0]
        error: Tensor = (found - self.target.to(found.dtype)).square().mean()
        return error


def _own(node: Tensor) -> tuple[Tensor, Tensor]:
    """Filter of :func:`pairwise_topk` that leaves out the row itself."""
    return torch.arange(node.numel() + 1, device=node.device), node
