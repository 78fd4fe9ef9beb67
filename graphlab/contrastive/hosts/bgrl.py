"""BGRL: one network predicts the embeddings of a slowly moving copy of it in the other view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlab._checks import check_fraction, check_int
from graphlab._training import target_momentum
from graphlab._user_module import check_output, copied
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.embedding_model import of_edges
from graphlab.contrastive.hosts.projection_head import head_outputs
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, TwoViewModel, View
from graphlab.contrastive.losses.bgrl import bgrl_loss

__all__ = ["BGRL"]


class BGRL(TwoViewModel):
    """Bootstrapped agreement of two views, without any negatives.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
            The target network is a copy of it, for which lazy layers must have their sizes and
            weight normalisation must be that of ``torch.nn.utils.parametrizations``.
        out_channels (int): Width D of the embeddings.
        predictor_channels (int): Hidden width of the predictor.
        momentum (float): Share of the target that an update keeps, in [0, 1]; over a training
            :meth:`after_step` raises it to 1 along half a cosine.
        drop_edge (sequence): Two rates or augmentations of the edges.
        mask_features (sequence): Two rates or augmentations of the features.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N D (D + predictor_channels)) time and linear memory for the loss.

    Reference: Thakoor et al., "Large-scale representation learning on graphs via bootstrapping",
        ICLR 2022, arXiv:2102.06514.
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        predictor_channels: int = 512,
        *,
        momentum: float = 0.99,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.5, 0.5),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        width = check_int(out_channels, "out_channels", minimum=1)
        hidden = check_int(predictor_channels, "predictor_channels", minimum=1)
        self.predictor = nn.Sequential(
            nn.Linear(width, hidden), nn.PReLU(), nn.Linear(hidden, width)
        )
        self.momentum = check_fraction(momentum, "momentum")
        # It follows by update_target alone: without a gradient an optimiser leaves it.
        self.target_encoder = copied(encoder, "encoder", "the target").requires_grad_(False)

    @torch.no_grad()
    def target(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Embeddings of the target network.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            edge_weight (Tensor, optional): Weights ``(E,)``, for an encoder that takes them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, likewise.

        Returns:
            Tensor: ``(N, D)``, without a gradient.
        """
        self._check_graph(x, edge_index)
        return self._target(x, edge_index, edge_weight, edge_attr)

    @torch.no_grad()
    def _target(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        y = self.target_encoder(x, edge_index, **of_edges(edge_weight, edge_attr))
        return check_output(y, x.size(0))

    def loss(self, z1: Tensor, z2: Tensor, y1: Tensor, y2: Tensor) -> Tensor:
        """Loss of each view's targets, predicted from the other view's embeddings.

        Args:
            z1 (Tensor): Embeddings of view 1, ``(N, D)``.
            z2 (Tensor): Embeddings of view 2.
            y1 (Tensor): Targets of view 1, from :meth:`target`.
            y2 (Tensor): Targets of view 2.

        Returns:
            Tensor: A scalar.
        """
        q1, q2 = head_outputs(self.predictor, z1, z2)
        return bgrl_loss(q1, y2, q2, y1)

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of one step, :meth:`loss` with the targets of both views."""
        return self.loss(z1, z2, *(self._target(*view) for view in views))

    def after_step(self, step: int, total: int) -> None:
        """Move the target, by a momentum that rises to 1 along half a cosine.

        Args:
            step (int): Number of the step, from 0.
            total (int): Steps of the whole training.
        """
        total = check_int(total, "total", minimum=1)
        step = check_int(step, "step", minimum=0, maximum=total)
        self.update_target(target_momentum(step, self.momentum, total))

    @torch.no_grad()
    def update_target(self, momentum: float | None = None) -> None:
        """Move the target towards the encoder; buffers such as running statistics are copied.

        Args:
            momentum (float, optional): Share that stays, in [0, 1]; that of the model if missing.
        """
        keep = self.momentum if momentum is None else check_fraction(momentum, "momentum")
        pairs = zip(self.target_encoder.parameters(), self.encoder.parameters(), strict=True)
        for slow, fast in pairs:
            # keep * slow + (1 - keep) * fast, in place.
            slow.lerp_(fast, 1 - keep)
        # Copied: among the buffers are counts, of which no average can be taken.
        buffers = zip(self.target_encoder.buffers(), self.encoder.buffers(), strict=True)
        for old, new in buffers:
            old.copy_(new)
