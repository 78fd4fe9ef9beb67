"""Contract of every self-supervised model of a graph: a loss per step, and embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._eval_mode import evaluating

__all__ = ["AutoencoderModel", "EmbeddingModel", "check_encoder"]


class EmbeddingModel(nn.Module):
    """A model that is called with ``(x, edge_index)`` and returns embeddings.

    See :class:`TwoViewModel` for the loop that trains any of them.
    """

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
        with evaluating(self):
            z: Tensor = self(x, edge_index)
        return z


class AutoencoderModel(EmbeddingModel):
    """A model that restores what it hides of the graph; its loss draws what that is."""

    def loss(self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        """Loss of what is restored.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.

        Returns:
            Tensor: A scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement loss")

    def training_loss(
        self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator, step: int = 0
    ) -> Tensor:
        """Loss of one training step, :meth:`loss`; all steps are alike.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of all draws.
            step (int): Number of the step, from 0.

        Returns:
            Tensor: A scalar.
        """
        return self.loss(x, edge_index, generator=generator)


def check_encoder(encoder: object) -> nn.Module:
    """Require a module."""
    if not isinstance(encoder, nn.Module):
        raise TypeError(f"encoder must be a torch.nn.Module, got {type(encoder).__name__}")
    return encoder
