"""GFM-RAG: a graph network that learns which entities and documents answer a question."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.tag.retrieval.gfm.losses import adversarial_bce, listwise_cross_entropy
from graphlab.tag.retrieval.gfm.model import QueryGNN
from graphlab.tag.retrieval.gfm.rankers import document_scores
from graphlab.tag.retrieval.gfm.result import GFMHit, GFMResult
from graphlab.tag.retrieval.gfm.retriever import GFMRetriever

__all__ = [
    "GFMHit",
    "GFMResult",
    "GFMRetriever",
    "QueryGNN",
    "adversarial_bce",
    "document_scores",
    "listwise_cross_entropy",
]

__dir__ = listing(__all__)
