"""Loss of GraphCL: a discriminator between the nodes of a graph and of its corruption."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_int, check_matrix
from graphlab._precision import full_precision, working_dtype
from graphlab.contrastive.losses._reduction import Reduction, check_reduction, reduced

__all__ = ["GraphCLLoss"]


class GraphCLLoss(nn.Module):
    r"""A bilinear discriminator between true nodes and nodes of a corrupted graph.

    The summary of a view is :math:`c_k = \sigma(\frac1N \sum_i z^k_i)`; the logit of a node is
    :math:`\sum_k h_i^\top W c_k + b`, label 1 for the graph's nodes and 0 for the corrupted ones.
    W is trained. (GAugLLM's released code draws a new W at every call and never trains it.)

    Args:
        channels (int): Width D of the embeddings.
        reduction (str): ``"mean"``, ``"sum"``, or ``"none"`` for the terms of the graph's nodes,
            then of the corrupted ones.

    Shapes:
        - z, corrupted: ``(N, D)`` embeddings of the graph and of its corruption; half precision
          is computed in float32.
        - z1, z2: ``(N1, D)`` and ``(N2, D)`` embeddings of the views.
        - output: scalar; ``(2 N,)`` with ``reduction="none"``.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: O(N D + D^2) time and memory.
    """

    def __init__(self, channels: int, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        channels = check_int(channels, "channels", minimum=1)
        self.reduction: Reduction = check_reduction(reduction)
        self.bilinear = nn.Linear(channels, channels, bias=False)
        self.bias = nn.Parameter(torch.zeros(()))
        nn.init.xavier_uniform_(self.bilinear.weight)

    def forward(self, z: Tensor, corrupted: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
        """Binary cross-entropy of the discriminator.

        Args:
            z (Tensor): Embeddings of the graph, ``(N, D)``.
            corrupted (Tensor): Embeddings of its corruption.
            z1 (Tensor): Embeddings of view 1.
            z2 (Tensor): Embeddings of view 2.

        Returns:
            Tensor: A scalar; ``(2 N,)`` with ``reduction="none"``.
        """
        channels = self.bilinear.in_features
        check_matrix(z, "z", cols=channels)
        for name, value in (("corrupted", corrupted), ("z1", z1), ("z2", z2)):
            check_matrix(value, name, cols=channels)
        weight = self.bilinear.weight
        dtype = working_dtype(torch.promote_types(z.dtype, weight.dtype))
        z, corrupted, z1, z2 = (value.to(dtype) for value in (z, corrupted, z1, z2))
        with full_precision(z):
            probe = F.linear(z1.mean(0).sigmoid() + z2.mean(0).sigmoid(), weight.to(dtype))
            positive, negative = z @ probe + self.bias, corrupted @ probe + self.bias
        # Binary cross-entropy from logits: softplus does not overflow.
        true, false = F.softplus(-positive), F.softplus(negative)
        if self.reduction != "mean":
            return reduced(torch.cat([true, false]), self.reduction)
        total = true.sum() + false.sum()
        loss: Tensor = total / (positive.numel() + negative.numel())
        return loss
