"""ProGCL: GRACE with negatives weighted or mixed by how likely they are true and hard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from graphlab._checks import check_int
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.projection_head import projection_head
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, TwoViewModel, View
from graphlab.contrastive.losses.progcl import ProGCLLoss

__all__ = ["ProGCL"]


class ProGCL(TwoViewModel):
    """GRACE that turns to ProGCL's negatives once the embeddings mean something.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        out_channels (int): Width D of the embeddings.
        proj_channels (int, optional): Hidden width of the projection head; D if missing.
        temperature (float): Positive; divides the cosine.
        mode (str): ``"weight"`` or ``"mix"``, see :class:`ProGCLLoss`.
        start_epoch (int): First epoch with the mixture; plain InfoNCE before.
        drop_edge (sequence): Two rates or augmentations of the edges. The authors use
            :class:`CentralityDropEdge` with ``"eigenvector"``.
        mask_features (sequence): Two rates or augmentations of the features.
        num_mixed (int): Negatives added per anchor by ``"mix"``.
        chunk_size (int, optional): Anchors per tile.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: Xia et al., "ProGCL: rethinking hard negative mining in graph contrastive learning",
        ICML 2022, arXiv:2110.02027.
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        proj_channels: int | None = None,
        *,
        temperature: float = 0.5,
        mode: Literal["weight", "mix"] = "weight",
        start_epoch: int = 400,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.3, 0.1),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
        num_mixed: int = 1000,
        chunk_size: int | None = None,
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        self.head = projection_head(out_channels, proj_channels)
        self.start_epoch = check_int(start_epoch, "start_epoch", minimum=0)
        self.contrast = ProGCLLoss(temperature, mode, num_mixed=num_mixed, chunk_size=chunk_size)

    def loss(self, z1: Tensor, z2: Tensor, epoch: int, *, generator: torch.Generator) -> Tensor:
        """Loss of both views' embeddings ``(N, D)``, which are projected first.

        The first call with ``epoch >= start_epoch`` fits the mixture.

        Args:
            z1 (Tensor): Embeddings of one view.
            z2 (Tensor): Embeddings of the other.
            epoch (int): Number of the present epoch, from 0.
            generator (torch.Generator): Draws the columns of the fit and the permutations.

        Returns:
            Tensor: A scalar.
        """
        h1, h2 = self.head(z1), self.head(z2)
        if epoch >= self.start_epoch and self.contrast.mixture is None:
            self.contrast.fit(h1, h2, generator=generator)
        out: Tensor = self.contrast(h1, h2, generator=generator)
        return out

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of one step, :meth:`loss` with the step as epoch."""
        return self.loss(z1, z2, step, generator=generator)
