"""One object from a graph to classes: the same as its parts, and no text embedded twice."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphlab.tag import (
    GraphCLIP,
    HashingEncoder,
    SubgraphSampler,
    TextGraph,
    ZeroShotClassifier,
    ZeroShotNodes,
)
from graphlab.tag.graphclip import LABEL_TEMPLATES, GraphCLIPEncoder
from tests.tag.graphclip._toy import TOPICS, HashEncoder, toy_graph, toy_model

SAMPLER = SubgraphSampler(walk_length=12, seed=3)


def graph(**more):
    texts, edges, _ = toy_graph()
    return TextGraph(edge_index=edges, text=texts, **more)


def made(**options):
    parts = {"model": toy_model(residual="mean"), "encoder": HashEncoder(), "sampler": SAMPLER}
    return ZeroShotNodes(**(parts | options))


def by_hand(names, mix="none", templates=LABEL_TEMPLATES, descriptions=None):
    """The parts put together as they were before."""
    encoder, (texts, edges, _) = HashEncoder(), toy_graph()
    store = SAMPLER.sample(edges, len(texts))
    parts = (toy_model(residual="mean"), encoder, names, templates, descriptions)
    return ZeroShotClassifier(*parts, mix=mix), encoder.encode(texts), store


@pytest.mark.parametrize("mix", ["none", "own", "mean", "own+mean"])
def test_it_says_what_its_parts_say(mix):
    classifier, x, store = by_hand(list(TOPICS), mix)
    model, y = made(mix=mix).fit(graph()), toy_graph()[2]
    scores = classifier.scores(x, store)
    assert torch.equal(model.predict(TOPICS), scores.argmax(1))
    torch.testing.assert_close(
        model.predict_proba(TOPICS), (model.scale_ * scores).softmax(1), rtol=1e-3, atol=1e-6
    )
    mask = y != 2
    assert model.evaluate(y, TOPICS, mask=mask) == classifier.evaluate(x, store, y, mask)
    assert float((model.predict(TOPICS) == y).double().mean()) > 0.9


def test_no_label_and_no_feature_is_read():
    want = made().fit(graph()).predict(TOPICS)
    other = graph(y=torch.zeros(60, dtype=torch.long), x=torch.rand(60, 3))
    assert torch.equal(made().fit(other).predict(TOPICS), want)


def test_texts_are_embedded_once_and_classes_when_they_are_asked():
    encoder = HashEncoder()
    model = made(encoder=encoder).fit(graph())
    assert encoder.seen == graph().text
    for names in (TOPICS, TOPICS[::-1]):
        encoder.seen.clear()
        model.predict(names)
        assert len(encoder.seen) == len(LABEL_TEMPLATES) * len(names)
        assert all(any(name in text for text in encoder.seen) for name in names)


def test_nodes_alone_are_the_rows_of_all_and_need_their_neighbours_only():
    nodes, encoder = torch.tensor([7, 2, 41]), HashEncoder()
    every = made().fit(graph())
    some = made(encoder=encoder).fit(graph(), nodes=nodes)
    torch.testing.assert_close(some.embeddings_, every.embeddings_[nodes])
    assert torch.equal(some.predict(TOPICS), every.predict(TOPICS)[nodes])
    store = SAMPLER.sample(graph().edge_index, 60, nodes)
    assert sorted(encoder.seen[: len(set(store.node.tolist()))]) == sorted(
        graph().text[i] for i in set(store.node.tolist())
    )
    with pytest.raises(IndexError, match=r"nodes\[0\] = 60"):
        made().fit(graph(), nodes=torch.tensor([60]))


def test_embeddings_at_hand_are_taken_for_the_texts():
    encoder, want = HashEncoder(), made(mix="own").fit(graph())
    x = HashEncoder().encode(graph().text)
    model = made(encoder=encoder, mix="own").fit(graph(), x=x)
    assert encoder.seen == [] and torch.equal(model.embeddings_, want.embeddings_)
    assert torch.equal(model.predict(TOPICS), want.predict(TOPICS))
    with pytest.raises(ValueError, match=r"x must have 60 rows, got shape \(59"):
        made().fit(graph(), x=x[1:])


def test_descriptions_and_names_of_the_graph():
    described = {"first": TOPICS[0], "second": TOPICS[1], "third": TOPICS[2]}
    y, model = toy_graph()[2], made().fit(graph())
    plain, told = (
        float((model.predict(names) == y).double().mean()) for names in (list(described), described)
    )
    assert told > 0.9 > plain
    named = made().fit(graph(label_names=list(TOPICS)))
    assert named.label_names_ == list(TOPICS)
    assert torch.equal(named.predict(), named.predict(TOPICS))
    with pytest.raises(ValueError, match="class_names must be given: the graph of fit brought no"):
        model.predict()
    with pytest.raises(ValueError, match="class_names must be different"):
        model.predict(["a", "a"])


def test_the_tower_names_its_encoder():
    tower = GraphCLIPEncoder(384, 16, num_layers=1, heads=2, residual="root+mean")
    model = ZeroShotNodes(GraphCLIP(tower, text_model="hashing"), sampler=SAMPLER).fit(graph())
    other = ZeroShotNodes(GraphCLIP(tower), encoder="hashing", sampler=SAMPLER).fit(graph())
    assert model.text_model_ == "hashing" and other.text_model_ == ""
    assert torch.equal(model.predict(TOPICS), other.predict(TOPICS))
    with pytest.raises(ValueError, match="encoder must be given: the model does not name the text"):
        ZeroShotNodes(GraphCLIP(tower)).fit(graph())


def test_hashed_words_for_a_tower_of_a_language_model_are_told():
    tower = toy_model(residual="mean")
    tower.text_model = "all-MiniLM-L6-v2"

    class Hashed(HashEncoder):
        identity = "hashing-1-0"

    with pytest.warns(UserWarning, match="aligned with 'all-MiniLM-L6-v2'"):
        made(model=tower, encoder=Hashed()).fit(graph())
    tower.text_model = "hashing"
    made(model=tower, encoder=Hashed()).fit(graph())


def test_names_are_saved_and_objects_are_given_again(tmp_path):
    tower = GraphCLIPEncoder(384, 16, num_layers=1, heads=2, residual="root+mean")
    folder = GraphCLIP(tower, text_model="hashing").save_pretrained(tmp_path / "tower")
    model = ZeroShotNodes(str(folder), mix="mean").fit(graph(label_names=list(TOPICS)))
    again = ZeroShotNodes.load(model.save(tmp_path / "nodes"))
    (folder / "model.safetensors").unlink()  # the tower is not asked again
    assert torch.equal(again.predict(), model.predict())
    assert again.get_params() == model.get_params()
    assert again.evaluate(toy_graph()[2]) == model.evaluate(toy_graph()[2])
    own = made().fit(graph())
    with pytest.raises(TypeError, match=r"takes the objects \['encoder', 'model', 'sampler'\]"):
        ZeroShotNodes.load(own.save(tmp_path / "own"))


def test_features_of_another_width_are_no_baseline():
    model = toy_model(out_channels=12, residual="none")
    with pytest.raises(ValueError, match="encoder must give 12 columns"):
        made(model=model).fit(graph()).predict(TOPICS)
    with pytest.raises(ValueError, match="mix='own' needs features of 12 columns"):
        made(model=model, mix="own").fit(graph())


@pytest.mark.parametrize(
    ("options", "given", "error", "words"),
    [
        ({}, Data(edge_index=torch.zeros(2, 0).long()), TypeError, "graph must be a TextGraph"),
        ({}, None, TypeError, "graph must be a TextGraph, got NoneType"),
        ({"model": GraphCLIPEncoder(4, 9, 1, 1, 1, 1)}, graph(), TypeError, "must be a GraphCLIP"),
        ({"model": "nowhere"}, graph(), FileNotFoundError, "there is no folder 'nowhere'"),
        ({"encoder": HashEncoder(7)}, graph(), ValueError, "encoder must give 24 columns"),
        ({"encoder": 3}, graph(), TypeError, "encoder must be a name, or have a method encode"),
        ({"sampler": "rwr"}, graph(), TypeError, "sampler must be a SubgraphSampler, got str"),
        ({"mix": "all"}, graph(), ValueError, "mix must be one of"),
        ({"templates": ["no place"]}, graph(), ValueError, "must contain {c}"),
    ],
)  # fmt: skip
def test_bad_parts_are_named(options, given, error, words):
    with pytest.raises(error, match=words):
        made(**options).fit(given).predict(TOPICS)


def test_nodes_without_a_class_are_left_out_of_scores():
    y = toy_graph()[2]
    model, known = made().fit(graph()), y.clone()
    known[::3] = -1
    assert model.evaluate(known, TOPICS) == model.evaluate(known, TOPICS, mask=known >= 0)
    with pytest.raises(ValueError, match="mask must be bool"):
        model.evaluate(known, TOPICS, mask=known)
    with pytest.raises(IndexError, match="y"):
        model.evaluate(torch.full_like(y, -1), TOPICS)


def test_names_in_another_order_and_names_that_are_numbers_are_told():
    y, names = toy_graph()[2], list(TOPICS)
    model = made().fit(graph(label_names=names))
    assert model.evaluate(y) == model.evaluate(y, names)
    with pytest.warns(UserWarning, match="in another order"):
        model.evaluate(y, names[::-1])
    with pytest.warns(UserWarning, match="label_names_ are numbers"):
        made().fit(graph(label_names=["0", "1", "2"])).predict()


def test_a_class_without_a_known_word_is_refused():
    source = graph()
    encoder = HashingEncoder(16).fit(source.text)
    tower = GraphCLIP(GraphCLIPEncoder(16, 16, num_layers=1, heads=2, out_channels=16))
    model = ZeroShotNodes(tower, encoder=encoder, templates=["{c}"]).fit(source)
    with pytest.raises(ValueError, match="'\\+\\+\\+' has an embedding of zeros"):
        model.predict([source.text[0], "+++"])


def test_what_is_mixed_in_later_is_checked_at_every_question():
    model = made().fit(graph())
    for mix in ("nothing", "own and mean"):
        model.set_params(mix=mix)
        for ask in (model.predict, model.predict_proba):
            with pytest.raises(ValueError, match=f"mix must be one of .*got '{mix}'"):
                ask(TOPICS)
    classifier, x, store = by_hand(list(TOPICS))
    with pytest.raises(ValueError, match="mix must be one of"):
        classifier.set_params(mix="nothing").predict(x, store)


@pytest.mark.parametrize("mask", [[True] * 60, None], ids=["list", "array"])
def test_a_mask_that_is_no_tensor_is_named(mask):
    given = toy_graph()[2].numpy() >= 0 if mask is None else mask
    with pytest.raises(TypeError, match=r"mask must be a torch.Tensor, got (list|ndarray)"):
        made().fit(graph()).evaluate(toy_graph()[2], TOPICS, mask=given)
