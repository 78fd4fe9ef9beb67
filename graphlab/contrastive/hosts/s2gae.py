"""S2GAE: hidden edges are discriminated from non-edges by codes of the edges that are left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from graphlab._checks import check_edge_index, check_fraction, check_int, check_matrix
from graphlab._random import check_generator
from graphlab._user_module import check_encoder, check_output
from graphlab.contrastive.augment._draws import pair_number
from graphlab.contrastive.augment.non_edges import sample_non_edges
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel, check_kinds
from graphlab.contrastive.hosts.projection_head import check_head_dtype

__all__ = ["S2GAE"]


class S2GAE(EmbeddingModel):
    r"""Masked-edge autoencoder with a decoder that crosses the layers of the encoder.

    With codes :math:`h^1, ..., h^K` of K layers, an edge (u, v) is scored by an MLP of all products
    :math:`h^k_u \circ h^l_v`. Hidden edges shall score high, random non-edges low.

    Args:
        encoder (nn.Module): Called as ``encoder(x, edge_index)``; returns ``(N, D)``, or a
            sequence of K such tensors, one per layer.
        out_channels (int): D.
        num_levels (int): K; 1 if the encoder returns one tensor.
        hidden_channels (int): Width of the decoder.
        mask_rate (float): Share of the edges hidden per step, in (0, 1).
        directed (bool): Hide the two directions of an edge independently, else together; then the
            non-edges are pairs without an edge in either direction.

    Raises:
        TypeError, ValueError: If an argument is malformed.

    Complexity: one pass of the encoder and O(mask_rate E K^2 D hidden_channels) for the decoder.

    Reference: Tan et al., "S2GAE: self-supervised graph autoencoders are generalizable learners
        with graph masking", WSDM 2023.

    Example:
        >>> from torch_geometric.nn import GCN
        >>> model = S2GAE(GCN(4, 8, 2), 8)
        >>> ring = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])
        >>> edges = torch.cat([ring, ring.flip(0)], dim=1)
        >>> model.loss(torch.randn(5, 4), edges, generator=torch.Generator()).shape
        torch.Size([])
    """

    def __init__(
        self,
        encoder: nn.Module,
        out_channels: int,
        *,
        num_levels: int = 1,
        hidden_channels: int = 256,
        mask_rate: float = 0.5,
        directed: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = check_encoder(encoder)
        self.width = check_int(out_channels, "out_channels", minimum=1)
        self.num_levels = check_int(num_levels, "num_levels", minimum=1)
        hidden = check_int(hidden_channels, "hidden_channels", minimum=1)
        self.decoder = nn.Sequential(
            nn.Linear(self.num_levels**2 * self.width, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )
        self.mask_rate = check_fraction(mask_rate, "mask_rate")
        if self.mask_rate in (0, 1):
            raise ValueError(f"mask_rate must lie inside (0, 1), got {mask_rate}")
        self.directed = bool(directed)

    def levels(self, x: Tensor, edge_index: Tensor) -> list[Tensor]:
        """Codes of all layers.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            list: K tensors ``(N, D)``.
        """
        check_kinds(x, edge_index)
        return self._levels(x, edge_index)

    def _levels(self, x: Tensor, edge_index: Tensor, finite: bool = False) -> list[Tensor]:
        out: Any = self.encoder(x, edge_index)
        levels = list(out) if isinstance(out, (tuple, list)) else [out]
        if len(levels) != self.num_levels:
            raise ValueError(f"encoder must return {self.num_levels} levels, got {len(levels)}")
        call = "encoder(x, edge_index)"
        names = [call] if len(levels) == 1 else [f"{call}[{k}]" for k in range(len(levels))]
        for level, name in zip(levels, names, strict=True):
            check_output(level, x.size(0), name, cols=self.width, finite=finite)
        return levels

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Codes of all layers side by side.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``.

        Returns:
            Tensor: ``(N, K D)``.
        """
        return torch.cat(self.levels(x, edge_index), dim=1)

    def mask(self, edge_index: Tensor, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Split the edges at random.

        Args:
            edge_index (Tensor): Edges ``(2, E)``.
            generator (torch.Generator): Source of the draw.

        Returns:
            tuple: The edges that stay ``(2, E1)`` and those hidden ``(2, E2)``, in their order.
        """
        check_edge_index(edge_index, 0, values=False)
        check_generator(generator)
        number = torch.arange(edge_index.size(1), device=edge_index.device)
        if not self.directed:
            number = pair_number(edge_index)
        count = int(number.max()) + 1 if number.numel() else 0
        draw = torch.rand(count, generator=generator, device=generator.device)
        hidden = (draw < self.mask_rate).to(number.device)[number]
        return edge_index[:, ~hidden], edge_index[:, hidden]

    def score(self, levels: Sequence[Tensor], pairs: Tensor) -> Tensor:
        """Logits of pairs of nodes.

        Args:
            levels (sequence): Codes of all layers, from :meth:`levels`.
            pairs (Tensor): Pairs ``(2, P)``.

        Returns:
            Tensor: ``(P,)``.
        """
        if not isinstance(levels, (list, tuple)) or not levels:
            raise TypeError(
                f"levels must be a sequence of tensors, one per layer, got {type(levels).__name__}"
            )
        for i, level in enumerate(levels):
            check_matrix(level, f"levels[{i}]", cols=self.width, finite=False)
            check_head_dtype(level, self.decoder, f"levels[{i}]", "decoder")
        pairs = check_edge_index(pairs, levels[0].size(0), "pairs")
        left = torch.stack([h[pairs[0]] for h in levels], dim=1).unsqueeze(2)
        right = torch.stack([h[pairs[1]] for h in levels], dim=1).unsqueeze(1)
        logits: Tensor = self.decoder((left * right).flatten(1)).squeeze(1)
        return logits

    def loss(
        self,
        x: Tensor,
        edge_index: Tensor,
        *,
        generator: torch.Generator,
        positives: Tensor | None = None,
    ) -> Tensor:
        """Loss of hidden edges against non-edges.

        Args:
            x (Tensor): Features ``(N, F)``.
            edge_index (Tensor): Edges ``(2, E)``. With ``positives``, those that are to stay.
            generator (torch.Generator): Source of masks and non-edges.
            positives (Tensor, optional): Edges ``(2, P)`` to recognise; hidden ones if missing.

        Returns:
            Tensor: A scalar.

        Raises:
            ValueError: If there is no edge to recognise.
        """
        check_kinds(x, edge_index)
        visible, hidden = edge_index, positives
        if hidden is None:
            visible, hidden = self.mask(edge_index, generator=generator)
        else:  # which numbers they hold, the draw of the non-edges checks
            hidden = check_edge_index(hidden, x.size(0), "positives", values=False)
        if hidden.size(1) == 0:
            raise ValueError("no edge is hidden: edge_index or mask_rate is too small")
        # Hidden edges are no non-edges either.
        known = torch.cat([visible, hidden], dim=1)
        if not self.directed:  # an edge one way is none the less an edge of its two nodes
            known = torch.cat([known, known.flip(0)], dim=1)
        wrong = sample_non_edges(known, x.size(0), hidden.size(1), generator=generator)
        levels = self._levels(x, visible, finite=True)
        positive, negative = self.score(levels, hidden), self.score(levels, wrong)
        # Softplus of the logits is their cross-entropy, without an exponential that overflows.
        return F.softplus(-positive).mean() + F.softplus(negative).mean()

    def _step_loss(
        self, x: Tensor, edge_index: Tensor, generator: torch.Generator, step: int
    ) -> Tensor:
        return self.loss(x, edge_index, generator=generator)
