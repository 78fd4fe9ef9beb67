"""Embeddings of knowledge graphs."""

from __future__ import annotations

from graphlab._namespace import listing
from graphlab.embed.kge.model import KGEmbedding
from graphlab.embed.kge.train_config import KGETrainConfig

__all__ = ["KGETrainConfig", "KGEmbedding"]

__dir__ = listing(__all__)
