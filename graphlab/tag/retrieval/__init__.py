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
from graphlab.tag.retrieval.subgraphs import EgoGraphRetriever, SoftPrune, render_subgraph

__all__ = [
    "Document",
    "EgoGraphRetriever",
    "GFMRetriever",
    "GraphRetriever",
    "Hit",
    "OpenIEExtractor",
    "RetrievalResult",
    "SoftPrune",
    "capitalised_names",
    "gfm_phrase",
    "knowledge_graph",
    "render_subgraph",
    "tokenize",
]

__dir__ = listing(__all__, "gfm")
