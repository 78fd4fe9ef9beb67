"""The retriever: exact under every history, honest about bad input, useful without a model."""

from __future__ import annotations

import itertools
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from graphlab.tag import Document, GraphRetriever, HashingEncoder
from graphlab.tag.retrieval import Hit, RetrievalResult, capitalised_names, tokenize
from graphlab.tag.retrieval._ranking import standardized

TOWNS = ["Paris", "Rome", "Oslo", "Kyiv", "Lima", "Cairo", "Quito", "Turin"]


def corpus(count: int = 24, seed: int = 0) -> list[Document]:
    """Short documents that share names of towns and one another's titles."""
    draw = random.Random(seed)
    documents = []
    for number in range(count):
        title = f"Person {number}" if number % 2 else ""
        towns = draw.sample(TOWNS, 3)
        friend = f"Person {draw.randrange(count)}"
        text = f"Born in {towns[0]}, moved to {towns[1]} and met {friend} in {towns[2]} once."
        documents.append(Document(number, text, title, {"row": number}))
    return documents


DOCUMENTS = corpus()
QUESTIONS = ["Who moved from Paris to Rome?", "person 3 in Kyiv", "born in Lima or Quito"]


def answers(retriever: GraphRetriever, **options: object) -> list[tuple[object, ...]]:
    """Ids and scores; the latter to five digits, which the order of embeddings does not change."""
    found = retriever.query_many(QUESTIONS, 6, **options)  # type: ignore[arg-type]
    scores = [[float(f"{score:.4g}") for score in row] for row in found.scores.tolist()]
    exact = retriever.encoder is None
    return [*map(tuple, found.ids), *map(tuple, found.scores.tolist() if exact else scores)]


@pytest.fixture(params=[None, HashingEncoder(32)], ids=["no model", "encoder"])
def encoder(request: pytest.FixtureRequest) -> object:
    return request.param


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=15, deadline=None)
def test_any_history_gives_the_answers_of_a_fresh_index(seed: int, dense: bool) -> None:
    draw = random.Random(seed)
    encoder = HashingEncoder(32) if dense else None
    kept = draw.sample(DOCUMENTS, draw.randrange(8, 20))
    others = corpus(40, seed)[24:] + [
        Document(d.id, "An older text about Rome and Oslo.", "Person 5") for d in kept[:3]
    ]
    retriever = GraphRetriever(encoder, max_share=0.5).index([others[0]])
    waiting = others[1:]
    draw.shuffle(waiting)
    for document in waiting:
        retriever.update([document])
        if draw.random() < 0.3:
            retriever.query("Rome", k=1)
    for document in draw.sample(kept, len(kept)):
        retriever.update([document])
    retriever.remove([d.id for d in others if d.id not in {k.id for k in kept}])
    fresh = GraphRetriever(encoder, max_share=0.5).index(kept)
    assert retriever.ids == fresh.ids
    assert answers(retriever) == answers(fresh)
    assert [h.via for h in retriever.query(QUESTIONS[0], explain=True)] == [
        h.via for h in fresh.query(QUESTIONS[0], explain=True)
    ]


def test_allow_is_as_if_the_other_documents_did_not_exist(encoder: object) -> None:
    permitted = [d for d in DOCUMENTS if d.id % 3]
    whole = GraphRetriever(encoder, max_share=0.3).index(DOCUMENTS)
    part = GraphRetriever(encoder, max_share=0.3).index(permitted)
    allow = {d.id for d in permitted}
    assert answers(whole, allow=allow) == answers(part)
    # The second time from what is kept, and the rest of the index is as before.
    assert answers(whole, allow=allow) == answers(part)
    assert answers(whole) == answers(GraphRetriever(encoder, max_share=0.3).index(DOCUMENTS))


def test_fewer_documents_allowed_than_asked_for() -> None:
    retriever = GraphRetriever().index(DOCUMENTS)
    assert len(retriever.query("Rome", k=5, allow=[3, 4])) == 2
    found = retriever.query_many(["Rome", "Oslo"], k=5, allow=[3, 4])
    assert [len(row) for row in found.ids] == [2, 2]
    assert found.scores.shape == (2, 5)
    assert torch.isneginf(found.scores[:, 2:]).all()


@pytest.mark.parametrize("k", [25, 10**12])
def test_more_documents_asked_for_than_there_are(k: int) -> None:
    retriever = GraphRetriever().index(DOCUMENTS)
    assert retriever.query("Rome", k=k) == retriever.query("Rome", k=24)
    assert len(retriever.query("Rome", k=k, allow=[3, 4])) == 2
    found = retriever.query_many(["Rome", "Oslo"], k=k)
    assert found.ids == retriever.query_many(["Rome", "Oslo"], k=24).ids
    assert found.scores.shape == found.seeds.shape == (2, 24)


def test_batch_equals_single_questions(encoder: object) -> None:
    retriever = GraphRetriever(encoder).index(DOCUMENTS)
    together = retriever.query_many(QUESTIONS, 6)
    for row, question in enumerate(QUESTIONS):
        single = retriever.query(question, 6)
        assert [hit.id for hit in single] == together.ids[row]
        np.testing.assert_allclose([h.score for h in single], together.scores[row], rtol=1e-5)


def test_documents_that_answer_together_come_together() -> None:
    retriever = GraphRetriever(max_share=0.5).index(
        {
            "curie": "Marie Curie studied at the Flying University.",
            "university": Document(
                "university", "It taught in secret in Warsaw.", "Flying University"
            ),
            "warsaw": "Warsaw is on the Vistula.",
            "banana": "Bananas grow in bunches.",
            "stars": "Stars shine at night.",
        }
    )
    found = retriever.query("Which town did Marie Curie study in?", k=3, explain=True)
    assert [hit.id for hit in found] == ["curie", "university", "warsaw"]
    assert found[1].via[0] == "flying university"
    assert found[1].lexical < 3.0
    assert found[0].walk > found[1].walk > found[2].walk > 0


def test_links_of_another_kind_conduct() -> None:
    documents = {"a": "red apple", "b": "green pear", "c": "blue plum"}
    retriever = GraphRetriever().index(documents)
    assert retriever.query("apple", k=3)[1].walk == 0
    retriever.use("citations", [("a", "c")])
    assert [hit.id for hit in retriever.query("apple", k=2)] == ["a", "c"]
    retriever.remove(["c"])
    assert retriever.query("apple", k=2)[1].walk == 0


def test_kinds_of_links_may_be_left_out() -> None:
    documents = {
        "a": Document("a", "the Blue Whale sings to Oslo"),
        "b": Document("b", "she saw a blue whale"),
        "c": Document("c", "it is cold there", "Oslo"),
        "d": Document("d", "nothing of the kind"),
    }
    found = {}
    for graphs in (("phrases",), ("titles",), ("titles", "phrases")):
        retriever = GraphRetriever(graphs=graphs, max_share=1.0).index(documents)
        walk = {hit.id: hit.walk for hit in retriever.query("sings", k=4)}
        found[graphs] = {identity for identity, share in walk.items() if share > 0}
        graph = retriever.graph()
        assert retriever.stats()["phrases"] == int((~graph.is_document).sum())
        assert set(graph.edge_index[0].tolist()) >= set(range(4, graph.num_nodes))
        if graphs == ("titles",):
            assert graph.edge_index.tolist() == [[0, 2], [2, 0]] and graph.num_nodes == 4
    assert found[("titles",)] == {"a", "c"}
    assert found[("phrases",)] == found[("titles", "phrases")] == {"a", "b", "c"}


def test_the_walk_starts_at_the_best_documents_alone(encoder: object) -> None:
    every = GraphRetriever(encoder).index(DOCUMENTS).query(QUESTIONS[0], k=24)
    best = sorted(every, key=lambda hit: -hit.seed)
    for count in (1, 2, 24, 100):
        retriever = GraphRetriever(encoder, num_seeds=count).index(DOCUMENTS)
        seeds = {hit.id: hit.seed for hit in retriever.query(QUESTIONS[0], k=24) if hit.seed}
        own = {hit.id: hit.seed for hit in best[:count] if hit.seed}
        assert seeds == pytest.approx({i: s / sum(own.values()) for i, s in own.items()})


def test_what_is_kept_of_permitted_documents_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr("graphlab.tag.retrieval.retriever._CACHED", 2)
    retriever = GraphRetriever(max_share=0.5).index(DOCUMENTS)
    parts = [range(first, first + 12) for first in range(5)]
    want = [answers(retriever, allow=part) for part in parts]
    assert len(retriever._snapshots) == 2
    whole = answers(retriever)
    assert [answers(retriever, allow=part) for part in parts] == want
    assert answers(retriever) == whole and len(retriever._snapshots) == 2


def test_equal_scores_are_ordered_by_id() -> None:
    retriever = GraphRetriever().index([(i, "same words") for i in (5, 3, 9, 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [hit.id for hit in retriever.query("same", k=4)] == []
    retriever.add([(7, "other text")])
    assert [hit.id for hit in retriever.query("same", k=4)] == [1, 3, 5, 9]


def test_equal_titles_keep_their_ids() -> None:
    retriever = GraphRetriever().index(
        [Document(i, f"text {word} here", "Same Title") for i, word in enumerate(TOWNS)]
    )
    assert retriever.query("Kyiv", k=1)[0].id == TOWNS.index("Kyiv")


def test_saved_and_loaded(tmp_path, encoder: object) -> None:
    retriever = GraphRetriever(encoder, max_share=0.4).index(DOCUMENTS[:20])
    retriever.add(DOCUMENTS[20:]).remove([0, 7]).use("citations", [(1, 2), (3, 4)])
    retriever.save(tmp_path)
    other = GraphRetriever.load(tmp_path, **({} if encoder is None else {"encoder": encoder}))
    assert answers(other) == answers(retriever)
    assert other[5] == retriever[5]
    changed = [other, retriever]
    for one in changed:
        one.add([Document(99, "Born in Paris, met Person 3.", "Person 99")]).remove([5])
    assert answers(other) == answers(retriever)


def test_another_encoder_is_refused_on_loading(tmp_path) -> None:
    GraphRetriever(HashingEncoder(32)).index(DOCUMENTS).save(tmp_path)
    with pytest.raises(ValueError, match="encoder must be the one that embedded the documents"):
        GraphRetriever.load(tmp_path, encoder=HashingEncoder(64))
    with pytest.raises(TypeError, match="encoder"):
        GraphRetriever.load(tmp_path)


def test_graph_of_documents_and_phrases() -> None:
    retriever = GraphRetriever(max_share=0.5).index(DOCUMENTS)
    graph = retriever.graph()
    assert int(graph.is_document.sum()) == len(DOCUMENTS)
    assert graph.text[: len(DOCUMENTS)] == [d.full_text for d in DOCUMENTS]
    assert "paris" in graph.text[len(DOCUMENTS) :]
    row, col = graph.edge_index
    pairs = set(zip(row.tolist(), col.tolist(), strict=True))
    assert pairs == {(j, i) for i, j in pairs}
    document, phrase = graph.text[0].lower(), graph.text.index("paris")
    assert ((0, phrase) in pairs) == ("paris" in document)


def test_phrases_join_all_documents_that_contain_them_whoever_proposed_them() -> None:
    # "blue whale" is a name in the first document only, where it is capitalised.
    documents = {1: "The Blue Whale sings.", 2: "we saw a blue whale", 3: "nothing of the kind"}
    assert GraphRetriever(max_share=1.0).index(documents).query("sings", k=2)[1].id == 2
    reversed_order = dict(reversed(documents.items()))
    retriever = GraphRetriever(max_share=1.0).index({3: documents[3]})
    for key in (2, 1):
        retriever.add({key: reversed_order[key]})
    assert retriever.query("sings", k=2)[1].id == 2
    retriever.remove([1])
    retriever.add({4: "it sings"})
    assert retriever.query("sings", k=2)[1].walk == 0


FORMS = ["mapping", "pairs", "documents", "texts", "objects", "frame", "records", "rows", "series"]
FORMS += ["numbers of numpy", "numbers of torch"]


@pytest.mark.parametrize("forms", FORMS)
def test_documents_in_any_form(forms: str) -> None:
    texts = ["Paris is old.", "Rome is older.", "Oslo is cold."]
    frame = pd.DataFrame(
        {"title": ["", None, "Norway"], "text": texts, "id": range(3)}, index=[7, 8, 9]
    )

    class Passage:
        def __init__(self, number: int) -> None:
            self.id, self.text = number, texts[number]

    given = {
        "mapping": dict(enumerate(texts)),
        "pairs": list(enumerate(texts)),
        "documents": [Document(i, t) for i, t in enumerate(texts)],
        "texts": texts,
        "objects": map(Passage, range(3)),
        "frame": frame,
        "records": frame.to_dict("records"),
        "rows": frame.itertuples(index=False),
        "series": frame.set_index("id")["text"],
        "numbers of numpy": dict(zip(np.arange(3), texts, strict=True)),
        "numbers of torch": zip(torch.arange(3), texts, strict=True),
    }[forms]
    retriever = GraphRetriever().index(given)
    assert retriever.ids == [0, 1, 2]
    assert retriever.query("Rome", k=1)[0].id == 1
    assert 1 in retriever
    assert 7 not in retriever
    assert len(retriever) == 3
    assert {type(hit.id) for hit in retriever.query("Rome", k=3)} <= {int}


def test_ids_of_numpy_and_torch_are_those_of_python() -> None:
    retriever = GraphRetriever(max_share=0.5).index(DOCUMENTS)
    wanted = retriever.query("Rome", k=3, allow=[3, 5, 8])
    for numbers in (np.array([3, 5, 8]), torch.tensor([3, 5, 8]), pd.Index([3, 5, 8])):
        assert retriever.query("Rome", k=3, allow=numbers) == wanted
    assert np.int64(3) in retriever
    assert True not in retriever
    retriever.use("citations", pd.DataFrame({"from": [3], "to": [5]}))
    assert retriever.remove(np.arange(3)).ids == list(range(3, 24))
    words = GraphRetriever().index(dict(zip(np.array(["a", "b"]), ["Rome", "Oslo"], strict=True)))
    assert [type(identity) for identity in words.ids] == [str, str]


def test_fewer_documents_than_asked_for_are_all() -> None:
    retriever = GraphRetriever(max_share=1.0).index(["Rome and Oslo", "Oslo", "Lima"])
    assert retriever.query("Rome")[0].id == 0
    assert len(retriever.query("Rome")) <= 3
    found = retriever.query_many(["Rome"])
    assert found.scores.shape == (1, 3)


def test_letters_that_the_default_tokenizer_skips_are_told() -> None:
    foreign = {"tokyo": "\u6771\u4eac\u306f\u9996\u90fd"}
    with pytest.warns(UserWarning, match=r"1 of 2 documents are mostly in letters .* 'tokyo'"):
        retriever = GraphRetriever().index({"zurich": "Z\u00fcrich is big.", **foreign})
    for change in (retriever.update, lambda d: retriever.remove(["tokyo"]).add(d)):
        with pytest.warns(UserWarning, match="1 of 1 documents are mostly in letters"):
            change(foreign)
    GraphRetriever(tokenize=str.split).index(foreign)
    GraphRetriever().index(["\u041a\u0438\u0457\u0432 \u0441\u0442\u043e\u043b\u0438\u0446\u044f"])


def test_a_question_that_matches_nothing_gets_no_answer_and_a_warning() -> None:
    retriever = GraphRetriever().index(DOCUMENTS)
    with pytest.warns(UserWarning, match="1 of 1 questions share no word"):
        assert retriever.query("xylophone zebra") == []
    with pytest.warns(UserWarning, match="1 of 2 questions"):
        found = retriever.query_many(["xylophone", "Paris"])
    assert found.ids[0] == []
    assert len(found.ids[1]) == 5


class Broken:
    """Encoder whose answers for some texts are wrong."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def encode(self, texts: list[str]) -> torch.Tensor:
        rows = torch.ones(len(texts), 4)
        if any("broken" in text for text in texts):
            if self.kind == "nan":
                rows[0, 0] = torch.nan
            if self.kind == "width":
                rows = rows[:, :3]
            if self.kind == "rows":
                rows = rows[:0]
        return rows


@pytest.mark.parametrize("kind", ["nan", "width", "rows"])
def test_broken_embeddings_change_nothing(kind: str) -> None:
    retriever = GraphRetriever(Broken(kind)).index({"a": "one text", "b": "another"})
    for change in (retriever.add, retriever.update):
        with pytest.raises(ValueError, match=r"encoder must return"):
            change({"c": "a broken one"})
    assert retriever.ids == ["a", "b"]
    with pytest.raises(ValueError, match=r"encoder must return"):
        retriever.query("broken?", k=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.add({0: "known"}), "documents must have new ids, but .0. are known"),
        (lambda r: r.add([(50, "one"), (50, "two")]), "distinct ids, but 50 repeats"),
        (lambda r: r.add([(50, "one"), (51, "  ")]), "must have a text, but that of 51 is empty"),
        (lambda r: r.add([("50", "one")]), "ids of one type, int, but .* has '50'"),
        (lambda r: r.add([(True, "one")]), "id must be str or int, got True"),
        (lambda r: r.add([(50, None)]), "text must be str, got NoneType"),
        (lambda r: r.add("a text"), "documents must be a mapping or an iterable"),
        (lambda r: r.add([3.5]), r"documents\[0\] must be a Document"),
        (lambda r: r.remove([0, 77]), "ids must be known, but .77. are not"),
        (lambda r: r.remove([0, 0]), "ids must be distinct"),
        (lambda r: r.remove("0"), "ids must be a list of ids, got str"),
        (lambda r: r.use("citations", [(0, 99)]), "links must be known, but .99. are not"),
        (lambda r: r.use("titles", []), "name must be a name other than"),
        (lambda r: r.use("citations", [(0, 1, 2)]), "links must be pairs of ids"),
        (lambda r: r.query("Rome", k=0), "k must be at least 1"),
        (lambda r: r.query(["Rome"]), "text must be str, got list"),
        (lambda r: r.query("   "), "text must not be empty"),
        (lambda r: r.query(["a", "b"]), "text must be str, got list: query_many takes several"),
        (lambda r: r.query_many("Rome"), "texts must be a list of texts"),
        (lambda r: r.query("Rome", allow=[99]), "allow must be known"),
        (lambda r: r.query("Rome", allow=[]), "allow must name at least one document"),
        (lambda r: r.query("Rome", allow="12"), "allow must be a list of ids, got str"),
        (lambda r: r.query("Rome", allow=[True, False]), "allow must be known, but .True, False"),
        (lambda r: r.query("Rome", allow=torch.ones(24, dtype=torch.bool)), "allow must be known"),
        (lambda r: r.remove([True]), "ids must be known, but .True. are not"),
        (lambda r: r.use("citations", [("to", 1), "ab"]), "links must be pairs of ids, got 'ab'"),
        (lambda r: r.add(pd.DataFrame({"body": ["one"]})), r"columns 'id' and 'text', but .*body"),
        (lambda r: r.add([{"name": "one"}]), r"the fields 'id' and 'text', got \['name'\]"),
    ],
)
def test_refused_calls_change_nothing(change, message: str) -> None:
    retriever = GraphRetriever(max_share=0.5).index(DOCUMENTS)
    before = answers(retriever)
    with pytest.raises((TypeError, ValueError, KeyError), match=message):
        change(retriever)
    assert retriever.ids == list(range(24))
    assert answers(retriever) == before


@pytest.mark.parametrize("wrong", [None, "a text", [1, 2]])
def test_functions_that_return_no_list_of_words_are_refused(wrong: object) -> None:
    for name in ("names", "tokenize"):
        with pytest.raises(TypeError, match=f"{name} must return a list of str"):
            GraphRetriever(**{name: lambda text: wrong}).index(DOCUMENTS)  # type: ignore[arg-type]


def test_functions_that_fail_change_nothing() -> None:
    def names(text: str) -> list[str]:
        if "fail" in text:
            raise RuntimeError("no names today")
        return capitalised_names(text)

    retriever = GraphRetriever(names=names).index(DOCUMENTS)
    before = answers(retriever)
    with pytest.raises(RuntimeError, match="no names today"):
        retriever.update([(0, "a new text"), (50, "fail")])
    assert answers(retriever) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"encoder": 3},
            r"encoder must be a name, or have a method encode.*a function, got 3",
        ),
        ({"query_encoder": HashingEncoder(8)}, "query_encoder needs an encoder"),
        ({"names": "capitalised"}, "names must be callable"),
        ({"graphs": "phrases"}, "graphs must name at least one"),
        ({"graphs": ()}, "graphs must name at least one"),
        ({"graphs": ("words",)}, "graphs must be one of"),
        ({"teleport": 1.0}, "teleport must lie strictly"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"power": 0}, "power must be positive"),
        ({"fusion": -1.0}, "fusion must be non-negative"),
        ({"max_share": 2.0}, "max_share must lie in"),
        ({"max_phrase": 0}, "max_phrase must be at least 1"),
        ({"num_seeds": 0}, "num_seeds must be at least 1"),
        ({"dtype": "float64"}, "dtype must be one of"),
    ],
)
def test_bad_parameters(params: dict[str, object], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        GraphRetriever(**params).index(DOCUMENTS)  # type: ignore[arg-type]


def test_needs_an_index() -> None:
    for call in (
        lambda r: r.query("Rome"),
        lambda r: r.add({"a": "text"}),
        lambda r: r.remove(["a"]),
        len,
        lambda r: r.ids,
        lambda r: r.stats(),
    ):
        with pytest.raises(NotFittedError):
            call(GraphRetriever())
    with pytest.raises(ValueError, match="documents must be indexed first"):
        GraphRetriever().index([]).query_many(["Rome"], k=1)


def test_question_encoder_is_used_for_questions_only() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def encode(self, texts: list[str]) -> torch.Tensor:
            self.seen += texts
            return torch.eye(8)[[len(text) % 8 for text in texts]]

    documents, questions = Recorder(), Recorder()
    retriever = GraphRetriever(documents, query_encoder=questions).index(DOCUMENTS)
    retriever.query("Rome")
    assert questions.seen == ["Rome"]
    assert documents.seen == [d.full_text for d in DOCUMENTS]


def test_other_scripts_by_another_tokenizer() -> None:
    texts = {"a": "東京 は 首都", "b": "大阪 は 都市", "c": "京都 は 古い"}
    plain = GraphRetriever(tokenize=str.split, names=str.split, max_share=1.0).index(texts)
    assert plain.query("大阪", k=1)[0].id == "b"


def test_long_service_does_not_grow() -> None:
    retriever = GraphRetriever(HashingEncoder(32)).index(DOCUMENTS)
    size = retriever.stats()
    for round_ in range(60):
        for document in DOCUMENTS:
            retriever.update([Document(document.id, f"{document.text} Note{round_ % 7}.")])
    retriever.update(DOCUMENTS)
    assert retriever.stats()["vector_bytes"] == size["vector_bytes"]
    assert {k: v for k, v in retriever.stats().items() if k != "vocabulary"} == {
        k: v for k, v in size.items() if k != "vocabulary"
    }
    assert answers(retriever) == answers(GraphRetriever(HashingEncoder(32)).index(DOCUMENTS))


def test_names_and_tokens() -> None:
    assert capitalised_names("The University of Oslo and the Free City of Danzig (1920)") == [
        "University of Oslo and the Free City of Danzig",
        "1920",
    ]
    assert capitalised_names("it rains. If so, we stay.") == []
    assert capitalised_names("") == []
    assert tokenize("Été 2024: A-B") == ["été", "2024", "a", "b"]


def test_every_order_of_a_few_documents_gives_one_index() -> None:
    few = {1: "Alpha Beta met Gamma.", 2: "gamma alpha beta", 3: "Beta Gamma", 4: "alpha gamma"}
    found = set()
    for order in itertools.permutations(few):
        retriever = GraphRetriever(max_share=1.0).index({order[0]: few[order[0]]})
        for key in order[1:]:
            retriever.add({key: few[key]})
        result = retriever.query_many(["alpha", "gamma beta"], k=4)
        found.add((*map(tuple, result.ids), *map(tuple, result.scores.tolist())))
    assert len(found) == 1


def test_results_put_together_hold_hits_and_have_room_for_them():
    hit = Hit("a", 1.0, 0.0, 0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"hits\[0\] holds 2 of 1"):
        RetrievalResult.of([[hit, hit]], 1)
    with pytest.raises(TypeError, match=r"hits\[1\] must hold Hit"):
        RetrievalResult.of([[hit], ["a"]], 1)


def test_a_document_under_another_name_is_refused():
    listed = {"a": Document("a", "one"), "b": Document("c", "two")}
    with pytest.raises(ValueError, match=r"documents\['b'\] must have the id .* got 'c'"):
        GraphRetriever().fit(list(listed.items()))


def test_links_are_those_of_the_index_whenever_it_is_asked() -> None:
    asked, fresh = (GraphRetriever(max_share=1.0).index(DOCUMENTS) for _ in range(2))
    want = asked.stats()
    for retriever in (asked, fresh):
        retriever.set_params(max_share=0.0, graphs=("titles",))
        assert retriever.stats() == want
    some = range(12)
    assert answers(fresh, allow=some) == answers(asked, allow=some)
    assert answers(fresh, allow=some) == answers(
        GraphRetriever(max_share=1.0).index(DOCUMENTS), allow=some
    )
    assert asked.index(DOCUMENTS).stats()["phrases"] == 0


@pytest.mark.parametrize(
    ("before", "after"), [(None, "hashing"), ("hashing", None)], ids=["given", "taken away"]
)
def test_documents_of_one_index_are_all_embedded_or_none(before: object, after: object) -> None:
    retriever = GraphRetriever(before).index({"a": "Warsaw and Paris", "b": "Oslo and Rome"})
    hits = retriever.query("Warsaw")
    retriever.set_params(encoder=after)
    for change in (retriever.add, retriever.update):
        with pytest.raises(ValueError, match="encoder must be that of the index, which was made w"):
            change({"c": "Kyiv and Lima"})
    assert retriever.ids == ["a", "b"]
    assert retriever.set_params(encoder=before).query("Warsaw") == hits
    assert retriever.add({"c": "Kyiv and Lima"}).ids == ["a", "b", "c"]


@pytest.mark.parametrize("value", [0.1, -3.3, 1e-9, 7.0])
@pytest.mark.parametrize("count", [1, 3, 7, 1000])
def test_equal_scores_are_no_deviation(value: float, count: int) -> None:
    assert not standardized(np.full(count, value)).any()
