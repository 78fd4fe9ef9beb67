"""Eager PyTorch re-expression of GRACE's loss and training step, the yardstick of the figures.

The loss as its published code and the libraries around it write it: all four N x N matrices of
cosines (each view with itself and with the other, in both directions) are formed, exponentiated and
kept for the backward pass. It overflows float32 below a temperature of about 0.0113 and shares no
code with ``graphlab``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.nn import GCNConv


def one_direction(u: Tensor, v: Tensor, temperature: float) -> Tensor:
    """Loss of every row of u, which must be of unit length, against v and u, ``(N,)``."""
    within = torch.exp(u @ u.t() / temperature)
    between = torch.exp(u @ v.t() / temperature)
    total = between.sum(1) + within.sum(1) - within.diagonal()
    return -torch.log(between.diagonal() / total)


def grace_loss(h1: Tensor, h2: Tensor, temperature: float) -> Tensor:
    """Mean of both directions over projections ``(N, D)``, a scalar."""
    u, v = F.normalize(h1), F.normalize(h2)
    both = one_direction(u, v, temperature) + one_direction(v, u, temperature)
    return 0.5 * both.mean()


def weighted_loss(
    h1: Tensor, h2: Tensor, temperature: float, weights: tuple[Tensor, Tensor]
) -> Tensor:
    """ProGCL's loss with stored weights of the negatives, ``(N, N)`` for each direction, a scalar.

    As the authors keep them, but one table for each direction, and zero at the own node.
    """
    u, v = F.normalize(h1), F.normalize(h2)
    terms = []
    for anchor, other, weight in ((u, v, weights[0]), (v, u, weights[1])):
        between = torch.exp(anchor @ other.t() / temperature)
        within = torch.exp(anchor @ anchor.t() / temperature)
        positive = between.diagonal()
        terms.append(-torch.log(positive / (positive + (weight * (between + within)).sum(1))))
    return 0.5 * (terms[0] + terms[1]).mean()


def two_view_loss(h1: Tensor, h2: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE without negatives inside a view, with its N x N matrix, a scalar."""
    logits = F.normalize(h1) @ F.normalize(h2).t() / temperature
    own = torch.arange(len(h1), device=h1.device)
    return 0.5 * (F.cross_entropy(logits, own) + F.cross_entropy(logits.t(), own))


class EagerGRACE(nn.Module):
    """Two graph convolutions with ReLU, a projection head, and the eager loss.

    Args:
        in_channels (int): Number of features.
        channels (int): Width of the embeddings; the hidden layer has twice as many.
        proj_channels (int): Hidden width of the head.
        temperature (float): Divides the cosine.
    """

    def __init__(
        self, in_channels: int, channels: int, proj_channels: int, temperature: float
    ) -> None:
        super().__init__()
        self.first = GCNConv(in_channels, 2 * channels)
        self.second = GCNConv(2 * channels, channels)
        self.fc1 = nn.Linear(channels, proj_channels)
        self.fc2 = nn.Linear(proj_channels, channels)
        self.temperature = temperature

    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings ``(N, D)``."""
        hidden = self.first(x, edge_index).relu()
        out: Tensor = self.second(hidden, edge_index).relu()
        return out

    def project(self, z: Tensor) -> Tensor:
        """Projections ``(N, D)``."""
        out: Tensor = self.fc2(F.elu(self.fc1(z)))
        return out

    def step(self, x: Tensor, edge_index: Tensor, rates: tuple[float, float]) -> Tensor:
        """Loss of one step with freshly dropped edges; its draws are the global generator's."""
        draws = [torch.rand(edge_index.size(1), device=edge_index.device) for _ in rates]
        views = [edge_index[:, u >= rate] for u, rate in zip(draws, rates, strict=True)]
        h1, h2 = (self.project(self.embed(x, view)) for view in views)
        return grace_loss(h1, h2, self.temperature)
