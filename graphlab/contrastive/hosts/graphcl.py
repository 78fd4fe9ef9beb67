"""GraphCL on nodes: views' summaries shall recognise the nodes of the graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphlab._checks import check_matrix
from graphlab._random import check_generator, random_order
from graphlab.contrastive.augment.mask_features import MaskFeatures
from graphlab.contrastive.hosts.embedding_model import of_edges
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, HostStep, TwoViewModel, View
from graphlab.contrastive.losses.graphcl import GraphCLLoss
from graphlab.contrastive.sparse_layout import take_rows

__all__ = ["GraphCL"]


class GraphCL(TwoViewModel):
    """Two-view mutual information between summaries and nodes, linear in time and memory.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        out_channels (int): Width D of the embeddings.
        drop_edge (sequence): Two rates or augmentations of the edges.
        mask_features (sequence): Two rates or augmentations of the features.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Reference: You et al., "Graph contrastive learning with augmentations", NeurIPS 2020,
        arXiv:2010.13902; Velickovic et al., "Deep graph infomax", ICLR 2019, arXiv:1809.10341.
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        *,
        drop_edge: Sequence[float | EdgeAugmentation] = (0.2, 0.2),
        mask_features: Sequence[float | MaskFeatures] = (0.0, 0.0),
    ) -> None:
        super().__init__(encoder, drop_edge, mask_features)
        self.contrast = GraphCLLoss(out_channels)

    def corrupt(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        """Features dealt to other nodes at random.

        Args:
            x (Tensor): Features ``(N, F)``.
            generator (torch.Generator): Source of the draw.

        Returns:
            Tensor: ``(N, F)``.
        """
        check_matrix(x, "x", finite=False, csr=True)
        check_generator(generator)
        return take_rows(x, random_order(x.size(0), generator, x.device))

    def loss(self, z1: Tensor, z2: Tensor, z: Tensor, corrupted: Tensor) -> Tensor:
        """Loss of one step.

        Args:
            z1 (Tensor): Embeddings of view 1, ``(N, D)``.
            z2 (Tensor): Embeddings of view 2.
            z (Tensor): Embeddings of the graph itself.
            corrupted (Tensor): Embeddings of the graph with the features of :meth:`corrupt`.

        Returns:
            Tensor: A scalar.
        """
        out: Tensor = self.contrast(z, corrupted, z1, z2)
        return out

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
        """Draw two views and a corruption, embed all and the graph itself, and compute the loss.

        Args:
            x (Tensor): Features ``(N, F)``.
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
        given = of_edges(edge_weight, edge_attr)
        views = self.views(
            x,
            edge_index,
            generator=generator,
            second=second,
            edge_weight=edge_weight,
            edge_attr=edge_attr,
        )
        corrupted = self(self.corrupt(x, generator=generator), edge_index, **given)
        z1, z2 = self._embed_views(views, step)
        loss = self.loss(z1, z2, self(x, edge_index, **given), corrupted)
        return HostStep(loss, z1, z2, views, self._drop_rate())
