"""A training of a masked autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlab.contrastive.hosts.embedding_model import EmbeddingModel


def trained(model: EmbeddingModel, x: Tensor, edge_index: Tensor) -> list[float]:
    """Losses of a training in place."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for step in range(60):
        loss = model.training_loss(x, edge_index, generator=generator, step=step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    return losses
