"""The step of each self-supervised method on the two views of GAugLLM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlab.contrastive import BGRL, GBT, S2GAE, GraphCL, GraphMAE, TwoViewModel
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier
from graphlab.tag.gaugllm.schedules import target_momentum

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

    def second_edges(self, generator: torch.Generator) -> Tensor:
        """A draw of the edges of the second view."""
        if self.modifier is None:
            return self.edge_index
        return self.modifier.edit(self.edge_index, generator=generator)

    def distinct(self, generator: torch.Generator) -> list[View]:
        """The views without random drops; one of them if they are the same."""
        first, second = (self.x1, self.edge_index), (self.x2, self.second_edges(generator))
        return (
            [first] if all(a is b for a, b in zip(first, second, strict=True)) else [first, second]
        )


class Backbone(nn.Module):
    """A method with its loss on one draw of views."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model

    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        """Loss of one step, a scalar."""
        raise NotImplementedError

    def after_step(self, step: int, total: int) -> None:
        """What a method does after the optimiser's step; nothing by default."""

    def embed(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Embeddings ``(N, D)`` in evaluation mode."""
        z: Tensor = self.model.embed(x, edge_index)
        return z


def two_views(model: TwoViewModel, inputs: Inputs, generator: torch.Generator) -> list[View]:
    """Views with the model's own random drops on top of what the language model changed."""
    edges = (inputs.edge_index, inputs.second_edges(generator))
    return [
        (mask(x, generator=generator), drop(edge, generator=generator))
        for mask, drop, x, edge in zip(
            model.mask_features, model.drop_edge, (inputs.x1, inputs.x2), edges, strict=True
        )
    ]


class _Bgrl(Backbone):
    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        model: BGRL = self.model
        one, two = two_views(model, inputs, generator)
        return model.loss(model(*one), model(*two), model.target(*one), model.target(*two))

    def after_step(self, step: int, total: int) -> None:
        model: BGRL = self.model
        model.update_target(target_momentum(step, model.momentum, total))


class _Gbt(Backbone):
    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        model: GBT = self.model
        one, two = two_views(model, inputs, generator)
        return model.loss(model(*one), model(*two))


class _GraphCl(Backbone):
    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        model: GraphCL = self.model
        one, two = two_views(model, inputs, generator)
        x, edge_index = inputs.x1, inputs.edge_index
        corrupted = model(model.corrupt(x, generator=generator), edge_index)
        return model.loss(model(*one), model(*two), model(x, edge_index), corrupted)


class _GraphMae(Backbone):
    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        model: GraphMAE = self.model
        losses = [model.loss(*view, generator=generator) for view in inputs.distinct(generator)]
        return torch.stack(losses).mean()


class _S2gae(Backbone):
    def loss(self, inputs: Inputs, generator: torch.Generator) -> Tensor:
        """Hide random edges, and all that the language model vouches for in the second view."""
        model: S2GAE = self.model
        losses = []
        for number, (x, edges) in enumerate(inputs.distinct(generator)):
            visible, hidden = model.mask(edges, generator=generator)
            if number == 1 and inputs.modifier is not None:
                vetted = inputs.modifier.vetted(inputs.edge_index)
                visible, hidden = _move(visible, hidden, vetted, x.size(0))
            losses.append(model.loss(x, visible, generator=generator, positives=hidden))
        return torch.stack(losses).mean()


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
) -> Backbone:
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
        return _Bgrl(BGRL(encoder, width, **{"predictor_channels": 2 * width, **rates, **options}))
    if name == "gbt":
        return _Gbt(GBT(encoder, **{**rates, **options}))
    if name == "graphcl":
        return _GraphCl(GraphCL(encoder, width, **{**rates, **options}))
    if name == "graphmae":
        return _GraphMae(GraphMAE(encoder, *channels, **options))
    levels = int(getattr(encoder, "num_levels", 1))
    return _S2gae(S2GAE(encoder, width, **{"num_levels": levels, **options}))
