"""What every self-supervised model of a graph offers once it is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphlab._eval_mode import evaluating


class EmbeddingModel(nn.Module):
    """A model that is called with ``(x, edge_index)`` and returns embeddings."""

    @torch.no_grad()
    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Return the embeddings of the whole, undisturbed graph, in evaluation mode."""
        with evaluating(self):
            z: Tensor = self(x, edge_index)
        return z
