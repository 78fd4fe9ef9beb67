"""GraphCL on nodes: views' summaries shall recognise the nodes of the graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_int, check_matrix
from graphlab._precision import full_precision, working_dtype
from graphlab.contrastive.augment.random import MaskFeatures
from graphlab.contrastive.hosts.two_view import EdgeAugmentation, TwoViewModel

__all__ = ["GraphCL", "GraphCLLoss"]


class GraphCLLoss(nn.Module):
    r"""A bilinear discriminator between true nodes and nodes of a corrupted graph.

    The summary of a view is :math:`c_k = \sigma(\frac1N \sum_i z^k_i)`; the logit of a node is
    :math:`\sum_k h_i^\top W c_k + b`, label 1 for the graph's nodes and 0 for the corrupted ones.
    W is trained. (GAugLLM's released code draws a new W at every call and never trains it.)

    Args:
        channels (int): Width D of the embeddings.

    Shapes:
        - z, corrupted: ``(N, D)`` embeddings of the graph and of its corruption; half precision
          is computed in float32.
        - z1, z2: ``(N1, D)`` and ``(N2, D)`` embeddings of the views.
        - output: scalar.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N D + D^2) time and memory.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        channels = check_int(channels, "channels", minimum=1)
        self.bilinear = nn.Linear(channels, channels, bias=False)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.xavier_uniform_(self.bilinear.weight)

    def forward(self, z: Tensor, corrupted: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
        """Return the binary cross-entropy, a scalar."""
        channels = check_matrix(z, "z").size(1)
        for name, value in (("corrupted", corrupted), ("z1", z1), ("z2", z2)):
            check_matrix(value, name, cols=channels)
        weight = self.bilinear.weight
        dtype = working_dtype(torch.promote_types(z.dtype, weight.dtype))
        z, corrupted, z1, z2 = (value.to(dtype) for value in (z, corrupted, z1, z2))
        with full_precision(z):
            probe = F.linear(z1.mean(0).sigmoid() + z2.mean(0).sigmoid(), weight.to(dtype))
            positive, negative = z @ probe + self.bias, corrupted @ probe + self.bias
        total = F.softplus(-positive).sum() + F.softplus(negative).sum()
        loss: Tensor = total / (positive.numel() + negative.numel())
        return loss


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

    Example:
        One step of a loop::

            (x1, edges1), (x2, edges2) = model.views(x, edge_index, generator=generator)
            corrupted = model(model.corrupt(x, generator=generator), edge_index)
            z1, z2, z = model(x1, edges1), model(x2, edges2), model(x, edge_index)
            loss = model.loss(z1, z2, z, corrupted)
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
        """Return the features ``(N, F)`` dealt to other nodes at random."""
        order = torch.randperm(x.size(0), generator=generator, device=generator.device)
        return x[order.to(x.device)]

    def loss(self, z1: Tensor, z2: Tensor, z: Tensor, corrupted: Tensor) -> Tensor:
        """Return the loss of one step, a scalar.

        Args:
            z1 (Tensor): Embeddings of view 1, ``(N, D)``.
            z2 (Tensor): Embeddings of view 2.
            z (Tensor): Embeddings of the graph itself.
            corrupted (Tensor): Embeddings of the graph with the features of :meth:`corrupt`.
        """
        out: Tensor = self.contrast(z, corrupted, z1, z2)
        return out
