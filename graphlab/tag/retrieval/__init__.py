"""Retrieval of documents that answer together, over a graph of the names they share."""

from __future__ import annotations

from graphlab.tag.retrieval.documents import Document
from graphlab.tag.retrieval.names import capitalised_names, tokenize
from graphlab.tag.retrieval.result import Hit, RetrievalResult
from graphlab.tag.retrieval.retriever import GraphRetriever

__all__ = [
    "Document",
    "GraphRetriever",
    "Hit",
    "RetrievalResult",
    "capitalised_names",
    "tokenize",
]
