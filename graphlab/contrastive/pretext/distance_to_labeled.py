"""DistanceToLabeled: how near the labelled nodes of each class are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_int
from graphlab.contrastive.pretext.answers import masked_squared_error
from graphlab.contrastive.pretext.hop_targets import closeness
from graphlab.contrastive.pretext.known_labels import known_labels
from graphlab.contrastive.pretext.propagated import check_classes
from graphlab.contrastive.pretext.task import PretextTask

__all__ = ["DistanceToLabeled"]


class DistanceToLabeled(PretextTask):
    r"""Pretext task: closeness to the labelled nodes of every class.

    .. math:: y_{ic} = \frac{1}{|L_c|} \sum_{l \in L_c} \frac{1}{d(i, l)},

    with 1 for a node itself (the authors' program has 0, as if it could not be reached) and 0 for
    what cannot be reached; the loss is the mean squared error of the head.

    Args:
        in_channels (int): Width D of the hidden states.
        num_classes (int): C.

    Attributes:
        target (Tensor): Float32 ``(N, C)``.
        mask (Tensor): bool ``(N,)``: nodes that reach a labelled node.
        report (dict): ``labelled`` nodes and nodes ``out_of_reach`` of all of them.

    Source: Jin et al., "Self-supervised learning on graphs: deep insights and new direction", 2020.
    """

    target: Tensor
    mask: Tensor

    def __init__(self, in_channels: int, num_classes: int) -> None:
        self.num_classes = check_int(num_classes, "num_classes", minimum=2)
        super().__init__(in_channels, self.num_classes)

    def _prepare(
        self, data: Any, train_mask: Tensor | None, generator: torch.Generator
    ) -> dict[str, int]:
        known = known_labels(data, train_mask)
        check_classes(known, self.num_classes)
        nodes = (known >= 0).nonzero()[:, 0]
        target = closeness(
            data.edge_index, known.numel(), nodes, known[nodes].long(), self.num_classes
        )
        found = target.sum(1) > 0
        self._keep("target", target.float())
        self._keep("mask", found)
        return {"labelled": nodes.numel(), "out_of_reach": int((~found).sum())}

    def _compare(self, h: Tensor) -> Tensor:
        return masked_squared_error(self.head(h), self.target, self.mask)
