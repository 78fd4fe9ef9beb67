"""Re-weighting of messages by concentration, once in a while during training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from graphlab._checks import (
    check_choice,
    check_edge_index,
    check_edge_weight,
    check_finite,
    check_int,
    check_matrix,
    check_nonnegative,
    check_same_device,
)
from graphlab._precision import widened
from graphlab._repr import short_repr

__all__ = ["TCReweight"]


@short_repr
class TCReweight:
    r"""Strengthens the messages between a node and those that resemble its neighbourhood.

    .. math:: w'_{ce} = w_{ce} + \alpha \, \bar w_c \,
        \operatorname{softmax}_{e} \sigma(f(n_c \odot h_e)), \qquad n = \hat A h

    c is the node at the grouping end of an edge, e the other one, :math:`\bar w_c` the sum of the
    base weights of c's edges, f the link predictor and :math:`\hat A` the normalised graph with
    self-loops. The base weights always are the original ones; nothing accumulates, and no
    gradient flows. The softmax is taken over values in (0, 1), as by the authors: within a group
    the added weights differ at most by a factor e.

    The authors mean to normalise over what a node *receives* (``group="target"``, the default).
    Their program groups by the wrong end: the matrix that it multiplies with sums over the index
    by which it has grouped, so that every node's *outgoing* messages are normalised
    (``group="source"`` does the same).

    Args:
        alpha (float): Non-negative strength.
        warm_up (int): First epoch with an update, at least 0.
        interval (int): Epochs between updates, at least 1.
        aug (str): Normalisation of :math:`\hat A`: ``"gcn"`` (symmetric) or ``"sage"`` (mean).
        group (str): ``"target"`` (``edge_index[1]``) or ``"source"`` (``edge_index[0]``).

    Raises:
        TypeError, ValueError: If an option is out of range.

    Reference: Wang, Zhao, Zhang, Derr, "A Topological Perspective on Demystifying GNN-Based Link
        Prediction Performance", ICLR 2024, arXiv:2310.04612.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> reweight = TCReweight(alpha=1.0, warm_up=2, interval=5)
        >>> [epoch for epoch in range(10) if reweight.is_due(epoch)]
        [2, 7]
        >>> reweight.update(torch.eye(3), lambda x: x.sum(1), edge_index, torch.ones(4)).sum()
        tensor(8.)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        warm_up: int = 1,
        interval: int = 1,
        aug: Literal["gcn", "sage"] = "gcn",
        group: Literal["target", "source"] = "target",
    ) -> None:
        self.alpha = check_nonnegative(alpha, "alpha")
        self.warm_up = check_int(warm_up, "warm_up", minimum=0)
        self.interval = check_int(interval, "interval", minimum=1)
        self.aug = check_choice(aug, "aug", ("gcn", "sage"))
        self.group = check_choice(group, "group", ("target", "source"))

    def is_due(self, epoch: int) -> bool:
        """Test whether the weights should be updated before an epoch.

        Args:
            epoch (int): Number of the epoch, counted from 0.

        Returns:
            bool: True if :meth:`update` is due.
        """
        check_int(epoch, "epoch")
        return epoch >= self.warm_up and (epoch - self.warm_up) % self.interval == 0

    @torch.no_grad()
    def update(
        self,
        h: Tensor,
        predictor: Callable[[Tensor], Tensor],
        edge_index: Tensor,
        edge_weight: Tensor,
    ) -> Tensor:
        """New weights of the messages.

        Args:
            h (Tensor): Embeddings ``(N, D)``, floating point.
            predictor (Callable): Maps products ``(E, D)`` to logits ``(E,)`` or ``(E, 1)``.
            edge_index (Tensor): Message edges ``(2, E)``, usually with self-loops.
            edge_weight (Tensor): Base weights ``(E,)``, non-negative.

        Returns:
            Tensor: ``(E,)``, dtype of ``edge_weight``, without gradient.

        Raises:
            TypeError, ValueError, IndexError: If an argument is malformed or out of range, or the
                predictor returns another shape or values that are not finite.

        Complexity: O(E D) time and memory.
        Determinism: bitwise on CPU; on CUDA as far as ``index_add`` is.
        """
        from torch_geometric.utils import scatter, softmax

        h = check_matrix(h, "h")
        edge_index = check_edge_index(edge_index, h.size(0))
        weight = check_edge_weight(edge_weight, edge_index.size(1))
        check_same_device(h=h, edge_index=edge_index, edge_weight=edge_weight)
        end = 1 if self.group == "target" else 0
        center, other = edge_index[end], edge_index[1 - end]
        # Half precision cannot count the edges of a hub.
        mixed = self._neighbourhood(widened(h), edge_index).to(h.dtype)
        logits = _logits(predictor(mixed[center] * h[other]), center.numel())
        score = torch.sigmoid(widened(logits))
        share = softmax(score, center, num_nodes=h.size(0))
        total = scatter(weight, center, dim_size=h.size(0), reduce="sum")
        new: Tensor = self.alpha * share * total[center] + weight
        return new.to(weight.dtype)

    def _neighbourhood(self, h: Tensor, edge_index: Tensor) -> Tensor:
        """Normalised sum over every node and its neighbours."""
        from torch_geometric.utils import add_remaining_self_loops, degree, scatter

        size = h.size(0)
        source, target = add_remaining_self_loops(edge_index, num_nodes=size)[0]
        count = degree(target, size, dtype=h.dtype)
        if self.aug == "sage":
            weight = 1 / count[target]
        else:
            weight = (count[source] * count[target]).rsqrt()
        mixed: Tensor = scatter(
            weight.unsqueeze(1) * h[source], target, dim_size=size, reduce="sum"
        )
        return mixed


def _logits(value: Tensor, length: int) -> Tensor:
    if value.numel() != length or value.dim() > 2:
        raise ValueError(
            f"predictor must return {length} logits, shape (E,) or (E, 1), got {tuple(value.shape)}"
        )
    check_finite(value, "predictor(...)")
    return value.reshape(-1)
