"""Neighbourhoods that resemble a question: reference cases, brute force, merging, bad input."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from torch_geometric.utils import k_hop_subgraph

from graphlab.tag import TextEncoder, TextGraph
from graphlab.tag.retrieval import EgoGraphRetriever, render_subgraph
from tests._golden import cases, document, load


class Stored:
    """Rows by their text."""

    def __init__(self, rows: dict[str, torch.Tensor]) -> None:
        self.rows = rows

    def encode(self, texts: Any) -> torch.Tensor:
        return torch.stack([self.rows[text] for text in texts])


def golden(name: str) -> tuple[EgoGraphRetriever, dict[str, Any], dict[str, Any]]:
    """The retriever with the settings and vectors of a case."""
    case, texts = load("retrieval", name), document("retrieval", name)
    nodes, relations = texts["nodes"], [edge[1] for edge in texts["edges"]]
    # Texts may repeat; vectors belong to positions.
    rows = {
        f"node {i} {text}": row for i, (text, row) in enumerate(zip(nodes, case["x"], strict=True))
    }
    rows |= {
        f"edge {i} {text}": row
        for i, (text, row) in enumerate(zip(relations, case["edge_attr"], strict=True))
    }
    rows["question"] = case["question"]
    graph = TextGraph(
        edge_index=case["edge_index"],
        text=[f"node {i} {text}" for i, text in enumerate(nodes)],
        edge_text=[f"edge {i} {text}" for i, text in enumerate(relations)],
    )
    made = EgoGraphRetriever(Stored(rows), num_hops=int(case["k"]), direction="in")
    return made.fit(graph), case, texts


@pytest.mark.parametrize("name", cases("retrieval", "grag_[ew]*"))
def test_golden(name: str) -> None:
    retriever, case, texts = golden(name)
    torch.testing.assert_close(retriever.similarities("question"), case["sims"], rtol=0, atol=1e-5)
    found = retriever.query("question", int(case["topk"]), merge="disjoint")
    torch.testing.assert_close(found.origin[found.root], case["top"])
    rows = torch.stack([retriever.encoder.rows[text] for text in found.text])
    torch.testing.assert_close(rows, case["merged_x"])
    # The release adds loops without content where the neighbourhoods have no edge at all.
    merged = case["merged_edge_index"][:, case["merged_edge_attr"].abs().sum(1) > 0]
    torch.testing.assert_close(found.edge_index, merged)
    plain = TextGraph(
        edge_index=found.edge_index,
        text=[texts["nodes"][node] for node in found.origin],
        edge_text=[text.split(" ", 2)[2] for text in found.edge_text],
        origin=found.origin,
        batch=found.batch,
    )
    assert render_subgraph(plain, style="csv") == texts["desc"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["both", "in"]), st.integers(0, 3))
def test_equals_brute_force(seed: int, direction: Any, num_hops: int) -> None:
    graph = nx.gnp_random_graph(9, 0.2, seed=seed, directed=True)
    draw = np.random.default_rng(seed)
    edges = torch.tensor([*graph.edges, (0, 1)]).t()  # one edge may come twice
    texts = [f"n{node}" for node in range(9)]
    relations = [f"r{edge % 3}" for edge in range(edges.size(1))]
    rows = {t: torch.from_numpy(draw.random(4)).float() for t in (*texts, *set(relations), "q")}
    retriever = EgoGraphRetriever(Stored(rows), num_hops=num_hops, direction=direction).fit(
        TextGraph(edge_index=edges, text=texts, edge_text=relations)
    )
    both = torch.cat([edges, edges.flip(0)], dim=1) if direction == "both" else edges
    for node in range(9):
        near = k_hop_subgraph(node, num_hops, both, num_nodes=9)[0]
        inside = torch.isin(edges, near).all(0)
        parts = [rows[texts[v]] for v in near.tolist()]
        parts += [rows[relations[e]] for e in inside.nonzero()[:, 0].tolist()]
        torch.testing.assert_close(retriever.vectors_[node], torch.stack(parts).mean(0))


CLUB = TextGraph(
    edge_index=torch.tensor([[0, 2, 4, 5], [1, 3, 5, 0]]),
    text=["cannabis", "marijuana", "bread", "flour", "yeast", "oven"],
    edge_text=["synonym of", "made of", "rises in", "burns"],
)


def retriever(**options: Any) -> EgoGraphRetriever:
    return EgoGraphRetriever(TextEncoder("hashing"), **options).fit(CLUB)


def test_union_holds_every_node_once() -> None:
    found = retriever(num_hops=1).query("cannabis synonym of marijuana", k=2)
    assert found.text == ["cannabis", "marijuana", "oven"]
    assert found.origin.tolist() == [0, 1, 5]
    assert found.edge_text == ["synonym of", "burns"]
    assert found.edge_index.tolist() == [[0, 2], [1, 0]]
    assert found.root.tolist() == [True, True, False]
    apart = retriever(num_hops=1).query("cannabis synonym of marijuana", k=2, merge="disjoint")
    assert len(apart.text) == 5
    assert apart.batch.tolist() in ([0, 0, 1, 1, 1], [0, 0, 0, 1, 1])


def test_all_nodes_and_many_questions() -> None:
    made = retriever()
    assert len(made.query("oven").text) == 6
    first, second = made.query_many(["bread", "oven"], k=1)
    assert first.text == ["bread", "flour"]
    assert "oven" in second.text


def test_a_graph_without_edge_texts() -> None:
    graph = TextGraph(edge_index=CLUB.edge_index, text=CLUB.text)
    found = EgoGraphRetriever(TextEncoder("hashing")).fit(graph).query("bread", k=1)
    assert found.text == ["bread", "flour"]
    assert "edge_text" not in found
    alone = TextGraph(edge_index=torch.zeros(2, 0).long(), text=["a b", "c d"])
    assert EgoGraphRetriever(TextEncoder("hashing")).fit(alone).query("c", k=1).text == ["c d"]


def test_questions_may_have_an_encoder_of_their_own() -> None:
    class Prefixed:
        def encode(self, texts: Any) -> torch.Tensor:
            return TextEncoder("hashing").encode([text.removeprefix("query: ") for text in texts])

    made = EgoGraphRetriever(TextEncoder("hashing"), query_encoder=Prefixed()).fit(CLUB)
    torch.testing.assert_close(made.similarities("query: bread"), retriever().similarities("bread"))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda r: r.query(3), TypeError, "text must be str"),
        (lambda r: r.query(["a"]), TypeError, "text must be str, got list: query_many takes"),
        (lambda r: r.query(" "), ValueError, "text must not be empty"),
        (lambda r: r.query("a", k=0), ValueError, "k must be"),
        (
            lambda r: r.fit(TextGraph(edge_index=torch.zeros(2, 0).long(), text=[])),
            ValueError,
            "graph must have at least one node",
        ),
        (lambda r: r.set_params(encoder=3).fit(CLUB), TypeError, "encoder must have"),
        (lambda r: r.query("a", merge="all"), ValueError, "merge"),
        (lambda r: r.fit("graph"), TypeError, "graph must be a TextGraph"),
        (lambda r: r.set_params(num_hops=-1).fit(CLUB), ValueError, "num_hops"),
        (lambda r: r.set_params(direction="out").fit(CLUB), ValueError, "direction"),
        (lambda r: r.set_params(encoder=None).fit(CLUB), TypeError, "encoder"),
        (
            lambda r: r.set_params(query_encoder=Stored({"a": torch.ones(3)})).query("a"),
            ValueError,
            "query_encoder must return",
        ),
    ],
)
def test_bad_input_is_named(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call(retriever())


def test_more_neighbourhoods_asked_for_than_there_are() -> None:
    found, every = (retriever().query("bread", k=k) for k in (10**12, 6))
    assert found.origin.tolist() == every.origin.tolist() == list(range(6))
    assert bool(found.root.all())


def test_needs_a_graph() -> None:
    with pytest.raises(NotFittedError):
        EgoGraphRetriever(TextEncoder("hashing")).query("a")


def test_neighbourhoods_are_those_of_the_fit():
    graph = TextGraph(edge_index=torch.tensor([[0, 1], [1, 2]]), text=["aa", "bb", "cc"])
    retriever = EgoGraphRetriever("hashing", num_hops=1).fit(graph)
    want = retriever.query("aa", k=1).text
    assert retriever.set_params(num_hops=0).query("aa", k=1).text == want == ["aa", "bb"]
    assert retriever.fit(graph).query("aa", k=1).text == ["aa"]
