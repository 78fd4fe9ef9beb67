"""Base of the two-view methods: an encoder, two augmentations, and one step of training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from graphlab._checks import values_visible
from graphlab._repr import short_repr
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.augment.drop_edge import DropEdge
from graphlab.contrastive.augment.edge_drop import EdgeDrop, dropped
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.diagnosis import EmbeddingDiagnosis, diagnose_embedding
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel, check_kinds, of_edges

__all__ = ["EdgeAugmentation", "HostStep", "PairLossModel", "TwoViewModel", "View", "pair_of"]

#: Features ``(N, F)`` and edges ``(2, E)``; where the edges have weights or attributes, these too,
#: as ``(x, edge_index, edge_weight, edge_attr)`` with None for what is missing.
View: TypeAlias = tuple[Any, ...]


class EdgeAugmentation(Protocol):
    """Draws a view's edges, as :class:`DropEdge` does.

    Where edges have weights or attributes, it has a method ``keep`` like that of :class:`DropEdge`.
    """

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
        drop_rate (tuple): Probability that each view drops an edge, or one per edge ``(E,)``; None
            where the augmentation does not tell.
    """

    loss: Tensor
    z1: Tensor
    z2: Tensor
    views: list[View]
    drop_rate: tuple[float | Tensor | None, ...] = (None, None)


class TwoViewModel(EmbeddingModel):
    """An encoder and the two augmentations under which its embeddings shall agree.

    A method of your own overrides ``_view_loss``, or :meth:`host_step` where it computes more
    than the embeddings of both views, and :meth:`after_step` where something follows the optimiser.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, D)``. Layers must
            not be cached, as PyG's are with ``cached=True``: they would ignore the views.
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

    def forward(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Embeddings of the encoder, before any head or decoder.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            edge_weight (Tensor, optional): Weights ``(E,)``, for an encoder that takes them by this
                name.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, likewise.

        Returns:
            Tensor: ``(N, D)``.
        """
        check_kinds(x, edge_index)
        z = self.encoder(x, edge_index, **of_edges(edge_weight, edge_attr))
        return check_output(z, x.size(0))

    def embed(
        self,
        x: Tensor,
        edge_index: Tensor,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Embeddings of the whole, undisturbed graph, in evaluation mode.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            edge_weight (Tensor, optional): Weights ``(E,)``, see :meth:`forward`.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, see :meth:`forward`.

        Returns:
            Tensor: ``(N, D)``, without a gradient.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        return self._embed(x, edge_index, edge_weight, edge_attr)

    def views(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator | None = None,
        second: View | None = None,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> list[View]:
        """Draw both views.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of all draws. Without one, call k of this
                model draws from the k-th generator of seed 0.
            second (tuple, optional): Features and edges that view 2 is drawn from, where they are
                not those of view 1; with weights and attributes as a view has them.
            edge_weight (Tensor, optional): Weights ``(E,)``; every view has those of its edges.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``; likewise.

        Returns:
            list: ``[(x1, edge_index_1), (x2, edge_index_2)]``; with weights or attributes both
            are ``(x, edge_index, edge_weight, edge_attr)``, None for what was not given.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        generator = self._check_step(x, edge_index, generator, 0)
        if second is not None:
            self._check_second(second)
        first: View = (x, edge_index)
        if edge_weight is not None or edge_attr is not None:
            first = (*first, edge_weight, edge_attr)
        return [
            (mask(x, generator=generator), *_draw_edges(drop, edges, generator))
            for mask, drop, (x, *edges) in zip(
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
        generator: torch.Generator | None = None,
        step: int = 0,
        second: View | None = None,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> HostStep:
        """Draw two views, embed them, and compute the loss.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of all draws, see :meth:`views`.
            step (int): Number of the step, from 0.
            second (tuple, optional): See :meth:`views`.
            edge_weight (Tensor, optional): Weights ``(E,)``, for an encoder that takes them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, likewise.

        Returns:
            HostStep: Loss, embeddings and views.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.

        Warns:
            UserWarning: At step 0, if the views differ and their embeddings do not.
        """
        generator = self._check_step(x, edge_index, generator, step)
        views = self.views(
            x,
            edge_index,
            generator=generator,
            second=second,
            edge_weight=edge_weight,
            edge_attr=edge_attr,
        )
        z1, z2 = self._embed_views(views, step)
        loss = self._view_loss(z1, z2, views, generator=generator, step=step)
        return HostStep(loss, z1, z2, views, self._drop_rate())

    def _drop_rate(self) -> tuple[float | Tensor | None, ...]:
        return tuple(drop.rate if isinstance(drop, EdgeDrop) else None for drop in self.drop_edge)

    def _check_second(self, second: Any) -> None:
        if not isinstance(second, (tuple, list)) or not 2 <= len(second) <= 4:
            raise ValueError(
                f"second must be a tuple (x, edge_index) as views have it, got {second!r:.80}"
            )
        try:
            self._check_graph(second[0], second[1])
        except (TypeError, ValueError, IndexError) as error:
            raise type(error)(f"second is malformed: {error}") from None

    def _embed_views(self, views: list[View], step: int) -> tuple[Tensor, Tensor]:
        """Embeddings of both views; at the first step they must depend on what was drawn."""
        z1, z2 = (check_output(self(*view), view[0].size(0), finite=True) for view in views)
        if step == 0 and values_visible(z1, z2) and _alike(z1, z2) and not _alike(*views):
            warnings.warn(
                "both views have the same embeddings although they differ: the encoder does not "
                "read what was drawn (layers without edges, results kept from an earlier call), or "
                "its outputs are all equal; there is nothing to contrast",
                UserWarning,
                stacklevel=3,
            )
        return z1, z2

    @torch.no_grad()
    def diagnose(
        self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator | None = None
    ) -> EmbeddingDiagnosis:
        """State of the embedding, and its alignment over two new views, in evaluation mode.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of the views, see :meth:`views`.

        Returns:
            EmbeddingDiagnosis: See :func:`diagnose_embedding`.
        """
        views = self.views(x, edge_index, generator=generator)
        one, two = (self.embed(*view) for view in views)
        return diagnose_embedding(self.embed(x, edge_index), (one, two))

    def training_loss(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator | None = None,
        step: int = 0,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Loss of one training step.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of all draws, see :meth:`views`.
            step (int): Number of the step, from 0.
            edge_weight (Tensor, optional): Weights ``(E,)``, for an encoder that takes them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, likewise.

        Returns:
            Tensor: A scalar.
        """
        return self.host_step(
            x,
            edge_index,
            generator=generator,
            step=step,
            edge_weight=edge_weight,
            edge_attr=edge_attr,
        ).loss


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


def _draw_edges(drop: Any, edges: list[Any], generator: torch.Generator) -> tuple[Any, ...]:
    """Edges of one view, and behind them their weights and attributes where there are such."""
    edge_index, *given = edges
    if not given:
        return (drop(edge_index, generator=generator),)
    if not hasattr(drop, "keep"):
        raise TypeError(
            "drop_edge must have a method keep(edge_index, generator=...) -> bool (E,), like "
            f"DropEdge, where edges have weights or attributes; {type(drop).__name__} has none"
        )
    edge_index, *kept = dropped(drop, edge_index, generator, *given)
    left = iter(kept)
    return (edge_index, *(None if value is None else next(left) for value in given))


def _alike(one: Any, other: Any) -> bool:
    """Whether two tensors, or all tensors of two views, are equal."""
    if isinstance(one, tuple):
        return all(_alike(*pair) for pair in zip(one, other, strict=True))
    if one is other or one is None or other is None:
        return one is other
    if one.layout != torch.strided:
        one, other = one.to_dense(), other.to_dense()
    return one.shape == other.shape and torch.equal(one, other)


def pair_of(values: Sequence[object], name: str) -> list:  # type: ignore[type-arg]
    """Require one entry per view."""
    if not isinstance(values, (tuple, list)) or len(values) != 2:
        raise ValueError(f"{name} must be a pair, one entry per view, got {values!r}")
    return list(values)
