"""Graph Barlow Twins: features of two views that are correlated one to one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, PairLossModel
from graphlab.contrastive.losses.barlow_twins import BarlowTwinsLoss

__all__ = ["GBT"]


class GBT(PairLossModel):
    """Graph Barlow Twins: no negatives, no target network, memory linear in the nodes.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, D)``.
        weight (float, optional): Weight of the off-diagonal terms; 1 / D if missing.
        drop_edge (sequence): Two rates or augmentations of the edges.
        mask_features (sequence): Two rates or augmentations of the features.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: Bielak et al., "Graph Barlow Twins: a self-supervised representation learning
        framework for graphs", Knowledge-Based Systems 256, 2022, arXiv:2106.02466.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        weight: float | None = None,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.3, 0.7),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        self.contrast = BarlowTwinsLoss(weight)
