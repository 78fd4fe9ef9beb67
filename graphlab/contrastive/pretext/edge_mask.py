"""EdgeMask: which of two nodes were neighbours, before their edge was taken away."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from graphlab._checks import check_fraction
from graphlab._random import random_order
from graphlab.contrastive.augment import sample_non_edges
from graphlab.contrastive.pretext.answers import difference, hidden_count
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["EdgeMask"]


class EdgeMask(PretextTask):
    r"""Pretext task: tell hidden edges from pairs that are none.

    A share of the edges is taken out of the graph (:meth:`~PretextTask.perturb`); the head tells
    their ends, by :math:`W |h_i - h_j| + b`, from as many pairs that were never connected,
    in either direction.

    Args:
        in_channels (int): Width D of the hidden states.
        rate (float): Share of the edges that is hidden, above 0.
        both_directions (bool): Whether an edge is hidden in both of its directions. The authors'
            program hides one, and the other still tells of it.

    Attributes:
        pairs (Tensor): int64 ``(2, 2 M)``: M hidden edges, then M pairs that are none.
        kept (Tensor): bool ``(E,)``: the edges that the network sees.
        report (dict): ``hidden`` (pairs) and ``kept`` (stored edges).

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.

    Example:
        >>> from graphlab.datasets import digits_knn
        >>> data = digits_knn()
        >>> task = EdgeMask(16, rate=0.2).setup(data)
        >>> bool(task.perturb(data).num_edges < data.num_edges)
        True
    """

    pairs: Tensor
    kept: Tensor

    def __init__(
        self, in_channels: int, *, rate: float = 0.1, both_directions: bool = True
    ) -> None:
        super().__init__(in_channels, 2)
        self.rate = check_fraction(rate, "rate")
        self.both_directions = both_directions

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        edges, num_nodes = data.edge_index, int(data.num_nodes)
        apart = (edges[0] != edges[1]).nonzero()[:, 0]
        ends = edges[:, apart]
        if self.both_directions:
            ends = ends.sort(0).values
        pair, number = torch.unique(ends, dim=1, return_inverse=True)
        count = hidden_count(self.rate, pair.size(1), "edges")
        order = random_order(pair.size(1), generator, edges.device)
        hidden = torch.zeros(pair.size(1), dtype=torch.bool, device=edges.device)
        hidden[order[:count]] = True
        kept = torch.ones(edges.size(1), dtype=torch.bool, device=edges.device)
        kept[apart] = ~hidden[number]
        # The head does not see which way an edge runs: the other way round is a pair of it, too.
        either = torch.cat([edges, edges.flip(0)], dim=1)
        none = sample_non_edges(either, num_nodes, count, generator=generator)
        self._keep("pairs", torch.cat([pair[:, hidden], none], dim=1))
        self._keep("kept", kept)
        return {"hidden": count, "kept": int(kept.sum())}

    def _compare(self, h: Tensor) -> Tensor:
        count = self.pairs.size(1) // 2
        target = torch.zeros(2 * count, dtype=torch.long, device=h.device)
        target[:count] = 1
        return F.cross_entropy(self.head(difference(h, self.pairs)), target)

    def _hide(self, data: Any) -> Any:
        if data.edge_index.size(1) != self.kept.numel():
            raise ValueError(
                f"data must be the graph of setup, of {self.kept.numel()} edges, "
                f"got {data.edge_index.size(1)}"
            )
        return data.edge_subgraph(self.kept.to(data.edge_index.device))
