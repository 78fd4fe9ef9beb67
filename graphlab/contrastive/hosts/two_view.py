"""Base of the two-view methods: an encoder, two augmentations, and one step of training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn

from graphlab._checks import check_edge_weight, check_tensor, values_visible
from graphlab._user_module import check_encoder
from graphlab.contrastive.augment.drop_edge import DropEdge
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel, edge_arguments

__all__ = ["EdgeAugmentation", "HostStep", "PairLossModel", "TwoViewModel", "View", "pair_of"]

#: Features ``(N, F)`` and edges ``(2, E)``, then weights ``(E,)`` and attributes ``(E, ...)`` of
#: the edges where these were given: what a model is called with.
View: TypeAlias = tuple[Any, ...]


class EdgeAugmentation(Protocol):
    """Draws a view's edges, as :class:`DropEdge` does.

    Where a graph has weights or attributes of edges, it is called with ``edge_weight=`` and
    ``edge_attr=`` too, and returns a tuple: the edges, then of each what belongs to them.
    """

    def __call__(self, edge_index: Tensor, *, generator: torch.Generator) -> Any:
        """Edges of one view."""
        ...


@dataclass(frozen=True)
class HostStep:
    """One step of a two-view method, as :class:`POT` and other added terms need it.

    Attributes:
        loss (Tensor): The method's loss, a scalar.
        z1 (Tensor): Embeddings of view 1 before any head, ``(N, D)``.
        z2 (Tensor): Embeddings of view 2.
        views (list): ``[(x1, edge_index_1), (x2, edge_index_2)]``, with weights and attributes of
            the edges behind them where these were given.
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
            generator (torch.Generator, optional): Source of all draws; without one the views are
                those of seed 0, the same at every call.
            second (pair, optional): Features and edges that view 2 is drawn from, where they are
                not those of view 1.
            edge_weight (Tensor, optional): Weights ``(E,)``; those of dropped edges go with them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, likewise.

        Returns:
            list: ``[(x1, edge_index_1), (x2, edge_index_2)]``, each followed by ``edge_weight``
            and ``edge_attr`` of its edges where these were given (``None`` for weights that are
            missing before attributes).

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        generator = torch.Generator().manual_seed(0) if generator is None else generator
        self._check_step(x, edge_index, generator, 0)
        return self._views(x, edge_index, generator, second, edge_weight, edge_attr)

    def _views(
        self,
        x: Tensor,
        edge_index: Tensor,
        generator: torch.Generator,
        second: View | None,
        edge_weight: Tensor | None,
        edge_attr: Tensor | None,
    ) -> list[View]:
        """Views of a checked graph."""
        given = _check_edge_arguments(edge_arguments(edge_weight, edge_attr), edge_index)
        if given and second is not None:
            raise ValueError(
                f"{next(iter(given))} must be None with second, whose edges it does not belong to"
            )
        first = (x, edge_index)
        if second is not None:
            self._check_graph(*_check_second(second))
        views = []
        for mask, drop, (features, edges) in zip(
            self.mask_features, self.drop_edge, (first, second or first), strict=True
        ):
            seen = mask(features, generator=generator)
            kept = drop(edges, generator=generator, **given)
            views.append((seen, kept) if not given else (seen, *_in_order(kept, given)))
        return views

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
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> HostStep:
        """Draw two views, embed them, and compute the loss.

        Args:
            x (Tensor): Features ``(N, F)``, dense or sparse CSR.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            step (int): Number of the step, from 0.
            second (pair, optional): See :meth:`views`.
            edge_weight (Tensor, optional): Weights ``(E,)``, for encoders that read them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, for encoders that read them.

        Returns:
            HostStep: Loss, embeddings and views.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.

        Warns:
            UserWarning: At step 0, if the views differ and their embeddings do not.
        """
        self._check_step(x, edge_index, generator, step)
        views = self._views(x, edge_index, generator, second, edge_weight, edge_attr)
        z1, z2 = self._embed_views(views, step)
        loss = self._view_loss(z1, z2, views, generator=generator, step=step)
        return HostStep(loss, z1, z2, views)

    def _embed_views(self, views: list[View], step: int) -> tuple[Tensor, Tensor]:
        """Embeddings of both views; at the first step they must depend on what was drawn."""
        z1, z2 = (self(*view) for view in views)
        if step == 0 and values_visible(z1, z2) and _alike(z1, z2) and not _alike(*views):
            warnings.warn(
                "both views have the same embeddings although they differ: the encoder does not "
                "read what was drawn (edges dropped before layers that read none, or results kept "
                "from an earlier call), or its outputs are all equal; there is nothing to contrast",
                UserWarning,
                stacklevel=3,
            )
        return z1, z2

    def training_loss(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator,
        step: int = 0,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Tensor:
        """Loss of one training step.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            step (int): Number of the step, from 0.
            edge_weight (Tensor, optional): Weights ``(E,)``, for encoders that read them.
            edge_attr (Tensor, optional): Attributes ``(E, ...)``, for encoders that read them.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        edges = edge_arguments(edge_weight, edge_attr)
        return self.host_step(x, edge_index, generator=generator, step=step, **edges).loss


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


def _check_second(second: object) -> View:
    """Require features and edges of another graph."""
    if not isinstance(second, (tuple, list)) or len(second) != 2:
        raise ValueError(f"second must be a pair (x, edge_index), got {type(second).__name__}")
    return tuple(second)


def _check_edge_arguments(given: dict[str, Tensor], edge_index: Tensor) -> dict[str, Tensor]:
    """Require one entry per edge."""
    edges = edge_index.size(1)
    for name, value in given.items():
        if name == "edge_weight" and check_tensor(value, name).dim() == 1:
            check_edge_weight(value, edges, nonnegative=False)
        elif check_tensor(value, name).dim() == 0 or value.size(0) != edges:
            raise ValueError(
                f"{name} must have {edges} rows, one per edge, got shape {tuple(value.shape)}"
            )
    return given


def _in_order(kept: object, given: dict[str, Tensor]) -> View:
    """Edges, weights and attributes, in the order in which models take them."""
    if not isinstance(kept, tuple) or len(kept) != 1 + len(given):
        raise TypeError(
            f"drop_edge must return the edges and {', '.join(given)} of those that are left, got "
            f"{type(kept).__name__}"
        )
    named = dict(zip(given, kept[1:], strict=True))
    weight = (named.get("edge_weight"),)
    return (kept[0], *weight, named["edge_attr"]) if "edge_attr" in named else (kept[0], *weight)


def _alike(one: object, other: object) -> bool:
    """Whether two tensors, or all tensors of two views, are equal."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(_alike(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.layout != torch.strided:
            one, other = one.to_dense(), other.to_dense()
        return one is other or (one.shape == other.shape and torch.equal(one, other))
    return one is other
