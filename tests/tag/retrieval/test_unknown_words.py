"""Texts without a word that the encoder knows, and encoders that are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphlab.tag import (
    GFMRetriever,
    GraphRetriever,
    HashingEncoder,
    TextEncoder,
    TextGraph,
    knowledge_graph,
)
from graphlab.tag.retrieval import EgoGraphRetriever

DOCUMENTS = {"a": "Dogs bark loudly.", "b": "Cats purr in Oslo.", "c": "Oslo has a zoo."}
SIGN = "\U0001f44d !!"
FITTED = HashingEncoder(8).fit(list(DOCUMENTS.values()))
ENCODERS = {"none": None, "a name": "hashing", "wrapped": TextEncoder("hashing"), "fitted": FITTED}


class OfWords:
    """Knows the documents and nothing else."""

    def encode(self, texts: list[str]) -> Any:
        known = list(DOCUMENTS.values())
        return np.array([[float(word in text) for word in known] for text in texts])


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS)
def test_a_question_without_a_known_word_gets_no_answer(encoder: Any) -> None:
    retriever = GraphRetriever(encoder).index(DOCUMENTS)
    with pytest.warns(UserWarning, match="1 of 1 questions share no word with any document"):
        assert retriever.query(SIGN) == []
    with pytest.warns(UserWarning, match="1 of 2 questions share no word"):
        assert retriever.query_many(["dogs", SIGN], k=1).ids == [["a"], []]


def test_words_and_walk_answer_where_the_encoder_does_not() -> None:
    documents = DOCUMENTS | {"d": "Zoo is short."}
    plain = GraphRetriever(max_share=1.0).index(documents)
    with pytest.warns(UserWarning, match="1 of 4 documents have no word .* first is 'd': they are"):
        retriever = GraphRetriever(OfWords(), max_share=1.0).index(documents)
    found, want = (r.query_many(["cats", "zoo"]) for r in (retriever, plain))
    assert found.ids == want.ids
    torch.testing.assert_close(found.scores, want.scores)


def test_documents_without_a_known_word_are_found_by_their_words(tmp_path: Path) -> None:
    retriever = GraphRetriever(OfWords()).index(DOCUMENTS)
    with pytest.warns(UserWarning, match="1 of 1 documents have no word that the encoder knows"):
        retriever.add({"d": "A zebra."})
    with pytest.warns(UserWarning, match="2 of 2 documents"):
        retriever.update({"d": "A zebra.", "e": SIGN})
    again = GraphRetriever.load(retriever.save(tmp_path), encoder=OfWords())
    assert [hit.id for hit in again.query("zebra", k=1)] == ["d"]
    with pytest.raises(ValueError, match="know a word of some documents, but all 2 rows are zero"):
        GraphRetriever(OfWords()).index({"d": "A zebra.", "e": SIGN})
    rows = torch.eye(3)
    rows[1] = 0
    with pytest.warns(UserWarning, match="1 of 3 documents have no word .* first is 'b'"):
        GraphRetriever(OfWords()).index(DOCUMENTS, vectors=rows)


@pytest.mark.parametrize("encoder", ["hashing", TextEncoder("hashing"), HashingEncoder()])
def test_pieces_of_a_graph(encoder: Any) -> None:
    kitchen = TextGraph(
        edge_index=torch.tensor([[0, 0], [1, 2]]),
        text=["bread", "flour", SIGN],
        edge_text=["a", "b"],
    )
    with pytest.warns(UserWarning, match="1 of 3 texts of nodes have no word"):
        retriever = EgoGraphRetriever(encoder, num_hops=0).fit(kitchen)
    assert retriever.query("bread", k=1).text == ["bread"]
    for merge in ("union", "disjoint"):
        with pytest.warns(UserWarning, match="1 of 2 questions resemble nothing in the graph"):
            none, some = retriever.query_many([SIGN, "flour"], k=1, merge=merge)
        assert none.num_nodes == 0 and none.edge_index.shape == (2, 0) and none.edge_text == []
        assert some.text == ["flour"]
    assert not retriever.similarities(SIGN).any()


@pytest.mark.filterwarnings("ignore:1 of 3 documents mention no entity")
def test_a_network_is_not_asked_what_has_no_embedding(tmp_path: Path) -> None:
    triples = [("Dogs", "like", "Cats", "a"), (SIGN, "is in", "Oslo", "c")]
    graph = knowledge_graph(triples, DOCUMENTS, normalize=str.casefold)
    base = GraphRetriever().index(DOCUMENTS)
    options: dict[str, Any] = {"hidden": 4, "steps": 1, "num_layers": 1}
    with pytest.warns(UserWarning, match="1 of 4 entities have no word that the encoder knows"):
        model = GFMRetriever(base, graph, "hashing", **options).fit()
    with pytest.warns(UserWarning, match="1 of 2 questions name no entity and match no document"):
        assert model.query_many(["Dogs", SIGN], k=1).ids[1] == []
    again = GFMRetriever.load(
        model.save(tmp_path), retriever=base, graph=graph, encoder=TextEncoder("hashing")
    )
    assert again.query("Dogs") == model.query("Dogs")
    with pytest.raises(ValueError, match="encoder must be the one that the network was trained"):
        GFMRetriever.load(
            tmp_path, retriever=base, graph=graph, encoder=TextEncoder(HashingEncoder(seed=1))
        )


def test_a_name_is_an_encoder(tmp_path: Path) -> None:
    want = GraphRetriever(TextEncoder("hashing")).index(DOCUMENTS)
    found = GraphRetriever("hashing", query_encoder="hashing").index(DOCUMENTS)
    assert found.query("cats of Oslo") == want.query("cats of Oslo")
    assert found.get_params()["encoder"] == "hashing"
    again = GraphRetriever.load(found.save(tmp_path), encoder="hashing", query_encoder="hashing")
    assert again.query("cats of Oslo") == want.query("cats of Oslo")
    with pytest.raises(OSError, match="no-such-model"):
        GraphRetriever("no-such-model").index(DOCUMENTS)


@pytest.mark.parametrize("kind", [GraphRetriever, GFMRetriever])
def test_a_folder_does_not_name_the_encoder_that_is_loaded(kind: Any) -> None:
    config = {name: None for name in kind._signature()} | {"encoder": "some/model"}
    with pytest.raises(ValueError, match="encoder must not be in a saved folder, but a has 's"):
        kind._check_keys(config, "a")
