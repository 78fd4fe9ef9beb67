"""GraphMAE: features of masked nodes are restored from those of their neighbours."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv

from graphlab._checks import check_fraction, check_int, check_matrix, check_positive
from graphlab._random import check_generator, random_order
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from graphlab.contrastive.hosts.projection_head import check_head_dtype
from graphlab.contrastive.losses.scaled_cosine import scaled_cosine_error

__all__ = ["GraphMAE"]


class GraphMAE(EmbeddingModel):
    r"""Masked-feature autoencoder of a graph.

    Of the nodes drawn, most get a learned token in place of their features and a few get those of
    another node. The code of all drawn nodes is set to zero again before the decoder (re-masking),
    so that a node is restored from its neighbours and not from its own code.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, out_channels)``.
        in_channels (int): F, width of the features.
        out_channels (int): D, width of the embeddings.
        decoder (nn.Module, optional): Called as ``decoder(h, edge_index)`` on ``(N, D)``; returns
            ``(N, F)``. One graph convolution if missing.
        mask_rate (float): Share of the nodes drawn, in (0, 1].
        replace_rate (float): Share of those that get another node's features.
        alpha (float): Power of the error.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: one pass of encoder and decoder; the loss is O(mask_rate N F).

    Reference: Hou et al., "GraphMAE: self-supervised masked graph autoencoders", KDD 2022,
        arXiv:2205.10803.

    Example:
        >>> from torch_geometric.nn import GCN
        >>> model = GraphMAE(GCN(4, 8, 2), 4, 8)
        >>> x, edge_index = torch.randn(5, 4), torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> model.loss(x, edge_index, generator=torch.Generator()).shape
        torch.Size([])
    """

    def __init__(
        self,
        encoder: nn.Module,
        in_channels: int,
        out_channels: int,
        decoder: nn.Module | None = None,
        *,
        mask_rate: float = 0.5,
        replace_rate: float = 0.05,
        alpha: float = 3.0,
    ) -> None:
        super().__init__()
        features = check_int(in_channels, "in_channels", minimum=1)
        width = check_int(out_channels, "out_channels", minimum=1)
        self.encoder = check_encoder(encoder)
        self.bridge = nn.Linear(width, width, bias=False)
        self.decoder = (
            GCNConv(width, features) if decoder is None else check_encoder(decoder, "decoder")
        )
        self.token = nn.Parameter(torch.zeros(1, features))
        self.mask_rate = check_fraction(mask_rate, "mask_rate")
        if self.mask_rate == 0:
            raise ValueError("mask_rate must be above 0: without masked nodes nothing is learned")
        self.replace_rate = check_fraction(replace_rate, "replace_rate")
        self.alpha = check_positive(alpha, "alpha")

    def mask(self, x: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw nodes and hide their features.

        Args:
            x (Tensor): Features ``(N, F)``.
            generator (torch.Generator): Source of the draw.

        Returns:
            tuple: The features with token and foreign rows ``(N, F)``, and the nodes drawn
            (at least one), int64.
        """
        x = check_matrix(x, "x", cols=self.token.size(1))
        check_head_dtype(x, self.bridge, "x", "decoder")
        check_generator(generator)
        count = max(1, round(self.mask_rate * x.size(0)))
        order = random_order(x.size(0), generator, x.device)
        foreign = round(self.replace_rate * count)
        donors = torch.randint(
            x.size(0), (foreign,), generator=generator, device=generator.device
        ).to(x.device)
        chosen = order[:count]
        hidden = x.clone()
        hidden[chosen[:foreign]] = x[donors]
        return hidden.index_copy(
            0, chosen[foreign:], self.token.expand(count - foreign, -1)
        ), chosen

    def loss(self, x: Tensor, edge_index: Tensor, *, generator: torch.Generator) -> Tensor:
        """Loss of the restored features of masked nodes.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of the masks.

        Returns:
            Tensor: A scalar.
        """
        self._check_graph(x, edge_index)
        hidden, chosen = self.mask(x, generator=generator)
        count, width = x.size(0), self.bridge.in_features
        code = check_output(self.encoder(hidden, edge_index), count, cols=width, finite=True)
        # Masked again, so that no node is decoded from its own code.
        code = self.bridge(code).index_fill(0, chosen, 0.0)
        restored = self.decoder(code, edge_index)
        call = "decoder(h, edge_index)"
        check_output(restored, count, call, cols=x.size(1), finite=True)
        return scaled_cosine_error(restored[chosen], x[chosen], self.alpha)

    def _step_loss(
        self, x: Tensor, edge_index: Tensor, generator: torch.Generator, step: int
    ) -> Tensor:
        return self.loss(x, edge_index, generator=generator)
