"""A knowledge graph as the network reads it: typed edges both ways, and who mentions what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import check_index, check_tensor
from graphlab._plain_ids import plain_id
from graphlab.ops import RelationalRows
from graphlab.tag.retrieval.documents import DocumentId, is_id
from graphlab.tag.retrieval.gfm.rankers import rarity
from graphlab.tag.text_graph import TextGraph

__all__: list[str] = []

_NEEDED = ("edge_type", "relation_names", "mentions", "document_id")


@dataclass(frozen=True, eq=False)
class EntityGraph:
    """Entities, their relations and the documents that mention them.

    Attributes:
        text (list[str]): Names of the N entities.
        relations (list[str]): Names of the R relations.
        edge_index (Tensor): ``(2, E)`` int64, each edge in its own direction.
        edge_type (Tensor): ``(E,)`` int64.
        mentions (Tensor): ``(2, nnz)`` int64: entity and position of a document.
        evidence (Tensor, optional): ``(2, n)`` int64: edge and position of a document.
        documents (list): Ids of the M documents.
    """

    text: list[str]
    relations: list[str]
    edge_index: Tensor
    edge_type: Tensor
    mentions: Tensor
    evidence: Tensor | None
    documents: list[DocumentId]

    @property
    def num_entities(self) -> int:
        """Number of entities N."""
        return len(self.text)

    @property
    def num_relations(self) -> int:
        """Number of relations R; there are 2 R edge types."""
        return len(self.relations)

    @property
    def relation_texts(self) -> list[str]:
        """Texts of the 2 R edge types: relations, then relations against their direction."""
        return [*self.relations, *(f"inverse_{name}" for name in self.relations)]

    @cached_property
    def rows(self) -> RelationalRows:
        """Edges in both directions by target, of 2 R types."""
        edge_index = torch.cat([self.edge_index, self.edge_index.flip(0)], dim=1)
        edge_type = torch.cat([self.edge_type, self.edge_type + self.num_relations])
        return RelationalRows.from_edge_index(
            edge_index, edge_type, self.num_entities, 2 * self.num_relations
        )

    @cached_property
    def weight(self) -> Tensor:
        """One divided by the number of documents that mention an entity, float32 ``(N,)``."""
        return rarity(self.mentions[0], self.num_entities, torch.float32)

    @cached_property
    def covered(self) -> Tensor:
        """Whether a document mentions an entity, bool ``(M,)``."""
        count = torch.bincount(self.mentions[1], minlength=len(self.documents))
        return count > 0

    @cached_property
    def position(self) -> dict[DocumentId, int]:
        """Position of every document by its id."""
        return {identity: place for place, identity in enumerate(self.documents)}

    def restricted(self, allow: Collection[DocumentId]) -> EntityGraph:
        """What some documents state: no edge and no mention of any other is left.

        Raises:
            ValueError: If the graph does not tell which document states an edge.
        """
        if self.evidence is None:
            raise ValueError(
                "graph must have evidence, the documents that state each edge, to restrict it to "
                "allowed documents: knowledge_graph(triples, documents) makes it"
            )
        allowed = torch.zeros(len(self.documents), dtype=torch.bool, device="cpu")
        allowed[[self.position[i] for i in allow if i in self.position]] = True
        mentions = self.mentions[:, allowed[self.mentions[1]]]
        mentioned = torch.zeros(self.num_entities, dtype=torch.bool, device="cpu")
        mentioned[mentions[0]] = True
        stated = torch.zeros(self.edge_type.numel(), dtype=torch.bool, device="cpu")
        stated[self.evidence[0, allowed[self.evidence[1]]]] = True
        # Synonyms are stated by nobody: they join what is still there.
        by_nobody = torch.ones_like(stated)
        by_nobody[self.evidence[0]] = False
        kept = stated | (by_nobody & mentioned[self.edge_index].all(0))
        return replace(
            self,
            edge_index=self.edge_index[:, kept],
            edge_type=self.edge_type[kept],
            mentions=mentions,
            evidence=None,
        )


def read_graph(graph: Any) -> EntityGraph:
    """Read and check a graph that :func:`knowledge_graph` made, or one like it.

    Raises:
        TypeError, ValueError, IndexError: If it lacks something, or something does not fit.
    """
    if not isinstance(graph, TextGraph):
        raise TypeError(
            f"graph must be a TextGraph, got {type(graph).__name__}: "
            "graphlab.tag.knowledge_graph(triples, documents) makes one"
        )
    lacking = [name for name in _NEEDED if name not in graph]
    if lacking:
        raise ValueError(
            f"graph must have {', '.join(_NEEDED)}, but has no {', '.join(lacking)}: "
            "graphlab.tag.knowledge_graph(triples, documents) makes such a graph"
        )
    graph.check()
    names, ids = list(graph.relation_names), [plain_id(i) for i in graph.document_id]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("graph.relation_names must hold names, none of them empty")
    wrong = [i for i in ids if not is_id(i)]
    if wrong or len(set(ids)) != len(ids):
        raise ValueError(
            "graph.document_id must hold distinct ids, str or int, got "
            + (f"{wrong[0]!r}" if wrong else "repeats")
        )
    edges, nodes = graph.num_edges, graph.num_nodes
    evidence = graph.evidence if "evidence" in graph else None
    return EntityGraph(
        list(graph.text),
        names,
        graph.edge_index.cpu(),
        check_index(graph.edge_type, len(names), "graph.edge_type", length=edges).cpu(),
        _pairs(graph.mentions, nodes, len(ids), "graph.mentions"),
        None if evidence is None else _pairs(evidence, edges, len(ids), "graph.evidence"),
        ids,
    )


def _pairs(value: Any, first: int, second: int, name: str) -> Tensor:
    pairs = check_tensor(value, name)
    if pairs.dim() != 2 or pairs.size(0) != 2:
        raise ValueError(f"{name} must have shape (2, nnz), got {tuple(pairs.shape)}")
    rows = (check_index(pairs[0], first, f"{name}[0]"), check_index(pairs[1], second, f"{name}[1]"))
    return torch.stack(rows).cpu()
