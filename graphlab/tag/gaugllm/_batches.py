"""Steps of GAugLLM: the whole graph at every one, or subgraphs around batches of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from graphlab._feature_rows import FeatureRows, in_memory
from graphlab._random import derive_seed, make_generator, random_order
from graphlab.ops import SparseRows
from graphlab.tag._neighbors import NeighborSampler
from graphlab.tag.gaugllm._backbones import Inputs
from graphlab.tag.gaugllm.edge_modifier import LLMEdgeModifier

# Purposes of random numbers.
_ORDER, _EDITS, _DRAWS, _VIEWS, _INFERENCE = range(5)


@dataclass
class Graph:
    """A graph and the features of its two views, as the caller gave them.

    Attributes:
        x1 (FeatureRows): Features of the first view, ``(N, F)``.
        x2 (FeatureRows): Features of the second.
        edge_index (Tensor): Edges, ``(2, E)``.
        modifier (LLMEdgeModifier, optional): Edits the edges of the second view.
    """

    x1: FeatureRows
    x2: FeatureRows
    edge_index: Tensor
    modifier: LLMEdgeModifier | None

    def whole(self) -> Inputs:
        """All of it in memory; equal views stay one."""
        first = in_memory(self.x1)
        second = first if self.x2 is self.x1 else in_memory(self.x2)
        return Inputs(first, second, self.edge_index, self.modifier)


@dataclass
class BatchInputs(Inputs):
    """The subgraph of a batch, whose edits were drawn for the whole graph.

    Attributes:
        edited: Edges of the second view, ``(2, E')``.
        vouched: Pairs that are to be edges by the votes, ``(2, P)``.
    """

    edited: Tensor
    vouched: Tensor | None

    def second_edges(self, generator: torch.Generator) -> Tensor:
        """The edges as they were drawn."""
        return self.edited

    def vetted(self) -> Tensor | None:
        """The pairs inside of the subgraph."""
        return self.vouched


class Steps(Protocol):
    """What the steps of an epoch are made of."""

    per_epoch: int

    def epoch(self, number: int, done: int) -> Iterator[tuple[Inputs, torch.Generator]]:
        """Inputs of the steps from ``done`` on, and the source of their draws."""


class WholeSteps:
    """One step an epoch; draws follow each other.

    Args:
        inputs (Inputs): The graph.
        seed (int): Of all draws.
    """

    per_epoch = 1

    def __init__(self, inputs: Inputs, seed: int) -> None:
        self._inputs, self.generator = inputs, make_generator(seed)

    def epoch(self, number: int, done: int) -> Iterator[tuple[Inputs, torch.Generator]]:
        """The step."""
        yield self._inputs, self.generator


class BatchSteps:
    """Steps on the subgraphs of batches of nodes and their sampled neighbours.

    A step takes its subgraph for the graph: all its nodes are contrasted or restored. Edits are
    drawn once an epoch, for the whole graph.

    Args:
        graph (Graph): The graph.
        batch_size (int): Nodes of a batch.
        num_neighbors (tuple[int, ...]): Neighbours by layer.
        seed (int): Of all draws.
        dtype (torch.dtype): Of the features that a step sees.
    """

    def __init__(
        self,
        graph: Graph,
        batch_size: int,
        num_neighbors: tuple[int, ...],
        seed: int,
        dtype: torch.dtype,
    ) -> None:
        self._graph, self._size, self._neighbors = graph, batch_size, num_neighbors
        self._seed, self._dtype = seed, dtype
        self._count = int(graph.x1.shape[0])
        self._sampler = NeighborSampler(graph.edge_index, self._count)
        modifier = graph.modifier
        self._vetted = None if modifier is None else modifier.vetted(graph.edge_index).cpu()
        self.per_epoch = -(-self._count // batch_size)

    def epoch(self, number: int, done: int) -> Iterator[tuple[Inputs, torch.Generator]]:
        """Batches in an order of their own for every epoch."""
        order = random_order(self._count, self._source(_ORDER, number), "cpu")
        edited = self._edited(number)
        for i, seeds in enumerate(order.split(self._size)):
            if i >= done:
                source = self._source(_DRAWS, number, i)
                hood = self._sampler.sample(seeds, self._neighbors, source)
                yield self._inputs(hood.node, edited), self._source(_VIEWS, number, i)

    def neighbourhoods(self) -> Iterator[tuple[Tensor, int, Tensor]]:
        """Nodes, how many of them are asked for, and edges, in the order of the nodes.

        A layer more than in training: the degrees of the outermost nodes that count are whole.
        """
        layers = (*self._neighbors, self._neighbors[-1])
        for i, seeds in enumerate(torch.arange(self._count, device="cpu").split(self._size)):
            hood = self._sampler.sample(seeds, layers, self._source(_INFERENCE, i))
            yield hood.node, hood.num_seeds, self._sampler.induced(hood.node)

    def _source(self, *purpose: int) -> torch.Generator:
        return make_generator(derive_seed(self._seed, *purpose))

    def _edited(self, epoch: int) -> SparseRows | None:
        """Edges of the second view by target; none where nothing is edited."""
        graph = self._graph
        if graph.modifier is None:
            return None
        edges = graph.modifier.edit(graph.edge_index, generator=self._source(_EDITS, epoch)).cpu()
        return SparseRows.from_edge_index(edges.flip(0), self._count)

    def _inputs(self, node: Tensor, edited: SparseRows | None) -> BatchInputs:
        graph, device = self._graph, self._graph.edge_index.device
        first = graph.x1[node].to(device, self._dtype)
        second = first if graph.x2 is graph.x1 else graph.x2[node].to(device, self._dtype)
        edges = self._sampler.induced(node).to(device)
        others, vouched = edges, None
        if edited is not None and self._vetted is not None:
            others = self._sampler.induced(node, edited).to(device)
            vouched = self._sampler.restricted(self._vetted, node).to(device)
        return BatchInputs(first, second, edges, graph.modifier, others, vouched)
