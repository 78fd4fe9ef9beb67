"""What every self-supervised model of a graph offers once it is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EmbeddingModel(nn.Module):
    """A model that is called with ``(x, edge_index)`` and returns embeddings."""

    @torch.no_grad()
    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the embeddings of the whole, undisturbed graph, in evaluation mode."""
        # Layer by layer: one that was frozen in evaluation mode stays so.
        training = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            z: Tensor = self(x, edge_index)
        finally:
            for module, mode in training:
                module.training = mode
        return z
