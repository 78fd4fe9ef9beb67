"""Contract of every self-supervised model of a graph: a loss per step, and embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._checks import check_message_edges
from graphlab._eval_mode import evaluating

__all__ = ["EmbeddingModel", "check_encoder"]


class EmbeddingModel(nn.Module):
    """A model that is called with ``(x, edge_index)`` and returns embeddings.

    See :class:`TwoViewModel` for the loop that trains any of them.

    Attributes:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; set by the constructor.
    """

    encoder: nn.Module

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings of the encoder, before any head or decoder.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: ``(N, D)``.
        """
        z: Tensor = self.encoder(x, edge_index)
        return z

    def training_loss(
        self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator, step: int = 0
    ) -> Tensor:
        """Loss of one training step.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            step (int): Number of the step, from 0.

        Returns:
            Tensor: A scalar.
        """
        check_message_edges(edge_index, x.size(0))
        return self._step_loss(x, edge_index, generator, step)

    def _step_loss(
        self, x: Tensor, edge_index: Tensor, generator: torch.Generator, step: int
    ) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must implement training_loss")

    def after_step(self, step: int, total: int) -> None:
        """Follow a step of the optimiser; most models have nothing to do.

        Args:
            step (int): Number of the step, from 0.
            total (int): Steps of the whole training.
        """

    @torch.no_grad()
    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings of the whole, undisturbed graph, in evaluation mode.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: ``(N, D)``, without a gradient.
        """
        check_message_edges(edge_index, x.size(0))
        with evaluating(self):
            z: Tensor = self(x, edge_index)
        return z


def check_encoder(encoder: object) -> nn.Module:
    """Require a module."""
    if not isinstance(encoder, nn.Module):
        raise TypeError(f"encoder must be a torch.nn.Module, got {type(encoder).__name__}")
    return encoder
