"""The learned retriever: what it learns, when it stands back, what it never lets through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlab._io import load_arrays, save_arrays
from graphlab.tag import GFMRetriever, GraphRetriever, HashingEncoder, TextGraph, knowledge_graph
from graphlab.tag.retrieval.gfm import QueryGNN
from graphlab.tag.retrieval.gfm.entity_graph import read_graph
from graphlab.tag.retrieval.gfm.self_supervision import TripleQuestions
from tests._data import golden

TOWNS = ["Paris", "Rome", "Oslo", "Kyiv", "Lima", "Cairo", "Quito", "Turin"]
LANDS = ["France", "Italy", "Norway", "Ukraine", "Peru", "Egypt", "Ecuador", "Italy"]


def corpus() -> tuple[dict[str, str], list[tuple[str, str, str, str]]]:
    """People born in towns, towns in countries, and one document that states nothing."""
    documents, triples = {"none": "Nothing to see here."}, []
    for number, (town, land) in enumerate(zip(TOWNS, LANDS, strict=True)):
        name = f"Person {'ABCDEFGH'[number]}"
        documents[f"p{number}"] = f"{name} was born in {town}."
        documents[f"t{number}"] = f"{town} lies in {land}."
        triples.append((name, "born in", town, f"p{number}"))
        triples.append((town, "lies in", land, f"t{number}"))
    return documents, triples


DOCUMENTS, TRIPLES = corpus()
GRAPH = knowledge_graph(TRIPLES, DOCUMENTS)
ENCODER = HashingEncoder(16)
BASE = GraphRetriever().index(DOCUMENTS)
#: The default ranker looks at more entities than there are here.
SMALL: dict[str, Any] = {
    "hidden": 8,
    "num_layers": 2,
    "steps": 3,
    "batch_size": 4,
    "ranker": "idf",
}
QUESTION = "In which country lies the town where Person C was born?"
COVERED = pytest.mark.filterwarnings("ignore:1 of 1[67] documents mention no entity")
pytestmark = COVERED


def made(retriever: GraphRetriever | None = BASE, **options: Any) -> GFMRetriever:
    return GFMRetriever(retriever, GRAPH, ENCODER, **(SMALL | options))


@pytest.fixture(scope="module")
def fitted() -> GFMRetriever:
    return made(steps=60, hidden=16, lr=1e-2).fit()


def test_it_learns_from_triples_alone(fitted: GFMRetriever) -> None:
    losses = [row["loss"] for row in fitted.history_]
    assert len(losses) == 60 and sum(losses[-10:]) < 0.7 * sum(losses[:10])
    try:
        found = fitted.set_params(retriever=None).query(QUESTION, k=2, explain=True)
    finally:
        fitted.set_params(retriever=BASE)
    assert {hit.id for hit in found} == {"p2", "t2"}
    assert found[0].start == ("person c",) and not found[0].fallback
    assert "oslo" in found[0].via


def test_own_questions_have_one_or_two_documents() -> None:
    draw = torch.Generator().manual_seed(0)
    graph = read_graph(GRAPH)
    one = TripleQuestions(graph, 0.0).draw(40, draw)
    assert {len(places) for places in one.documents} == {1}
    two = TripleQuestions(graph, 1.0).draw(40, draw)
    for text, (start,), places in zip(two.texts, two.starts, two.documents, strict=True):
        first, second = (graph.documents[place] for place in places)
        assert text == f"lies in of the born in {graph.text[start]}"
        assert first[1:] == second[1:] and {first[0], second[0]} == {"p", "t"}


def test_own_questions_have_one_document_where_one_states_both_hops() -> None:
    triples = [("A", "knows", "B", "a"), ("B", "knows", "C", "a")]
    graph = read_graph(knowledge_graph(triples, {"a": "A knows B, and B knows C."}))
    found = TripleQuestions(graph, 1.0).draw(10, torch.Generator().manual_seed(0))
    assert set(found.texts) == {"knows a", "knows b"} and found.documents == [[0]] * 10


def test_names_within_a_name_are_found_longest_first() -> None:
    options: dict[str, Any] = {"names": lambda text: [text], "link_threshold": 1.0, "steps": 0}
    gfm = made(**options).fit()
    for question, start in (
        ("the town of person c or oslo", {"person c", "oslo"}),
        ("person oslo c", {"oslo"}),  # its words are not in a row
    ):
        assert {name for hit in gfm.query(question, k=17) for name in hit.start} == start


def test_an_entity_without_words_is_no_name() -> None:
    triples = [("\u041a\u0438\u0457\u0432", "far from", "Oslo", "a")]
    graph = knowledge_graph(triples, {"a": "It is far."}, normalize=str.casefold)
    gfm = GFMRetriever(None, graph, ENCODER, **SMALL).fit()
    assert [hit.start for hit in gfm.query("How far is Oslo?")] == [("oslo",)]


def test_what_is_kept_of_permitted_documents_is_bounded(
    fitted: GFMRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [[f"p{i}", f"t{i}", "p2", "t2"] for i in (0, 1, 3, 4)]
    monkeypatch.setattr("graphlab.tag.retrieval.gfm.retriever._CACHED", 1)
    fitted.query(QUESTION, k=4)
    want = [fitted.query(QUESTION, k=4, allow=part) for part in parts]
    assert len(fitted._readers) == 2
    assert [fitted.query(QUESTION, k=4, allow=part) for part in parts] == want
    assert len(fitted._readers) == 2 and None in fitted._readers


def test_scores_are_the_sum_of_both(fitted: GFMRetriever) -> None:
    hits = fitted.query(QUESTION, k=17)
    for hit in hits:
        assert hit.score == pytest.approx(hit.retriever + 0.5 * hit.network)
    kinds = torch.tensor([[hit.retriever, hit.network] for hit in hits if hit.id != "none"])
    assert kinds[:, 1].mean().abs() < 1e-6 and kinds[:, 1].std(correction=0) == pytest.approx(1)
    assert next(hit.network for hit in hits if hit.id == "none") == 0
    plain = {hit.id: hit.score for hit in BASE.query(QUESTION, k=17)}
    assert sorted(plain, key=plain.__getitem__) == sorted(
        plain, key={hit.id: hit.retriever for hit in hits}.__getitem__
    )


def test_batch_equals_single_questions(fitted: GFMRetriever) -> None:
    questions = [QUESTION, "Where was Person A born?", "Which towns lie in Italy?"]
    together = fitted.query_many(questions, 4)
    for row, question in enumerate(questions):
        single = fitted.query(question, 4)
        assert [hit.id for hit in single] == together.ids[row]
        assert torch.equal(torch.tensor([hit.score for hit in single]), together.scores[row])


def test_a_question_without_an_entity_falls_back_and_says_so(fitted: GFMRetriever) -> None:
    with pytest.warns(UserWarning, match="1 of 1 questions name no entity of the graph: the retr"):
        hits = fitted.query("what is to see here?", k=3)
    assert [hit.id for hit in hits] == [hit.id for hit in BASE.query("what is to see here?", k=3)]
    assert all(hit.fallback and hit.network == 0 for hit in hits)
    with pytest.warns(UserWarning, match="1 of 2 questions"):
        found = fitted.query_many(["what is to see here?", QUESTION], 3)
    assert found.fallback.tolist() == [True, False]


def test_without_a_retriever_there_may_be_no_answer(fitted: GFMRetriever) -> None:
    alone = GFMRetriever(None, GRAPH, ENCODER, **SMALL)
    with pytest.warns(UserWarning, match="1 of 17 documents mention no entity .* never found"):
        alone.fit()
    with pytest.warns(UserWarning, match="1 of 1 questions name no entity and match no document"):
        assert alone.query("what is to see here?") == []
    assert alone.stats()["documents"] == 16
    assert fitted.stats()["without_entity"] == 1


def test_forbidden_documents_neither_appear_nor_conduct(fitted: GFMRetriever) -> None:
    allow = [identity for identity in DOCUMENTS if identity != "p2"]
    hits = fitted.query("Where does Oslo lie?", k=16, allow=allow)
    assert {hit.id for hit in hits} == set(allow)
    # As if the document had never been there: Oslo has one neighbour and one mention less.
    documents = {i: text for i, text in DOCUMENTS.items() if i in allow}
    triples = [triple for triple in TRIPLES if triple[3] in allow]
    graph = knowledge_graph(triples, documents)
    other = GFMRetriever(GraphRetriever().index(documents), graph, ENCODER, **SMALL)
    other.set_params(hidden=16, steps=0).fit()
    other.model_.load_state_dict(fitted.model_.state_dict())
    expected = {hit.id: hit for hit in other.query("Where does Oslo lie?", k=16)}
    assert len(expected) == len(hits)
    for hit in hits:
        assert hit.network == pytest.approx(expected[hit.id].network, abs=1e-4)
        assert hit.retriever == pytest.approx(expected[hit.id].retriever, abs=1e-6)
    with pytest.warns(UserWarning, match="name no entity"):
        hidden = fitted.query("Who is Person C?", k=3, allow=allow)
    assert all(hit.fallback for hit in hidden), "an entity that only p2 mentions is unknown"


def test_an_edge_of_a_forbidden_document_conducts_nothing() -> None:
    documents = {"a": "A knows B.", "b": "B and C and A.", "c": "C is here."}
    triples = [("A", "knows", "B", "a"), ("B", "knows", "C", "b"), ("C", "near", "A", "c")]
    graph = read_graph(knowledge_graph(triples, documents, synonyms=[("B", "C")]))
    part = graph.restricted(["a", "c"])
    assert [graph.relations[t] for t in part.edge_type.tolist()] == ["knows", "near", "equivalent"]
    assert part.restricted.__self__.mentions.size(1) == 4
    only = graph.restricted(["a"])
    assert [graph.relations[t] for t in only.edge_type.tolist()] == ["knows"]


def test_documents_may_come_and_go(fitted: GFMRetriever) -> None:
    base = GraphRetriever().index(DOCUMENTS)
    gfm = made(base).fit()
    base.add({"new": "Person C was also in Quito."}).remove(["t2"])
    ids = [hit.id for hit in gfm.query(QUESTION, k=17)]
    assert "new" in ids and "t2" not in ids
    assert gfm.stats()["without_entity"] == 2


def test_saved_and_loaded(tmp_path: Path, fitted: GFMRetriever) -> None:
    fitted.save(tmp_path)
    objects = {"retriever": BASE, "graph": GRAPH, "encoder": ENCODER}
    again = GFMRetriever.load(tmp_path, **objects)
    questions = [QUESTION, "Which towns lie in Italy?"]
    before, after = fitted.query_many(questions, 5), again.query_many(questions, 5)
    assert before.ids == after.ids and torch.equal(before.scores, after.scores)
    assert again.history_ == fitted.history_
    # The weights belong to no graph: another one has its own relations embedded.
    triples = [("Person C", "came from", "Oslo", "a"), ("Oslo", "lies in", "Norway", "b")]
    documents = {"a": "Person C came from Oslo.", "b": "Oslo lies in Norway."}
    objects |= {"retriever": None, "graph": knowledge_graph(triples, documents)}
    other = GFMRetriever.load(tmp_path, **objects)
    assert {hit.id for hit in other.query(QUESTION, k=2)} == {"a", "b"}


def test_a_killed_training_goes_on(tmp_path: Path) -> None:
    options = {"steps": 30, "seed": 3}

    def stop(row: dict[str, Any]) -> None:
        if row["step"] == 26:
            raise KeyboardInterrupt

    straight = made(**options).fit()
    with pytest.raises(KeyboardInterrupt):
        made(**options).fit(directory=tmp_path, callback=stop)
    rows: list[dict[str, Any]] = []
    resumed = made(**options).fit(directory=tmp_path, callback=rows.append)
    assert [row["step"] for row in rows] == [25, 26, 27, 28, 29]
    assert resumed.history_ == straight.history_
    for one, two in zip(straight.model_.parameters(), resumed.model_.parameters(), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(ValueError, match=r"saved with other settings \(.*seed: '3' -> '4'"):
        made(**options | {"seed": 4}).fit(directory=tmp_path)
    assert len(made(**options | {"steps": 1}).fit(directory=tmp_path, resume=False).history_) == 1


def test_real_questions_may_be_learned_from() -> None:
    queries = [(f"Where was Person {'ABCDEFGH'[i]} born?", [f"p{i}"]) for i in range(8)]
    with pytest.warns(UserWarning, match="1 of 9 queries name no entity of the graph and are left"):
        gfm = made(steps=20, lr=1e-2).fit([*queries, ("what is to see?", ["none"])])
    assert gfm.history_[-1]["loss"] < gfm.history_[0]["loss"]
    again = made(steps=20, lr=1e-2).fit(queries)
    assert again.history_ == gfm.history_  # as if what names no entity had not been there
    with pytest.raises(KeyError, match=r"queries\[0\] must name documents of the graph"):
        made().fit([("Where was Person A born?", ["nowhere"])])
    with pytest.raises(ValueError, match=r"queries\[0\] must be a pair"):
        made().fit(["Where?"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="none of 1 does"):
        made().fit([("what is to see?", ["none"])])


# --- weights of the release -----------------------------------------------------------------------


class Fixed:
    """Embeds texts by their length, as wide as the golden case."""

    def encode(self, texts: Any) -> torch.Tensor:
        draw = [torch.Generator().manual_seed(sum(map(ord, text))) for text in texts]
        return torch.stack([torch.randn(12, generator=g) for g in draw])


def official(folder: Path, **settings: Any) -> dict[str, torch.Tensor]:
    """A folder as the release writes it, with the weights of a golden case."""
    import numpy as np

    with np.load(golden("retrieval", "gfm_distmult_sum.npz"), allow_pickle=False) as arrays:
        state = {
            k.removeprefix("sd/"): torch.from_numpy(arrays[k]).float()
            for k in arrays.files
            if k.startswith("sd/")
        }
    torch.save({"model": state}, folder / "model.pth")
    entity = {"message_func": "distmult", "aggregate_func": "sum", "short_cut": True}
    config = {"model_config": {"entity_model": entity | {"layer_norm": True} | settings}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return state


def test_official_weights_pass_messages_against_the_edges(tmp_path: Path) -> None:
    official(tmp_path)
    options = {"hidden": 8, "num_layers": 3}
    gfm = GFMRetriever(BASE, GRAPH, Fixed(), **options).load_official_checkpoint(tmp_path)
    (hit,) = gfm.query("Where was Person C born?", k=1)
    assert hit.start == ("person c",)
    # The same weights on the graph whose edges point the other way, with halves in place.
    weights = gfm.model_.state_dict()
    model = QueryGNN(12, 8, 3)
    model.load_state_dict(weights)
    graph = read_graph(GRAPH)
    unit = torch.nn.functional.normalize
    x = unit(Fixed().encode(graph.relation_texts))
    query = unit(Fixed().encode(["Where was Person C born?"]))
    start = torch.zeros(1, graph.num_entities)
    start[0, graph.text.index("person c")] = 1.0
    both = torch.cat([graph.edge_index, graph.edge_index.flip(0)], 1).flip(0)
    kinds = torch.cat([graph.edge_type, graph.edge_type + graph.num_relations])
    expected = model(x, query, start, both, kinds)[0]
    found = gfm.query("Where was Person C born?", k=17, explain=True)
    best = {hit.id: hit.via[0] for hit in found if hit.via}
    for identity, name in best.items():
        own = graph.mentions[0, graph.mentions[1] == graph.position[identity]]
        assert name == graph.text[int(own[expected[own].argmax()])]
    gfm.save(tmp_path / "own")
    again = GFMRetriever.load(tmp_path / "own", retriever=BASE, graph=GRAPH, encoder=Fixed())
    assert again.query("Where was Person C born?", k=17, explain=True) == found


def test_official_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    def load(encoder: Any = Fixed(), **options: Any) -> GFMRetriever:  # noqa: B008
        return GFMRetriever(BASE, GRAPH, encoder, **options).load_official_checkpoint(tmp_path)

    with pytest.raises(FileNotFoundError):
        load()
    state = official(tmp_path)
    with pytest.raises(ValueError, match="tensors of another shape, .* give GFMRetriever the hid"):
        load(hidden=16, num_layers=3)
    with pytest.raises(ValueError, match="give GFMRetriever the num_layers of the release"):
        load(hidden=8, num_layers=2)
    with pytest.raises(ValueError, match="encoder must return 12 columns, got 16"):
        load(ENCODER, hidden=8, num_layers=3)
    with pytest.raises(ValueError, match="message_func='distmult'"):
        load(hidden=8, num_layers=3, message="transe")
    (tmp_path / "config.json").write_text('{"model_config": 3}')
    with pytest.raises(ValueError, match=r"config\.json must describe model_config.entity_model"):
        load(hidden=8, num_layers=3)
    official(tmp_path, short_cut=False)
    with pytest.raises(ValueError, match="short_cut=False: only True is supported"):
        load(hidden=8, num_layers=3)
    torch.save({"model": {"question_mlp.bias": state["question_mlp.bias"]}}, tmp_path / "model.pth")
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match="lacks the key question_mlp.weight"):
        load(hidden=8, num_layers=3)
    (tmp_path / "model.pth").write_bytes(b"no tensors")
    with pytest.raises(ValueError, match="is not a file of plain tensors"):
        load(hidden=8, num_layers=3)


# --- bad input ------------------------------------------------------------------------------------


def without(name: str) -> TextGraph:
    graph = knowledge_graph(TRIPLES, DOCUMENTS)
    del graph[name]
    return graph


class Broken:
    def __init__(self, value: float) -> None:
        self.value = value

    def encode(self, texts: Any) -> torch.Tensor:
        return torch.full((len(texts), 4), self.value)


def beyond() -> TextGraph:
    graph = knowledge_graph(TRIPLES, DOCUMENTS)
    graph.edge_type = graph.edge_type + 1
    return graph


def changed(**parts: Any) -> TextGraph:
    graph = knowledge_graph(TRIPLES, DOCUMENTS)
    for name, value in parts.items():
        graph[name] = value
    return graph


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"graph": changed(relation_names=[""])}, ValueError, "relation_names must hold names"),
        ({"graph": changed(document_id=["p0"] * 17)}, ValueError, "distinct ids, .* got repeats"),
        ({"graph": changed(document_id=[1.5] * 17)}, ValueError, "distinct ids, .* got 1.5"),
        ({"graph": changed(mentions=torch.zeros(3, 1).long())}, ValueError, r"\(2, nnz\), got"),
        ({"retriever": DOCUMENTS}, TypeError, "retriever must be a GraphRetriever, got dict"),
        ({"graph": DOCUMENTS}, TypeError, "graph must be a TextGraph, got dict"),
        ({"graph": without("mentions")}, ValueError, "has no mentions: graphlab.tag.knowledge_gr"),
        ({"graph": without("evidence")}, ValueError, "graph must have evidence"),
        ({"graph": beyond()}, IndexError, r"graph.edge_type\[1\] = 2 is outside \[0, 2\)"),
        ({"encoder": None}, TypeError, "encoder must be a name, or have a method encode"),
        ({"encoder": Broken(float("nan"))}, ValueError, "encoder must return finite values"),
        ({"query_encoder": Broken(1.0)}, ValueError, "query_encoder must return 16 columns, got 4"),
        ({"hidden": 0}, ValueError, "hidden must be at least 1"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"ranker": "bm25"}, ValueError, "ranker must be"),
        ({"weight": -1.0}, ValueError, "weight must be non-negative"),
        ({"two_hops": 2.0}, ValueError, r"two_hops must lie in \[0, 1\]"),
        ({"link_threshold": 2.0}, ValueError, r"link_threshold must lie in \[-1, 1\]"),
        ({"names": "capital"}, TypeError, "names must be callable"),
        ({"lr": 1e30}, FloatingPointError, "the loss is (nan|inf) in step 1: lower lr"),
    ],
)
def test_bad_parameters_are_named(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    given: dict[str, Any] = {"retriever": BASE, "graph": GRAPH, "encoder": ENCODER} | SMALL
    with pytest.raises(error, match=words):
        GFMRetriever(**(given | change)).fit()


@pytest.mark.parametrize(
    ("queries", "error", "words"),
    [
        ("who?", TypeError, "queries must be pairs .question, ids of documents., got str"),
        (3, TypeError, "queries must be pairs .question, ids of documents., got int"),
        ([], ValueError, "queries must not be empty; None makes questions from the graph"),
        ([("who?",)], ValueError, r"queries\[0\] must be a pair"),
        ([(QUESTION, "p2")], TypeError, r"queries\[0\] must list ids of documents, got str"),
        ([(QUESTION, ["p2"]), (QUESTION, [])], ValueError, r"queries\[1\] must name at least one"),
        ([(QUESTION, ["nowhere"])], KeyError, "but .'nowhere'. are unknown"),
    ],
)
def test_bad_questions_to_learn_from_are_named(
    queries: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        made().fit(queries)


def test_bad_questions_are_named(fitted: GFMRetriever) -> None:
    with pytest.raises(TypeError, match="text must be str, got int"):
        fitted.query(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="text must not be empty"):
        fitted.query("")
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        fitted.query(QUESTION, k=0)
    with pytest.raises(KeyError, match=r"allow must be known, but \['nowhere'\] are not"):
        fitted.query(QUESTION, allow=["nowhere"])
    with pytest.raises(TypeError, match="allow must be a list of ids"):
        fitted.query(QUESTION, allow="p2")


def test_more_documents_asked_for_than_there_are(fitted: GFMRetriever) -> None:
    assert fitted.query(QUESTION, k=10**12) == fitted.query(QUESTION, k=17)
    assert len(fitted.query(QUESTION, k=18, allow=["p1", "p2"])) == 2
    assert fitted.query_many([QUESTION], k=18).scores.shape == (1, 17)


def test_nothing_can_be_forbidden_without_evidence() -> None:
    gfm = GFMRetriever(BASE, without("evidence"), ENCODER, **SMALL).fit([(QUESTION, ["p2"])])
    assert len(gfm.query(QUESTION, k=2)) == 2
    with pytest.raises(ValueError, match="graph must have evidence, .* to restrict it to allowed"):
        gfm.query(QUESTION, k=1, allow=["p2"])


@pytest.mark.parametrize("name", ["relations", "entities"])
def test_embeddings_of_another_graph_in_a_file_are_refused(
    name: str, fitted: GFMRetriever, tmp_path: Path
) -> None:
    path = fitted.save(tmp_path) / "arrays.safetensors"
    arrays, metadata = load_arrays(path)
    save_arrays(path, arrays | {name: arrays[name][:0]}, metadata)
    with pytest.raises(ValueError, match=r"must have the shapes \(\(4, 16\), \(23, 16\)\), got"):
        GFMRetriever.load(tmp_path, retriever=BASE, graph=GRAPH, encoder=ENCODER)


def test_scores_that_are_not_finite_are_refused() -> None:
    gfm = made(steps=0).fit()
    with torch.no_grad():
        gfm.model_.query_linear.bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="score that is NaN or infinite"):
        gfm.query(QUESTION, k=1)


def test_documents_that_only_the_retriever_knows() -> None:
    wider = GraphRetriever().index(DOCUMENTS | {"new": "Paris lies on the Seine."})
    with pytest.warns(UserWarning, match="1 of 18 documents of the retriever, such as 'new'"):
        made(wider).fit()
    strangers = GraphRetriever().index(list(DOCUMENTS.values()))  # ids 0, 1, ...
    with pytest.raises(ValueError, match="none of its 17 ids, such as 0, is one of the graph's"):
        made(strangers).fit()


def test_another_encoder_of_the_same_width_is_refused(fitted: GFMRetriever, tmp_path: Path) -> None:
    class Other:
        def encode(self, texts: list[str]) -> torch.Tensor:
            return torch.as_tensor(ENCODER(texts)).flip(1)

    fitted.save(tmp_path)
    with pytest.raises(ValueError, match="encoder must be the one that the network was trained"):
        GFMRetriever.load(tmp_path, retriever=BASE, graph=GRAPH, encoder=Other())


def test_how_entities_lend_their_scores_is_read_at_every_question() -> None:
    asked, fresh = made().fit(), made().fit()
    before = asked.query(QUESTION)
    for gfm in (asked, fresh):
        gfm.set_params(ranker="topk", top_k=2)
    assert asked.query(QUESTION) == fresh.query(QUESTION) != before


def test_a_training_does_not_go_on_with_another_encoder(tmp_path: Path) -> None:
    made().fit(directory=tmp_path)
    other = made().set_params(encoder=HashingEncoder(16, seed=1))
    with pytest.raises(ValueError, match=r"saved with other settings \(encoder: 'hashing-"):
        other.fit(directory=tmp_path)
