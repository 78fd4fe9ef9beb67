"""Embeddings that classes are compared with: those of the tower, and what needs no tower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from graphlab._feature_rows import FeatureRows
from graphlab.tag.graphclip.model import GraphCLIP
from graphlab.tag.graphclip.store import SubgraphStore

Mix = Literal["none", "own", "mean", "own+mean"]

_ROWS = 1024


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
def embed_subgraphs(model: GraphCLIP, x: FeatureRows, store: SubgraphStore) -> Embeddings:
    """All rows of the subgraphs of a store."""
    tower = normalize(model.encode(x, store))
    width = x.shape[1]
    if width != tower.size(1):
        return Embeddings(tower, None, None)
    sizes, centers = store.sizes, store.center
    own, means = (torch.empty(len(store), width, device="cpu") for _ in range(2))
    # By batches: features may be in a store, and those of all nodes larger than memory.
    for part in torch.arange(len(store), device="cpu").split(_ROWS):
        batch = store.batch(part)
        nodes, place = batch.node.unique(return_inverse=True)
        rows = x[nodes].detach().float().cpu()
        total = torch.zeros(part.numel(), width, device="cpu").index_add(
            0, batch.batch, rows[place]
        )
        means[part] = total / sizes[part, None]
        own[part] = x[centers[part]].detach().float().cpu()
    return Embeddings(tower, normalize(own), normalize(means))


def check_mix(mix: Mix, model: GraphCLIP) -> None:
    """Require features of the width of the embeddings where they are added to these."""
    tower = model.graph_model
    if mix != "none" and tower.in_channels != tower.out_channels:
        raise ValueError(
            f"mix={mix!r} needs features of {tower.out_channels} columns, as the embeddings have, "
            f"got a tower with in_channels={tower.in_channels}"
        )
