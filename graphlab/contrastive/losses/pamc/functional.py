"""PamC as a function of tensors."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from graphlab._tensor_memo import TensorMemo
from graphlab.contrastive.losses.pamc.negatives import Negatives
from graphlab.contrastive.losses.pamc.pamc import PamCLoss
from graphlab.ops import CSRGraph

__all__ = ["pamc_loss"]

#: The last graph that the function has prepared, shared by all its calls.
_LAST: TensorMemo[CSRGraph] = TensorMemo()


def pamc_loss(
    z: Tensor,
    edge_index: Tensor | CSRGraph,
    cluster: Tensor,
    *,
    edge_weight: Tensor | None = None,
    num_clusters: int | None = None,
    tau: float = 1.0,
    negatives: Negatives = "meta",
    eps: float | None = None,
    num_samples: int = 512,
    generator: torch.Generator | None = None,
    zero_norm: Literal["ignore", "raise"] = "ignore",
    isolated: Literal["keep", "mask", "raise"] = "keep",
) -> Tensor:
    """:class:`PamCLoss` as a function; see there for all arguments.

    The edges of the last call stay prepared while they are not changed; where calls alternate
    between graphs, prefer a module for each, or pass prepared graphs.

    Args:
        z (Tensor): Embeddings ``(N, D)``.
        edge_index (Tensor or CSRGraph): Positives ``(2, E)``, or prepared.
        cluster (Tensor): Hard or soft assignment.
        edge_weight (Tensor, optional): ``(E,)``.
        num_clusters (int, optional): K; read off the assignment when missing.
        tau (float): Inverse temperature; multiplies the cosine.
        negatives (str): Kind of the negative term.
        eps (float, optional): Added inside the logarithms.
        num_samples (int): Rows that ``"sampled"`` draws.
        generator (torch.Generator, optional): Source of randomness of ``"sampled"``.
        zero_norm (str): ``"ignore"`` zero rows or ``"raise"``.
        isolated (str): ``"keep"``, ``"mask"`` or ``"raise"`` for nodes without positives.

    Returns:
        Tensor: A scalar.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed or out of range.
    """
    loss = PamCLoss(
        tau,
        negatives,
        eps,
        num_samples=num_samples,
        generator=generator,
        zero_norm=zero_norm,
        isolated=isolated,
    )
    loss._memo = _LAST
    value: Tensor = loss(z, edge_index, cluster, edge_weight, num_clusters)
    return value
