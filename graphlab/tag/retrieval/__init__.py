"""Retrieval of documents that answer together, over a graph of the names they share."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.tag.retrieval.documents import Document
from graphlab.tag.retrieval.gfm import GFMRetriever
from graphlab.tag.retrieval.knowledge_graph import gfm_phrase, knowledge_graph
from graphlab.tag.retrieval.names import capitalised_names, tokenize
from graphlab.tag.retrieval.openie import OpenIEExtractor
from graphlab.tag.retrieval.result import Hit, RetrievalResult
from graphlab.tag.retrieval.retriever import GraphRetriever

__all__ = [
    "Document",
    "GFMRetriever",
    "GraphRetriever",
    "Hit",
    "OpenIEExtractor",
    "RetrievalResult",
    "capitalised_names",
    "gfm_phrase",
    "knowledge_graph",
    "tokenize",
]

__dir__ = listing(__all__, "gfm")
