"""Training of a selector without labels: the mixture of a node shall tell its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_edge_index, check_int, check_positive, from_array
from graphlab._deprecation import warn_renamed
from graphlab._progress import track
from graphlab._random import make_generator, random_order
from graphlab._repr import short_repr
from graphlab._training import Callback, finite_loss
from graphlab.contrastive import sample_non_edges
from graphlab.tag.gaugllm.selector import ContextAwareSelector, check_experts

__all__ = ["FusedFeatures", "fit_selector"]


@short_repr
@dataclass(frozen=True)
class FusedFeatures:
    """Mixture of the experts by a trained selector.

    Attributes:
        x (Tensor): Fused embeddings ``(N, H)``.
        weights (Tensor): Weights of the experts ``(N, K)``, of the nodes in their order.
        history (list[dict]): ``epoch`` and ``loss`` of every epoch.
    """

    x: Tensor
    weights: Tensor
    history: list[dict[str, Any]]

    @property
    def losses(self) -> list[float]:
        """Loss of every epoch; the column of ``history`` under its earlier name."""
        warn_renamed("FusedFeatures.losses", "FusedFeatures.history")
        return [row["loss"] for row in self.history]


def fit_selector(
    selector: ContextAwareSelector,
    content: Tensor,
    context: Tensor,
    edge_index: Tensor,
    *,
    epochs: int = 100,
    batch_size: int = 8192,
    lr: float = 1e-3,
    seed: int = 0,
    callback: Callback | None = None,
) -> FusedFeatures:
    """Train a selector so that neighbours' mixtures are similar, and fuse with it.

    The logit of an edge is a scaled cosine of the two fused embeddings with a bias, both learned;
    as many non-edges are drawn. It stands in for the neighbour prediction over all nodes (extreme
    multi-label classification) in which GAugLLM trains the selector together with a language model:
    the language model is frozen here.

    Args:
        selector (ContextAwareSelector): Trained in place.
        content (Tensor or ndarray): ``(N, K, H)``.
        context (Tensor or ndarray): ``(N, K, H)``.
        edge_index (Tensor): Edges ``(2, E)``, E at least 1.
        epochs (int): Passes over the edges.
        batch_size (int): Edges per step.
        lr (float): Learning rate of Adam.
        seed (int): Seed of orders and non-edges.
        callback (callable, optional): Called with the row of every epoch; see ``history``.

    Returns:
        FusedFeatures: Computed after the training, in evaluation mode, node by node.

    Raises:
        TypeError, ValueError, IndexError: If an argument is malformed.
        FloatingPointError: If the loss is not finite.

    Complexity: O(epochs E K H^2) time.
    """
    if not isinstance(selector, ContextAwareSelector):
        raise TypeError(f"selector must be a ContextAwareSelector, got {type(selector).__name__}")
    content, context = from_array(content, "content"), from_array(context, "context")
    check_experts(selector, content, context)
    count = content.size(0)
    edges = check_edge_index(edge_index, count)
    if edges.size(1) == 0:
        raise ValueError("edge_index must hold at least one edge to learn from")
    check_int(epochs, "epochs", minimum=0)
    check_int(batch_size, "batch_size", minimum=1)
    generator = make_generator(seed)
    # A cosine does not see which way an edge runs: the other way round is no non-edge.
    either = torch.cat([edges, edges.flip(0)], dim=1)
    # Cosines end at one: without a learned factor no edge could be more than 73 % likely.
    scale = nn.Parameter(torch.tensor([5.0, 0.0], device=content.device))
    parameters = [*selector.parameters(), scale]
    optimizer = torch.optim.Adam(parameters, lr=check_positive(lr, "lr"))
    selector.train()
    history: list[dict[str, Any]] = []
    for epoch in track(range(epochs), "selector", unit="epochs"):
        order = random_order(edges.size(1), generator, edges.device)
        total = 0.0
        for rows in order.split(batch_size):
            # As many non-edges as edges: the classes stay balanced whatever the density of the
            # graph.
            wrong = sample_non_edges(either, count, rows.numel(), generator=generator)
            pairs = torch.cat([edges[:, rows], wrong], dim=1)
            loss = _neighbor_loss(selector, content, context, pairs, scale)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * rows.numel()
        mean = finite_loss(total / edges.size(1), f"epoch {epoch}")
        history.append({"epoch": epoch, "loss": mean})
        if callback is not None:
            callback(history[-1])
    selector.eval()
    with torch.no_grad():
        blocks = zip(content.split(batch_size), context.split(batch_size), strict=True)
        parts = [selector(*block) for block in blocks]
    fused, weights = (torch.cat(values) for values in zip(*parts, strict=True))
    return FusedFeatures(fused, weights, history)


def _neighbor_loss(
    selector: ContextAwareSelector, content: Tensor, context: Tensor, pairs: Tensor, scale: Tensor
) -> Tensor:
    """Cross-entropy of a batch; the first half of the pairs are edges."""
    # A node in many pairs of the batch is mixed once.
    nodes, position = pairs.unique(return_inverse=True)
    fused, _ = selector(content[nodes], context[nodes])
    unit = F.normalize(fused, dim=1)
    logits = scale[0] * (unit[position[0]] * unit[position[1]]).sum(1) + scale[1]
    target = torch.zeros_like(logits)
    target[: target.numel() // 2] = 1
    return F.binary_cross_entropy_with_logits(logits, target)
