"""Questions made from the triples of a graph, whose answers are documents that state them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph

__all__: list[str] = []

_TRIES = 20  # draws of a second triple that another document states


@dataclass(frozen=True)
class Examples:
    """Questions, where they start and which documents answer them.

    Attributes:
        texts (list[str]): Questions.
        starts (list[list[int]]): Entities that each names.
        documents (list[list[int]]): Positions of the documents that answer each.
    """

    texts: list[str]
    starts: list[list[int]]
    documents: list[list[int]]

    def __len__(self) -> int:
        return len(self.texts)


class TripleQuestions:
    """Draws questions of one and of two hops.

    A triple (h, r, t) asks for "r h", and the document that states it answers. Two triples (h, r,
    m) and (m, s, t) of two documents ask for "s of the r h", and both documents answer.

    Args:
        graph (EntityGraph): With evidence.
        two_hops (float): Share of questions of two hops, as far as there are such triples.
    """

    def __init__(self, graph: EntityGraph, two_hops: float) -> None:
        if graph.evidence is None or not graph.evidence.numel():
            raise ValueError(
                "graph must have evidence, the documents that state each edge, to make questions "
                "of its own: give fit questions, or knowledge_graph(triples, documents)"
            )
        self._graph = graph
        self._two_hops = two_hops
        self._stated: dict[int, list[int]] = {}
        for edge, place in graph.evidence.t().tolist():
            self._stated.setdefault(edge, []).append(place)
        self._edges = sorted(self._stated)
        self._head, self._tail = graph.edge_index.tolist()
        self._relation = [graph.relations[kind] for kind in graph.edge_type.tolist()]
        self._leaving: dict[int, list[int]] = {}
        for edge in self._edges:
            self._leaving.setdefault(self._head[edge], []).append(edge)
        self._first = [edge for edge in self._edges if self._leaving.get(self._tail[edge])]

    def draw(self, count: int, generator: torch.Generator) -> Examples:
        """Draw questions.

        Args:
            count (int): How many.
            generator (torch.Generator): On the CPU.
        """
        rows = [self._one(generator) for _ in range(count)]
        return Examples([row[0] for row in rows], [row[1] for row in rows], [r[2] for r in rows])

    def _one(self, generator: torch.Generator) -> tuple[str, list[int], list[int]]:
        if (
            self._first
            and float(torch.rand((), generator=generator, device=generator.device)) < self._two_hops
        ):
            for _ in range(_TRIES):
                one = _pick(self._first, generator)
                two = _pick(self._leaving[self._tail[one]], generator)
                places = self._stated[one][0], _pick(self._stated[two], generator)
                if places[0] != places[1] and self._head[one] != self._tail[one]:
                    text = f"{self._relation[two]} of the {self._relation[one]} {self._name(one)}"
                    return text, [self._head[one]], list(places)
        edge = _pick(self._edges, generator)
        place = _pick(self._stated[edge], generator)
        return f"{self._relation[edge]} {self._name(edge)}", [self._head[edge]], [place]

    def _name(self, edge: int) -> str:
        name: str = self._graph.text[self._head[edge]]
        return name


def targets(graph: EntityGraph, documents: Sequence[Sequence[int]]) -> Tensor:
    """Entities that some documents mention, float32 ``(B, N)`` of zeros and ones."""
    chosen = torch.zeros(len(documents), len(graph.documents), dtype=torch.bool, device="cpu")
    for row, places in enumerate(documents):
        chosen[row, list(places)] = True
    entity, document = graph.mentions
    out = torch.zeros(graph.num_entities, len(documents), device="cpu")
    return out.index_add(0, entity, chosen.t()[document].float()).clamp(max=1).t()


def start_weights(graph: EntityGraph, starts: Sequence[Sequence[int]]) -> Tensor:
    """Weight of every entity at the start of a question, float32 ``(B, N)``."""
    out = torch.zeros(len(starts), graph.num_entities, device="cpu")
    for row, entities in enumerate(starts):
        index = torch.tensor(list(entities), dtype=torch.long, device="cpu")
        out[row, index] = graph.weight[index]
    return out


def _pick(items: Sequence[int], generator: torch.Generator) -> int:
    return items[int(torch.randint(len(items), (), generator=generator, device=generator.device))]
