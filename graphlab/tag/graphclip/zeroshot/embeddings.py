"""Embeddings that classes are compared with: those of the tower, and what needs no tower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.store import SubgraphStore

Mix = Literal["none", "own", "mean", "own+mean"]

_ROWS = 4096


@dataclass(frozen=True)
class Embeddings:
    """Unit rows of P subgraphs.

    Attributes:
        tower (Tensor): Of the tower, ``(P, D)``.
        own (Tensor, optional): Features of the roots, ``(P, D)``; None where they are no vectors of
            the space of the class sentences.
        mean (Tensor, optional): Means of the features over the subgraphs, likewise.
    """

    tower: Tensor
    own: Tensor | None
    mean: Tensor | None

    def mixed(self, mix: Mix) -> Tensor:
        """The tower's rows and what is added to them, as unit rows."""
        total = self.tower
        for name, part in (("own", self.own), ("mean", self.mean)):
            if name in mix and part is not None:
                total = total + part
        return normalize(total)

    def untrained(self) -> dict[str, Tensor]:
        """Rows of the frozen text encoder alone, by name; none where there are no such rows."""
        if self.own is None or self.mean is None:
            return {}
        return {
            "own text": self.own,
            "subgraph mean": self.mean,
            "own + mean": self.own + self.mean,
        }


@torch.no_grad()
def embed_subgraphs(model: GraphCLIP, x: Tensor, store: SubgraphStore) -> Embeddings:
    """All rows of the subgraphs of a store."""
    tower = normalize(model.encode(x, store))
    if x.size(1) != tower.size(1):
        return Embeddings(tower, None, None)
    rows = x.detach().float().cpu()
    means = torch.empty(len(store), x.size(1), device="cpu")
    for part in torch.arange(len(store), device="cpu").split(_ROWS):
        batch = store.batch(part)
        total = torch.zeros(part.numel(), x.size(1), device="cpu").index_add(
            0, batch.batch, rows[batch.node]
        )
        means[part] = total / store.sizes[part, None]
    return Embeddings(tower, normalize(rows[store.center]), normalize(means))


def check_mix(mix: Mix, model: GraphCLIP) -> None:
    """Require features of the width of the embeddings where they are added to these."""
    tower = model.graph_model
    if mix != "none" and tower.in_channels != tower.out_channels:
        raise ValueError(
            f"mix={mix!r} needs features of {tower.out_channels} columns, as the embeddings have, "
            f"got a tower with in_channels={tower.in_channels}"
        )
