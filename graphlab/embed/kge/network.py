"""Tables of entities and relations, and the two maps that make a score of their rows."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from graphlab._random import make_generator
from graphlab.embed.kge.maps import Scorer, with_columns

__all__: list[str] = []


class TripleNetwork(nn.Module):
    """What is trained: rows of entities (a table, or features through a linear map) and relations.

    Args:
        scorer (Scorer): The maps.
        sizes (tuple): Numbers of entities and of relations, reverses among them.
        hidden_channels (int): Width of the rows in units of the scorer.
        gamma (float): What is added to every score.
        init_scale (float): Rows begin uniform between its negative and itself.
        features (Tensor, optional): Features of the entities ``(N, F)`` in place of a table.
        maps (tuple): Modules of the user among the maps.
        sparse (bool): Sparse gradients of the tables.
        seed (int): Seed of the first rows.
    """

    features: Tensor | None

    def __init__(
        self,
        scorer: Scorer,
        sizes: tuple[int, int],
        hidden_channels: int,
        *,
        gamma: float,
        init_scale: float,
        features: Tensor | None,
        maps: tuple[nn.Module, ...],
        sparse: bool,
        seed: int,
    ) -> None:
        super().__init__()
        generator = make_generator(seed)
        width = scorer.entity_width * hidden_channels
        self.scorer, self.gamma = scorer, gamma
        self.maps = nn.ModuleList(maps)
        if features is None:
            self.node_emb: nn.Module = _table(sizes[0], width, init_scale, sparse, generator)
        else:
            self.node_emb = _linear(features, width, init_scale, generator)
        self.register_buffer("features", features)
        scale = math.pi if scorer.angle else init_scale
        relations = scorer.relation_width * hidden_channels
        self.rel_emb = _table(sizes[1], relations, scale, sparse, generator)

    def rows(self, index: Tensor | None = None) -> Tensor:
        """Rows of entities, of all or of those asked for."""
        if self.features is not None:
            chosen = self.features if index is None else self.features[index]
            rows: Tensor = self.node_emb(chosen)
            return rows
        table = self.node_emb
        if index is None:
            return cast(Tensor, table.weight)
        rows = table(index)
        return rows

    def query(self, head: Tensor, relation: Tensor) -> Tensor:
        """Q of rows of heads and numbers of relations, ``(B, D')``."""
        return self.query_of(head, self.rel_emb(relation))

    def query_of(self, head: Tensor, relation: Tensor) -> Tensor:
        """Q of rows of heads and rows of relations, ``(B, D')``."""
        mapped = self.scorer.query(head, relation)
        columns = [(False, 0.0)] * self.scorer.terms
        columns += [(True, self.gamma)] * (self.scorer.terms or self.gamma != 0)
        return with_columns(mapped, columns)

    def entity(self, rows: Tensor) -> Tensor:
        """E of rows of entities, ``(N, D')``."""
        columns = [(True, 0.0)] * self.scorer.terms
        columns += [(False, 0.0)] * (self.scorer.terms or self.gamma != 0)
        return with_columns(self.scorer.entity(rows), columns)

    @property
    def num_nodes(self) -> int:
        """Number of entities."""
        if self.features is not None:
            return self.features.size(0)
        return int(self.rows().size(0))

    @property
    def device(self) -> torch.device:
        """Device of the tables."""
        return self.rel_emb.weight.device


def _table(
    count: int, width: int, scale: float, sparse: bool, generator: torch.Generator
) -> nn.Embedding:
    # Not by the layer itself, which draws from the global generator.
    values = _uniform((count, width), scale, generator)
    table = nn.Embedding(count, width, sparse=sparse, _weight=values)
    table.weight.requires_grad_()
    return table


def _linear(features: Tensor, width: int, scale: float, generator: torch.Generator) -> nn.Linear:
    """A linear map after which rows of features are about as long as those of a table."""
    layer = cast(nn.Linear, nn.utils.skip_init(nn.Linear, features.size(1), width))
    length = float(features.double().norm(dim=1).mean())
    weight = _uniform((width, features.size(1)), scale / max(length, 1e-12), generator)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.zero_()
    return layer.to(features.device)


def _uniform(shape: tuple[int, int], scale: float, generator: torch.Generator) -> Tensor:
    values = torch.rand(shape, generator=generator, device="cpu")
    return ((2 * values - 1) * scale).to(torch.get_default_device())
