"""Text encoders and stores of their embeddings."""

from graphlab._namespace import listing
from graphlab.tag.embedding.encoder import TextEncoder
from graphlab.tag.embedding.fake import FakeTextEncoder
from graphlab.tag.embedding.graph_texts import encode_edges, encode_nodes
from graphlab.tag.embedding.hashing import HashingEncoder
from graphlab.tag.embedding.store import EmbeddingStore

__all__ = [
    "EmbeddingStore",
    "FakeTextEncoder",
    "HashingEncoder",
    "TextEncoder",
    "encode_edges",
    "encode_nodes",
]

__dir__ = listing(__all__)
