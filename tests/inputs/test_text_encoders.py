"""Every public function that embeds texts by what the caller brings, given what people bring."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor

from graphlab import tag
from graphlab.tag.embedding import HashingEncoder, encode_edges, encode_nodes
from graphlab.tag.feasibility import feasibility
from graphlab.tag.gaugllm.prompt_experts import ExpertTexts
from graphlab.tag.retrieval import EgoGraphRetriever
from tests._rows import rows
from tests.inputs._object_calls import pipeline, texts, zero_shot
from tests.inputs._public import takers
from tests.tag.graphclip._toy import WIDTH, HashEncoder, toy_model
from tests.test_inputs import PLAIN

NAMED = re.compile(r"\b(encoder|query_encoder|model|embedding|synonyms)\b")
DOCUMENTS = {"a": "Marie Curie was born in Warsaw.", "b": "Warsaw is the capital of Poland."}


def retrieved(encoder: Any, questions: Any = None) -> Any:
    """Scores of what is found; ``encoder`` may not be missing here."""
    if encoder is None:
        raise TypeError("encoder")
    model = tag.GraphRetriever(encoder, query_encoder=questions).index(DOCUMENTS)
    return [hit.score for hit in model.query("Where was Curie born?", k=2)]


def asked(encoder: Any) -> Any:
    if encoder is None:
        raise TypeError("query_encoder")
    return retrieved(HashEncoder(), encoder)


def pieces(encoder: Any, questions: Any = None) -> Any:
    if encoder is None:
        raise TypeError("encoder")
    graph = tag.TextGraph(edge_index=PLAIN, text=texts())
    return EgoGraphRetriever(encoder, query_encoder=questions).fit(graph).similarities("word 3")


def asked_of_pieces(encoder: Any) -> Any:
    if encoder is None:
        raise TypeError("query_encoder")
    return pieces(HashEncoder(), encoder)


def compared(encoder: Any) -> Any:
    if encoder is None:
        raise TypeError("encoder")
    graph = tag.TextGraph(edge_index=PLAIN, text=texts())
    found = feasibility({"itself": graph}, graph, encoder=encoder, resolution=2)
    return [found.sources["itself"].text_mmd, found.sources["itself"].text_cosine]


def learned(encoder: Any, questions: Any = None) -> Any:
    """Scores of an untrained network, which depend on the embeddings of relations and questions."""
    if encoder is None:
        raise TypeError("encoder")
    triples = [("Curie", "born in", "Warsaw", "a"), ("Warsaw", "capital of", "Poland", "b")]
    graph = tag.knowledge_graph(triples, DOCUMENTS)
    model = tag.GFMRetriever(None, graph, encoder, query_encoder=questions, hidden=4, steps=1)
    return [hit.score for hit in model.fit().query("Where was Curie born?", k=2)]


def learned_questions(encoder: Any) -> Any:
    if encoder is None:
        raise TypeError("query_encoder")
    return learned(HashEncoder(), encoder)


def nodes(encoder: Any) -> Any:
    return encode_nodes(tag.TextGraph(edge_index=PLAIN, text=texts()), encoder).x


def edges(encoder: Any) -> Any:
    words = [f"to {i}" for i in PLAIN[1].tolist()]
    graph = tag.TextGraph(edge_index=PLAIN, text=texts(), edge_text=words)
    return encode_edges(graph, encoder).edge_attr


def experts(encoder: Any) -> Any:
    return ExpertTexts({"raw": texts()}, {"raw": texts()}).encode(encoder)[0]


def classes(encoder: Any) -> Any:
    return tag.ZeroShotClassifier(toy_model(), encoder, ["ant", "bee"]).fit().class_embeddings_


def classified(encoder: Any) -> Any:
    """Probabilities; ``encoder`` may be missing where the tower names one."""
    graph = tag.TextGraph(edge_index=PLAIN, text=texts())
    return zero_shot(encoder).fit(graph).predict_proba(["word", "text"])


def pretrained(encoder: Any) -> Any:
    if encoder is None:  # which asks for that of the package
        raise TypeError("encoder")
    return pipeline(encoder).history_[0]["loss"]


def own(model: Any) -> Any:
    return tag.TextEncoder(model, normalize=False).encode(["one", "two"])


def same_words(encoder: Any) -> Any:
    """Weights of the edges of a graph whose phrases are compared by the encoder."""
    if encoder is None:
        raise TypeError("synonyms")
    triples = [("Curie", "born in", "Warsaw", "a"), ("Warsaw", "capital of", "Poland", "b")]
    graph = tag.knowledge_graph(triples, DOCUMENTS, synonyms=encoder, threshold=0.01)
    return graph.edge_index.sum(1)


CALLS: dict[str, Callable[[Any], Any]] = {
    "EgoGraphRetriever.__init__.encoder": pieces,
    "EgoGraphRetriever.__init__.query_encoder": asked_of_pieces,
    "GraphCLIPPipeline.__init__.encoder": pretrained,
    "GraphRetriever.__init__.encoder": retrieved,
    "GraphRetriever.__init__.query_encoder": asked,
    "GFMRetriever.__init__.encoder": learned,
    "GFMRetriever.__init__.query_encoder": learned_questions,
    "ZeroShotClassifier.__init__.encoder": classes,
    "ZeroShotNodes.__init__.encoder": classified,
    "encode_nodes.encoder": nodes,
    "encode_edges.encoder": edges,
    "ExpertTexts.encode.encoder": experts,
    "feasibility.encoder": compared,
}
ALL = CALLS | {"TextEncoder.__init__.model": own, "knowledge_graph.synonyms": same_words}


def test_every_public_function_of_a_text_encoder_is_here() -> None:
    expected = {f"{name}.{given}" for name, all in takers("text encoder").items() for given in all}
    assert set(CALLS) == expected


class Spoilt(HashEncoder):
    """An encoder whose result is changed."""

    def __init__(self, change: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.change = change

    def encode(self, texts: list[str]) -> Any:
        return self.change(super().encode(texts))


SAME: dict[str, Callable[[Tensor], Any]] = {
    "numpy": lambda z: z.numpy(),
    "lists": lambda z: z.tolist(),
    "double": lambda z: z.double(),
    "with a gradient": lambda z: z.clone().requires_grad_(),
}


@pytest.mark.parametrize("name", ALL)
def test_other_types_give_the_same(name: str) -> None:
    expected = numpy.asarray(ALL[name](HashEncoder()))
    with rows() as table:
        for row, change in SAME.items():
            with table.row(row):
                found = numpy.asarray(ALL[name](Spoilt(change)))
                numpy.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_a_function_of_texts_gives_the_same(name: str) -> None:
    expected = numpy.asarray(ALL[name](HashEncoder()))
    numpy.testing.assert_array_equal(numpy.asarray(ALL[name](HashEncoder().encode)), expected)


@pytest.mark.parametrize("name", ALL)
def test_hashed_words_need_no_wrapper(name: str) -> None:
    words = HashingEncoder(WIDTH)
    found = numpy.asarray(ALL[name](words))
    numpy.testing.assert_array_equal(found, numpy.asarray(ALL[name](words.transform)))
    assert found.size


BROKEN: dict[str, Callable[[Tensor], Any]] = {
    "NaN": lambda z: z * float("nan"),
    "one infinity": lambda z: torch.cat([z[:-1], z[-1:] / 0.0]),
    "fewer rows": lambda z: z[:-1],
    "a vector": lambda z: z.mean(1),
    "three dimensions": lambda z: z.unsqueeze(1),
    "nothing": lambda z: None,
    "words": lambda z: [["a"] * WIDTH] * len(z),
    "ragged": lambda z: [[1.0] * (i + 1) for i in range(len(z))],
    "a dictionary": lambda z: {"embedding": z},
}


@pytest.mark.parametrize("name", ALL)
def test_broken_results_are_named(name: str) -> None:
    with rows() as table:
        for row, change in BROKEN.items():
            with table.row(row), pytest.raises((TypeError, ValueError), match=NAMED):
                ALL[name](Spoilt(change))


@pytest.mark.parametrize("name", ALL)
def test_what_embeds_no_texts_is_refused(name: str) -> None:
    with rows() as table:
        for given in (None, 3, HashingEncoder, object()):
            with table.row(repr(given)), pytest.raises((TypeError, ValueError), match=NAMED):
                ALL[name](given)
