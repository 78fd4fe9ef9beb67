"""Contract of every self-supervised model of a graph: a loss per step, and embeddings."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.utils import is_sparse

from graphlab._checks import check_edge_index, check_int, check_tensor, plain
from graphlab._eval_mode import evaluating
from graphlab._tensor_memo import TensorMemo
from graphlab._user_module import check_output
from graphlab.contrastive.augment._draws import DrawStream

__all__ = ["EmbeddingModel", "check_features", "check_kinds", "of_edges"]


class EmbeddingModel(nn.Module):
    """A model that is called with ``(x, edge_index)`` and returns embeddings.

    See :class:`TwoViewModel` for the loop that trains any of them.

    Attributes:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; set by the constructor.
    """

    encoder: nn.Module

    def __init__(self) -> None:
        super().__init__()
        self._checked: TensorMemo[Tensor] = TensorMemo()

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings of the encoder, before any head or decoder.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: ``(N, D)``.
        """
        check_kinds(x, edge_index)
        return check_output(self.encoder(x, edge_index), x.size(0))

    def training_loss(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator | None = None,
        step: int = 0,
    ) -> Tensor:
        """Loss of one training step.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator, optional): Source of all draws. Without one, call k of this
                model draws from the k-th generator of seed 0.
            step (int): Number of the step, from 0.

        Returns:
            Tensor: A scalar.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        generator = self._check_step(x, edge_index, generator, step)
        return self._step_loss(x, edge_index, generator, step)

    def _check_step(
        self, x: Tensor, edge_index: Tensor, generator: Any, step: Any
    ) -> torch.Generator:
        """Check the arguments of one step of training, and give its generator."""
        self._check_graph(x, edge_index)
        check_int(step, "step", minimum=0)
        return self._generator(generator)

    def _check_graph(self, x: Tensor, edge_index: Tensor) -> None:
        """Check a graph; the range of the edges is looked at once while they stay as they are."""
        count = check_features(x).size(0)
        check = partial(check_edge_index, edge_index, count)
        edges = plain(edge_index)
        if not isinstance(edges, Tensor):
            check()
        self._checked.get((edges,), check, key=count)

    def _generator(self, given: torch.Generator | None) -> torch.Generator:
        stream: DrawStream = self.__dict__.setdefault("_stream", DrawStream(0))
        return stream.generator(given)

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

    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings of the whole, undisturbed graph, in evaluation mode.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: ``(N, D)``, without a gradient.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed.
        """
        return self._embed(x, edge_index)

    @torch.no_grad()
    def _embed(self, x: Tensor, edge_index: Tensor, *values: Tensor | None) -> Tensor:
        """What ``forward`` gives in evaluation mode, checked before and after."""
        check_kinds(x, edge_index)
        if not is_sparse(edge_index):
            self._check_graph(x, edge_index)
        with evaluating(self):
            z = self(x, edge_index, *values)
        return check_output(z, x.size(0), finite=True)


def of_edges(edge_weight: Tensor | None, edge_attr: Tensor | None) -> dict[str, Tensor]:
    """What was given of the edges, by the names that the layers of PyG have for it."""
    named = {"edge_weight": edge_weight, "edge_attr": edge_attr}
    return {name: value for name, value in named.items() if value is not None}


def check_features(x: Any) -> Tensor:
    """Require one row per node; which numbers, the encoder knows."""
    features: Tensor = check_tensor(x, "x", csr=True)
    if features.dim() == 0:
        raise ValueError("x must have one row per node, got a scalar")
    return features


def check_kinds(x: Any, edge_index: Any) -> None:
    """Check what needs no look at values, so that it costs nothing in every pass."""
    count = check_features(x).size(0)
    if not is_sparse(edge_index):  # matrices go to encoders as they are
        check_edge_index(edge_index, count, values=False)
