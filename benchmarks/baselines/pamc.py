r"""Eager PyTorch re-expression of the PamC and SCGC* formulas, the yardstick of the speed figures.

This is what a careful user writes with ordinary tensor operations: vectorised, no Python loop, and
with the intermediate tensors such an expression costs: two gathers of E x D for the positives, an
N x N matrix for the exact negatives, two encoder passes an epoch. It follows the published formulas
and the figures of the method's reference run; it shares no code with ``graphlab``.

Time and peak memory of one forward and backward of this kind, one CPU thread, against a scalar C
prototype of the fused loss (only the ratios carry over to another machine):

====================  =========  ==================  ===================  ======================
set                   edges      positives + meta    exact negatives      prototype
====================  =========  ==================  ===================  ======================
ACM, order 1          29,281     32.4 ms, 8.1 MB     3,112 ms, 256 MB     0.45 ms, 0.15 MB
DBLP, order 1         11,113     2.05 ms, 3.3 MB     5,112 ms, 461 MB     0.24 ms, 0.20 MB
USPS, order 4         1,301,520  2,901 ms, 350 MB    30,692 ms, 2,421 MB  110 ms, 0.45 MB
====================  =========  ==================  ===================  ======================

Notation: N nodes, E weighted pairs, D features, K clusters; ``tau`` multiplies the cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPS_PAMC = 1e-10
EPS_EXACT = 1e-8


def influence_pairs(
    pairs: Tensor, num_nodes: int, order: int = 1, cumulative: bool = True
) -> tuple[Tensor, Tensor]:
    r"""Positives of the method: powers of the row-normalised graph with self-loops.

    With :math:`A = D^{-1}(A_s + I)` of the symmetrised graph, the weights are
    :math:`A + \dots + A^r` (``cumulative``) or :math:`A^r`.

    Args:
        pairs (Tensor): ``(2, M)`` int64 node pairs without loops or repetition, in any direction.
        num_nodes (int): N.
        order (int): r, at least 1.
        cumulative (bool): Sum the powers.

    Returns:
        ``(edge_index, edge_weight)``: sorted ``(2, E)`` int64 and ``(E,)`` float32 values.
    """
    row, col = pairs.numpy()
    shape = (num_nodes, num_nodes)
    graph = sp.csr_matrix((np.ones(len(row)), (row, col)), shape=shape)
    graph = graph.maximum(graph.T) + sp.identity(num_nodes, format="csr")
    step = sp.diags(1.0 / np.asarray(graph.sum(axis=1)).ravel()) @ graph
    power, total = step, step
    for _ in range(order - 1):
        power = power @ step
        total = total + power
    result = (total if cumulative else power).tocoo()
    keys = np.lexsort((result.col, result.row))
    edge_index = np.stack([result.row[keys], result.col[keys]]).astype(np.int64)
    return torch.from_numpy(edge_index), torch.from_numpy(result.data[keys].astype(np.float32))


def positive_sums(z: Tensor, edge_index: Tensor, edge_weight: Tensor, tau: float) -> Tensor:
    r""":math:`P_i = \sum_j w_{ij} \exp(\tau \cos(z_i, z_j))`, a node's cosine to itself being 0.

    Args:
        z (Tensor): ``(N, D)`` embeddings.
        edge_index (Tensor): ``(2, E)``; row 0 is the anchor i.
        edge_weight (Tensor): ``(E,)``.
        tau (float): Multiplies the cosine.

    Returns:
        ``(N,)`` sums. Memory: several E x D tensors, kept for the backward pass.
    """
    row, col = edge_index
    left, right = z[row], z[col]
    lengths = left.square().sum(1).sqrt() * right.square().sum(1).sqrt()
    cosine = (left * right).sum(1) / lengths
    cosine = torch.where(row == col, torch.zeros_like(cosine), cosine)
    terms = edge_weight.to(z.dtype) * torch.exp(tau * cosine)
    return torch.zeros(len(z), dtype=z.dtype, device=z.device).index_add(0, row, terms)


def positive_loss(z: Tensor, edge_index: Tensor, edge_weight: Tensor, tau: float) -> Tensor:
    r""":math:`-\frac1N \sum_i \log(P_i + 10^{-10})`."""
    return -torch.log(positive_sums(z, edge_index, edge_weight, tau) + EPS_PAMC).mean()


def _pairwise_cosine(rows: Tensor) -> Tensor:
    unit = rows / rows.square().sum(1, keepdim=True).sqrt()
    cosine = unit @ unit.T
    return cosine - torch.diag(torch.diagonal(cosine))


def meta_loss(z: Tensor, cluster: Tensor, num_clusters: int, tau: float) -> Tensor:
    r"""Negatives between meta-nodes instead of nodes.

    .. math:: \frac1K \sum_a \log\Big(\sum_b \exp(\tau \cos(c_a, c_b)) + 10^{-10}\Big)

    :math:`c_a` is the sum of the rows of cluster a and the cosine of a cluster to itself counts as
    0. Like the published formula it has no answer (NaN) for an empty cluster.

    Args:
        z (Tensor): ``(N, D)`` embeddings.
        cluster (Tensor): ``(N,)`` cluster of each row.
        num_clusters (int): K.
        tau (float): Multiplies the cosine.

    Returns:
        Tensor: Scalar.
    """
    zeros = torch.zeros(num_clusters, z.shape[1], dtype=z.dtype, device=z.device)
    meta = zeros.index_add(0, cluster, z)
    return torch.log(torch.exp(tau * _pairwise_cosine(meta)).sum(1) + EPS_PAMC).mean()


def pamc_loss(
    z: Tensor,
    edge_index: Tensor,
    edge_weight: Tensor,
    cluster: Tensor,
    num_clusters: int,
    tau: float,
) -> Tensor:
    """The contrastive loss of PamC: :func:`positive_loss` plus :func:`meta_loss`."""
    positive = positive_loss(z, edge_index, edge_weight, tau)
    return positive + meta_loss(z, cluster, num_clusters, tau)


def exact_loss(z: Tensor, edge_index: Tensor, edge_weight: Tensor, tau: float) -> Tensor:
    r"""SCGC* with all negatives: :math:`-\frac1N\sum_i\log(P_i/\sum_j e^{\tau s_{ij}} + 10^{-8})`.

    The N x N cosines and their exponentials are materialised; the positives are read from the
    exponentials, as a dense expression of the formula does.

    Args:
        z (Tensor): ``(N, D)`` embeddings.
        edge_index (Tensor): ``(2, E)`` positives.
        edge_weight (Tensor): ``(E,)``.
        tau (float): Multiplies the cosine.

    Returns:
        Tensor: Scalar.
    """
    row, col = edge_index
    similarity = torch.exp(tau * _pairwise_cosine(z))
    terms = edge_weight.to(z.dtype) * similarity[row, col]
    positive = torch.zeros(len(z), dtype=z.dtype, device=z.device).index_add(0, row, terms)
    return -torch.log(positive / similarity.sum(1) + EPS_EXACT).mean()


def soft_assignment(z: Tensor, centers: Tensor, v: float = 1.0) -> Tensor:
    r"""Student-t assignment: rows of :math:`(1+\|z_i-\mu_k\|^2/v)^{-(v+1)/2}`, normalised."""
    distance = (z.unsqueeze(1) - centers).square().sum(2)
    kernel = (1.0 + distance / v) ** (-(v + 1.0) / 2.0)
    return kernel / kernel.sum(1, keepdim=True)


def sharpened(q: Tensor) -> Tensor:
    """Self-training target: squares over cluster mass, normalised by row."""
    p = q.square() / q.sum(0)
    return p / p.sum(1, keepdim=True)


class EagerModel(nn.Module):
    """Encoder F-500-500-2000-D with trainable centres.

    Args:
        in_channels (int): F.
        num_clusters (int): K.
        hidden_channels (tuple[int, ...]): Widths of the hidden layers.
        out_channels (int): D.
    """

    def __init__(
        self,
        in_channels: int,
        num_clusters: int,
        hidden_channels: tuple[int, ...] = (500, 500, 2000),
        out_channels: int = 10,
    ) -> None:
        super().__init__()
        widths = (in_channels, *hidden_channels, out_channels)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.encoder = nn.Sequential(*layers[:-1])
        self.centers = nn.Parameter(torch.empty(num_clusters, out_channels))
        nn.init.xavier_normal_(self.centers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings ``(N, D)`` and soft assignment ``(N, K)`` of features ``(N, F)``."""
        z = self.encoder(x)
        return z, soft_assignment(z, self.centers)


@dataclass(frozen=True)
class EpochWeights:
    """Weights of one training epoch: contrast ``alpha``, self-training ``beta``, and ``tau``."""

    alpha: float = 0.5
    beta: float = 0.5
    tau: float = 0.5


def two_forward_epoch(
    model: EagerModel,
    optimizer: torch.optim.Optimizer,
    x: Tensor,
    edge_index: Tensor,
    edge_weight: Tensor,
    weights: EpochWeights | None = None,
    exact: bool = False,
) -> float:
    """One full-batch epoch as published: two encoder passes, the first recording gradients too.

    The first pass only provides the target, yet builds its autograd graph; the second gives the
    loss. On ACM the encoder takes nearly all of the time: in a 694 s run of 200 epochs the two
    passes took 189 s forward and the meta-node contrast 2.4 s.

    Args:
        model (EagerModel): Encoder and centres.
        optimizer (torch.optim.Optimizer): Of the model's parameters.
        x (Tensor): ``(N, F)`` dense features.
        edge_index (Tensor): ``(2, E)`` positives.
        edge_weight (Tensor): ``(E,)``.
        weights (EpochWeights, optional): Loss weights.
        exact (bool): Contrast with all negatives (SCGC*) and not with meta-nodes.

    Returns:
        float: The loss before the step.
    """
    weights = weights or EpochWeights()
    _, first = model(x)
    target = sharpened(first.detach())
    z, q = model(x)
    if exact:
        contrast = exact_loss(z, edge_index, edge_weight, weights.tau)
    else:
        cluster = q.detach().argmax(1)
        contrast = pamc_loss(z, edge_index, edge_weight, cluster, q.shape[1], weights.tau)
    divergence = F.kl_div(q.log(), target, reduction="batchmean")
    loss = weights.beta * divergence + weights.alpha * contrast
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())
