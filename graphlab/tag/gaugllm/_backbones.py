"""A step of each self-supervised method on the two views of GAugLLM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlab.contrastive import (
    BGRL,
    GBT,
    S2GAE,
    GraphCL,
    GraphMAE,
    TwoViewModel,
    sparse_features,
)
from graphlab.contrastive.hosts.embedding_model import EmbeddingModel
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier

View = tuple[Tensor, Tensor]


@dataclass
class Inputs:
    """What views are made of.

    Attributes:
        x1: Features of the first view, ``(N, F)``.
        x2: Features of the second.
        edge_index: Edges of the graph, which the first view starts from.
        modifier: Edits the edges that the second view starts from.
    """

    x1: Tensor
    x2: Tensor
    edge_index: Tensor
    modifier: LLMEdgeModifier | None

    def to(self, dtype: torch.dtype) -> Inputs:
        """The same with features of another type; equal views stay one."""
        first = self.x1.to(dtype)
        second = first if self.x2 is self.x1 else self.x2.to(dtype)
        return Inputs(first, second, self.edge_index, self.modifier)

    def thin(self) -> Inputs:
        """The same with mostly-zero features in sparse layout, for encoders that read it."""
        first = sparse_features(self.x1)
        second = first if self.x2 is self.x1 else sparse_features(self.x2)
        return Inputs(first, second, self.edge_index, self.modifier)

    def second_edges(self, generator: torch.Generator) -> Tensor:
        """A draw of the edges of the second view."""
        if self.modifier is None:
            return self.edge_index
        return self.modifier.edit(self.edge_index, generator=generator)

    def vetted(self) -> Tensor | None:
        """Pairs that are to be edges by the votes, ``(2, P)``; None without votes."""
        return None if self.modifier is None else self.modifier.vetted(self.edge_index)

    def distinct(self, generator: torch.Generator) -> list[View]:
        """The views without random drops; one of them if they are the same."""
        first, second = (self.x1, self.edge_index), (self.x2, self.second_edges(generator))
        return (
            [first] if all(a is b for a, b in zip(first, second, strict=True)) else [first, second]
        )


def step_loss(
    model: EmbeddingModel, inputs: Inputs, generator: torch.Generator, step: int
) -> Tensor:
    """Loss of one step of a method on both views, a scalar.

    Methods that contrast views drop edges and mask columns on top of what the language model
    changed; masked autoencoders restore every view that differs.
    """
    if isinstance(model, TwoViewModel):
        x, edge_index = inputs.x1, inputs.edge_index
        second = (inputs.x2, inputs.second_edges(generator))
        return model.host_step(x, edge_index, generator=generator, step=step, second=second).loss
    losses = []
    for number, (x, edges) in enumerate(inputs.distinct(generator)):
        vetted = inputs.vetted() if isinstance(model, S2GAE) and number == 1 else None
        if isinstance(model, S2GAE) and vetted is not None:
            losses.append(_restore_vetted(model, x, edges, vetted, generator))
        else:
            losses.append(model.training_loss(x, edges, generator=generator, step=step))
    return torch.stack(losses).mean()


def _restore_vetted(
    model: S2GAE, x: Tensor, edge_index: Tensor, vetted: Tensor, generator: torch.Generator
) -> Tensor:
    """Loss where random edges are hidden, and all that the language model vouches for."""
    visible, hidden = _move(*model.mask(edge_index, generator=generator), vetted, x.size(0))
    return model.loss(x, visible, generator=generator, positives=hidden)


def _move(visible: Tensor, hidden: Tensor, vetted: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Hide vetted edges too, once each."""
    keys = [edges[0] * count + edges[1] for edges in (visible, hidden, vetted)]
    new = ~torch.isin(keys[2], keys[1])
    return visible[:, ~torch.isin(keys[0], keys[2])], torch.cat([hidden, vetted[:, new]], dim=1)


def make_backbone(
    name: str,
    encoder: nn.Module,
    channels: tuple[int, int],
    rates: Mapping[str, Any],
    options: Mapping[str, Any],
) -> EmbeddingModel:
    """Build a method around an encoder from F to D channels.

    Args:
        name: Its name.
        encoder: The encoder.
        channels: F and D.
        rates: ``drop_edge`` and ``mask_features``, for the methods that contrast views.
        options: More arguments of the method's class.
    """
    width = channels[1]
    if name == "bgrl":
        return BGRL(encoder, width, **{"predictor_channels": 2 * width, **rates, **options})
    if name == "gbt":
        return GBT(encoder, **{**rates, **options})
    if name == "graphcl":
        return GraphCL(encoder, width, **{**rates, **options})
    if name == "graphmae":
        return GraphMAE(encoder, *channels, **options)
    levels = int(getattr(encoder, "num_levels", 1))
    return S2GAE(encoder, width, **{"num_levels": levels, **options})
