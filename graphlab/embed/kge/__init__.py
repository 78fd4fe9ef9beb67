"""Embeddings of knowledge graphs."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.embed.kge.model import KGEmbedding

__all__ = ["KGEmbedding"]

__dir__ = listing(__all__)
