"""Base of the two-view methods: an encoder, two augmentations, and one step of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from graphlab._repr import short_repr
from graphlab.contrastive.augment.drop_edge import DropEdge
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.diagnosis import EmbeddingDiagnosis, diagnose_embedding
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel, check_encoder

__all__ = ["EdgeAugmentation", "HostStep", "PairLossModel", "TwoViewModel", "View", "pair_of"]

#: Features ``(N, F)`` and edges ``(2, E)``.
View: TypeAlias = tuple[Tensor, Tensor]


class EdgeAugmentation(Protocol):
    """Draws a view's edges, as :class:`DropEdge` does."""

    def __call__(self, edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        """Edges of one view."""
        ...


@short_repr
@dataclass(frozen=True)
class HostStep:
    """One step of a two-view method, as :class:`POT` and other added terms need it.

    Attributes:
        loss (Tensor): The method's loss, a scalar.
        z1 (Tensor): Embeddings of view 1 before any head, ``(N, D)``.
        z2 (Tensor): Embeddings of view 2.
        views (list): ``[(x1, edge_index_1), (x2, edge_index_2)]``.
    """

    loss: Tensor
    z1: Tensor
    z2: Tensor
    views: list[View]


class TwoViewModel(EmbeddingModel):
    """An encoder and the two augmentations under which its embeddings shall agree.

    A method of your own overrides ``_view_loss``, or :meth:`host_step` where it computes more
    than the embeddings of both views, and :meth:`after_step` where something follows the optimiser.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, D)``.
        drop_edge (sequence): Two rates or augmentations (:class:`DropEdge`,
            :class:`CentralityDropEdge`, or any callable like them), one per view.
        mask_features (sequence): Two rates or :class:`MaskFeatures`, one per view.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Example:
        A training loop, the same for every method::

            model = GRACE(encoder, 128, temperature=0.7, drop_edge=(0.4, 0.3))
            optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
            generator = torch.Generator().manual_seed(0)
            for step in range(steps):
                optimizer.zero_grad()
                loss = model.training_loss(x, edge_index, generator=generator, step=step)
                loss.backward()
                optimizer.step()
                model.after_step(step, steps)
            z = model.embed(x, edge_index)
    """

    def __init__(
        self,
        encoder: nn.Module,
        drop_edge: Sequence[float | EdgeAugmentation],
        mask_features: Sequence[float | MaskFeatures],
    ) -> None:
        super().__init__()
        self.encoder = check_encoder(encoder)
        edges = [a if callable(a) else DropEdge(a) for a in pair_of(drop_edge, "drop_edge")]
        masks = pair_of(mask_features, "mask_features")
        self.drop_edge: tuple[EdgeAugmentation, ...] = tuple(edges)
        self.mask_features = tuple(
            a if isinstance(a, MaskFeatures) else MaskFeatures(a) for a in masks
        )

    def views(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator,
        second: View | None = None,
    ) -> list[View]:
        """Draw both views.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            second (pair, optional): Features and edges that view 2 is drawn from, where they are
                not those of view 1.

        Returns:
            list: ``[(x1, edge_index_1), (x2, edge_index_2)]``.
        """
        first = (x, edge_index)
        return [
            (mask(x, generator=generator), drop(edges, generator=generator))
            for mask, drop, (x, edges) in zip(
                self.mask_features, self.drop_edge, (first, second or first), strict=True
            )
        ]

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of both views' embeddings, in which the methods differ.

        Args:
            z1 (Tensor): Embeddings of view 1, ``(N, D)``.
            z2 (Tensor): Embeddings of view 2.
            views (list): The views themselves.
            generator (torch.Generator): Source of further draws.
            step (int): Number of the step, from 0.

        Returns:
            Tensor: A scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement _view_loss or host_step")

    def host_step(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator,
        step: int = 0,
        second: View | None = None,
    ) -> HostStep:
        """Draw two views, embed them, and compute the loss.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            step (int): Number of the step, from 0.
            second (pair, optional): See :meth:`views`.

        Returns:
            HostStep: Loss, embeddings and views.
        """
        views = self.views(x, edge_index, generator=generator, second=second)
        z1, z2 = (self(*view) for view in views)
        loss = self._view_loss(z1, z2, views, generator=generator, step=step)
        return HostStep(loss, z1, z2, views)

    @torch.no_grad()
    def diagnose(
        self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator
    ) -> EmbeddingDiagnosis:
        """State of the embedding, and its alignment over two new views, in evaluation mode.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of the views.

        Returns:
            EmbeddingDiagnosis: See :func:`diagnose_embedding`.
        """
        views = self.views(x, edge_index, generator=generator)
        one, two = (self.embed(*view) for view in views)
        return diagnose_embedding(self.embed(x, edge_index), (one, two))

    def _step_loss(
        self, x: Tensor, edge_index: Tensor, generator: torch.Generator, step: int
    ) -> Tensor:
        return self.host_step(x, edge_index, generator=generator, step=step).loss


class PairLossModel(TwoViewModel):
    """A two-view method whose loss needs the embeddings of both views and nothing else.

    Its constructor sets ``contrast``, the loss of two matrices.
    """

    contrast: nn.Module

    def loss(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Loss of both views' embeddings.

        Args:
            z1 (Tensor): Embeddings of one view, ``(N, D)``.
            z2 (Tensor): Embeddings of the other.

        Returns:
            Tensor: A scalar.
        """
        out: Tensor = self.contrast(z1, z2)
        return out

    def _view_loss(
        self, z1: Tensor, z2: Tensor, views: list[View], *, generator: torch.Generator, step: int
    ) -> Tensor:
        """Loss of one step, :meth:`loss`."""
        return self.loss(z1, z2)


def pair_of(values: Sequence[object], name: str) -> list:  # type: ignore[type-arg]
    """Require one entry per view."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(f"{name} must be a pair, one entry per view, got {values!r}")
    return list(values)
