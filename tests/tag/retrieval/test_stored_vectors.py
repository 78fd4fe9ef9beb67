"""Embeddings of documents that are at hand: nothing is embedded again."""

from __future__ import annotations

import pytest
import torch

from graphlab.tag import EmbeddingStore, GraphRetriever, TextEncoder
from tests.tag.retrieval.test_retriever import answers, corpus


class Counting:
    """The hashing encoder, and what it was asked for."""

    def __init__(self):
        self.inner, self.texts = TextEncoder("hashing"), []

    def encode(self, texts):
        self.texts += texts
        return self.inner.encode(texts)


def test_a_store_answers_as_the_encoder_would(tmp_path):
    documents = corpus()
    encoder = Counting()
    want = GraphRetriever(encoder).index(documents)
    rows = torch.from_numpy(encoder.inner.encode(encoder.texts).numpy())
    store = EmbeddingStore.write(tmp_path, rows, shard_size=5, dtype="float32")
    asked = Counting()
    found = GraphRetriever(asked).index(documents[:20], vectors=store[:20])
    found.add(documents[20:], vectors=store[20:])
    found.update(documents[:3], vectors=store[:3])
    assert asked.texts == []
    assert answers(found) == answers(want)
    assert answers(GraphRetriever(asked).fit(documents, vectors=store)) == answers(want)


def test_vectors_that_do_not_fit_are_refused():
    documents, rows = corpus(), torch.ones(24, 4)
    with pytest.raises(ValueError, match="vectors need the encoder"):
        GraphRetriever().index(documents, vectors=rows)
    for vectors, words in (
        (rows[1:], "vectors must have 24 rows"),
        (rows * 0, "encoder must know a word of some documents, but all 24 rows are zero"),
        (rows * torch.nan, "vectors must hold finite values, but row 0"),
    ):
        with pytest.raises(ValueError, match=words):
            GraphRetriever(Counting()).index(documents, vectors=vectors)
