"""What a training needs: embeddings of the graph, and questions with their entities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlab._checks import warn_caller
from graphlab._plain_ids import plain_id
from graphlab.tag.retrieval._vectors import embed, tell_zeros
from graphlab.tag.retrieval.documents import DocumentId
from graphlab.tag.retrieval.gfm.entity_graph import EntityGraph
from graphlab.tag.retrieval.gfm.linking import EntityLinker
from graphlab.tag.retrieval.gfm.self_supervision import Examples

__all__: list[str] = []


def embed_relations(graph: EntityGraph, encoder: Any, width: int | None = None) -> Tensor:
    """Embeddings of the edge types, float32 ``(2 R, F)``."""
    rows = embed(encoder, graph.relation_texts, "encoder", width)
    then = "the network cannot tell them apart"
    tell_zeros(rows, graph.relation_texts, "relations", then)
    return torch.from_numpy(rows)


def embed_entities(graph: EntityGraph, encoder: Any, width: int) -> NDArray[np.float16]:
    """Embeddings of the names of the entities, float16 ``(N, F)``."""
    rows = embed(encoder, graph.text, "encoder", width, "float16")
    then = "questions find them by their words alone"
    tell_zeros(rows, graph.text, "entities", then, several=False)
    return rows


def embed_questions(encoder: Any, name: str, texts: Sequence[str], width: int) -> Tensor:
    """Embeddings of questions, float32 ``(B, F)``; equal ones are embedded once."""
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return torch.zeros(0, width, device="cpu")
    rows = torch.from_numpy(embed(encoder, distinct, name, width))
    number = {text: place for place, text in enumerate(distinct)}
    return rows[[number[text] for text in texts]]


def read_queries(
    queries: Iterable[tuple[str, Collection[DocumentId]]],
    graph: EntityGraph,
    linker: EntityLinker,
) -> Examples:
    """Questions with the ids of their documents, less those that name no entity.

    Raises:
        TypeError, ValueError: If an entry is no such pair, or none names an entity.
        KeyError: If a document is unknown.
    """
    texts: list[str] = []
    documents: list[list[int]] = []
    for place, entry in enumerate(_pairs(queries)):
        text, ids = entry
        unknown = [i for i in map(plain_id, ids) if i not in graph.position]
        if unknown:
            raise KeyError(
                f"queries[{place}] must name documents of the graph, but {unknown[:5]} are unknown"
            )
        if not ids:
            raise ValueError(f"queries[{place}] must name at least one document")
        texts.append(text)
        documents.append([graph.position[plain_id(i)] for i in ids])
    starts = linker.link(texts, (graph.weight > 0).numpy())
    kept = [place for place, start in enumerate(starts) if start]
    if not kept:
        raise ValueError(
            f"queries must name entities of the graph, but none of {len(texts)} does: give names=, "
            "tokenize= or a lower link_threshold"
        )
    if len(kept) < len(texts):
        warn_caller(
            f"{len(texts) - len(kept)} of {len(texts)} queries name no entity of the graph and are "
            "left out"
        )
    return Examples(
        [texts[i] for i in kept], [starts[i] for i in kept], [documents[i] for i in kept]
    )


def _pairs(queries: Any) -> list[tuple[str, Collection[DocumentId]]]:
    if isinstance(queries, (str, bytes)) or not isinstance(queries, Iterable):
        raise TypeError(
            f"queries must be pairs (question, ids of documents), got {type(queries).__name__}"
        )
    entries = list(queries)
    if not entries:
        raise ValueError("queries must not be empty; None makes questions from the graph")
    for place, entry in enumerate(entries):
        pair = isinstance(entry, (tuple, list)) and len(entry) == 2
        if not pair or not isinstance(entry[0], str) or not entry[0].strip():
            raise ValueError(
                f"queries[{place}] must be a pair (question, ids of documents), got {entry!r:.80}"
            )
        if isinstance(entry[1], (str, bytes)) or not isinstance(entry[1], Collection):
            raise TypeError(
                f"queries[{place}] must list ids of documents, got {type(entry[1]).__name__}"
            )
    return entries
