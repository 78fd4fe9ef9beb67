"""What all two-view methods share: an encoder, two augmentations, a projection head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from graphlab._checks import check_int
from graphlab.contrastive.augment.random import DropEdge, MaskFeatures
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel

__all__ = ["EdgeAugmentation", "TwoViewModel", "projection_head"]


class EdgeAugmentation(Protocol):
    """Draws a view's edges, as :class:`DropEdge` does."""

    def __call__(self, edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        """Return the edges of one view."""
        ...


def projection_head(channels: int, hidden_channels: int | None = None) -> nn.Sequential:
    """Two linear layers with ELU between them, from ``channels`` to ``channels``.

    Args:
        channels (int): Width of the embeddings.
        hidden_channels (int, optional): Width between the layers; as ``channels`` if missing.
    """
    channels = check_int(channels, "channels", minimum=1)
    hidden = channels if hidden_channels is None else hidden_channels
    hidden = check_int(hidden, "hidden_channels", minimum=1)
    return nn.Sequential(nn.Linear(channels, hidden), nn.ELU(), nn.Linear(hidden, channels))


class TwoViewModel(EmbeddingModel):
    """An encoder and the two augmentations under which its embeddings shall agree.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, D)``.
        drop_edge (sequence): Two rates or augmentations (:class:`DropEdge`,
            :class:`CentralityDropEdge`, or any callable like them), one per view.
        mask_features (sequence): Two rates or :class:`MaskFeatures`, one per view.

    Example:
        A training loop, the same for every method::

            model = GRACE(encoder, 128, temperature=0.7, drop_edge=(0.4, 0.3))
            optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
            generator = torch.Generator().manual_seed(0)
            for epoch in range(200):
                (x1, edges1), (x2, edges2) = model.views(x, edge_index, generator=generator)
                loss = model.loss(model(x1, edges1), model(x2, edges2))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            z = model.embed(x, edge_index)
    """

    def __init__(
        self,
        encoder: nn.Module,
        drop_edge: Sequence[float | EdgeAugmentation],
        mask_features: Sequence[float | MaskFeatures],
    ) -> None:
        super().__init__()
        if not isinstance(encoder, nn.Module):
            raise TypeError(f"encoder must be a torch.nn.Module, got {type(encoder).__name__}")
        self.encoder = encoder
        edges = [a if callable(a) else DropEdge(a) for a in pair_of(drop_edge, "drop_edge")]
        masks = pair_of(mask_features, "mask_features")
        self.drop_edge: tuple[EdgeAugmentation, ...] = tuple(edges)
        self.mask_features = tuple(
            a if isinstance(a, MaskFeatures) else MaskFeatures(a) for a in masks
        )

    def views(
        self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator
    ) -> list[tuple[Tensor, Tensor]]:
        """Draw both views.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.

        Returns:
            list: ``[(x1, edge_index_1), (x2, edge_index_2)]``.
        """
        return [
            (mask(x, generator=generator), drop(edge_index, generator=generator))
            for mask, drop in zip(self.mask_features, self.drop_edge, strict=True)
        ]

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the encoder's embeddings ``(N, D)``, before any head."""
        z: Tensor = self.encoder(x, edge_index)
        return z


def pair_of(values: Sequence[object], name: str) -> list:  # type: ignore[type-arg]
    """Require one entry per view."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(f"{name} must be a pair, one entry per view, got {values!r}")
    return list(values)
