"""From texts and edges to a tower and to classes: the same as its parts, resumable, saved."""

from __future__ import annotations

import csv

import pytest
import torch

from graphlab.tag import (
    GraphCLIP,
    GraphCLIPPipeline,
    GraphTextPairs,
    HashingEncoder,
    PretrainConfig,
    SubgraphSampler,
    TemplateSummarizer,
    TextGraph,
    ZeroShotNodes,
    pretrain,
)
from graphlab.tag.graphclip import GraphCLIPEncoder
from tests.tag.graphclip._toy import TOPICS, WIDTH, HashEncoder, toy_graph, toy_model

SMALL = {"hidden_channels": 16, "num_layers": 1, "heads": 2}
SAMPLER = SubgraphSampler(walk_length=12, seed=3)


def graph(seed=0, **more):
    texts, edges, _ = toy_graph(seed=seed)
    return TextGraph(edge_index=edges, text=texts, **more)


def made(**options):
    config = PretrainConfig(epochs=4, batch_size=16, lr=3e-3, val_fraction=0.2)
    parts = {"encoder": HashEncoder(), "sampler": SAMPLER, "config": config}
    return GraphCLIPPipeline(**(SMALL | parts | options))


def same(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_is_its_parts_put_together():
    pipeline, rows = made(), []
    assert pipeline.fit([graph(0), graph(1)], callback=rows.append) is pipeline
    encoder, parts = HashEncoder(), []
    for seed in (0, 1):
        texts, edges, _ = toy_graph(seed=seed)
        roots = edges[:, edges[0] != edges[1]].unique()
        store = SAMPLER.sample(edges, len(texts), roots)
        summaries = TemplateSummarizer().summarize(texts, store)
        parts.append(GraphTextPairs(encoder.encode(texts), store, encoder.encode(summaries)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = {"num_layers": 1, "heads": 2, "out_channels": WIDTH, "residual": "root+mean"}
        model = GraphCLIP(GraphCLIPEncoder(WIDTH, 16, **sizes))
    result = pretrain(model, GraphTextPairs.join(parts), pipeline.config)
    assert pipeline.history_ == rows == result.history
    assert pipeline.best_epoch_ == result.best_epoch and same(pipeline.model_, model)


def test_two_tables_become_classes_in_six_lines(tmp_path):
    texts, edges, y = toy_graph()
    with (tmp_path / "nodes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text"), *enumerate(texts)])
    with (tmp_path / "edges.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("src", "dst"), *edges.t().tolist()])
    config = PretrainConfig(epochs=4, batch_size=16)
    source = TextGraph.from_csv(tmp_path)
    pipeline = GraphCLIPPipeline(encoder="hashing", config=config, **SMALL).fit(source)
    pipeline.save(tmp_path / "tower")
    found = GraphCLIPPipeline.load(tmp_path / "tower").predict(source, TOPICS)
    assert float((found == y).double().mean()) > 0.9
    assert torch.equal(found, pipeline.predict(source, TOPICS))
    assert pipeline.model_.text_model == "hashing"


def test_no_label_is_read_and_seeds_decide():
    want = made().fit(graph()).model_
    other = graph(y=torch.zeros(60, dtype=torch.long), x=torch.rand(60, 3))
    assert same(made().fit(other).model_, want)
    assert not same(made(seed=1).fit(graph()).model_, want)
    state = torch.get_rng_state()
    made().fit(graph())
    assert torch.equal(torch.get_rng_state(), state)


def test_pairs_are_at_most_as_many_as_wanted():
    encoder = HashEncoder()
    made(encoder=encoder, pairs=20, config=PretrainConfig(epochs=1, batch_size=8)).fit(graph())
    summaries = [text for text in encoder.seen if text.startswith("The central document")]
    assert len(summaries) == 20


def test_a_tower_goes_on_and_the_one_given_stays():
    first = toy_model(residual="mean")
    before = {k: v.clone() for k, v in first.state_dict().items()}
    pipeline = made(model=first).fit(graph())
    assert all(torch.equal(v, before[k]) for k, v in first.state_dict().items())
    assert not same(pipeline.model_, first)
    assert pipeline.model_.config == first.config


def test_a_killed_fit_goes_on(tmp_path):
    want = made().fit(graph())

    def interrupt(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made().fit(graph(), directory=tmp_path, callback=interrupt)
    seen = []
    got = made().fit(graph(), directory=tmp_path, callback=seen.append)
    assert [row["epoch"] for row in seen] == [2, 3]
    assert got.history_ == want.history_ and same(got.model_, want.model_)


def test_a_summarizer_of_ones_own_writes_the_texts():
    class Own:
        def summarize(self, texts, store):
            return [f"{texts[int(root)]} own" for root in store.center]

    encoder = HashEncoder()
    made(encoder=encoder, summarizer=Own()).fit(graph())
    assert sum(text.endswith("own") for text in encoder.seen) == len(graph().edge_index.unique())


def test_a_classifier_shares_the_parts(tmp_path):
    pipeline = made().fit(graph())
    nodes = pipeline.zero_shot(mix="mean").fit(graph())
    assert nodes.mix == "mean" and nodes.sampler is SAMPLER and nodes.model is pipeline.model_
    objects = {name: getattr(pipeline, name) for name in ("encoder", "sampler")}
    again = GraphCLIPPipeline.load(pipeline.save(tmp_path), **objects)
    assert again.get_params() == pipeline.get_params()
    assert again.history_ == pipeline.history_ and again.best_epoch_ == pipeline.best_epoch_
    found = pipeline.predict(graph(), TOPICS)
    assert torch.equal(again.predict(graph(), TOPICS), found)
    assert torch.equal(again.predict_proba(graph(), TOPICS).argmax(1), found)


@pytest.mark.parametrize(
    ("options", "given", "error", "words"),
    [
        ({}, [], TypeError, "graphs must be a TextGraph or a list of them"),
        ({}, "folder", TypeError, "graphs must be a TextGraph or a list of them, got 'folder'"),
        ({}, [graph(), 3], TypeError, r"graphs\[1\] must be a TextGraph, got int"),
        ({}, TextGraph(text=["a", "b"]), ValueError, "graphs must have edges between different"),
        ({"config": {"epochs": 3}}, graph(), TypeError, "config must be a PretrainConfig, got"),
        ({"summarizer": "template"}, graph(), TypeError, "summarizer must have a method"),
        ({"pairs": 1}, graph(), ValueError, "pairs must be at least 2"),
        ({"model": toy_model(), "encoder": None}, graph(), ValueError, "encoder must be given"),
        ({"device": "abacus"}, graph(), ValueError, "device"),
    ],
)  # fmt: skip
def test_bad_parts_are_named(options, given, error, words):
    with pytest.raises(error, match=words):
        made(**options).fit(given)


def test_a_loaded_object_refuses_another_encoder_of_the_same_width(tmp_path):
    source = graph()
    first, other = HashingEncoder(16).fit(source.text), HashingEncoder(16)
    pipeline = made(encoder=first).fit(source)
    folder = pipeline.save(tmp_path / "pipeline")
    again = GraphCLIPPipeline.load(folder, sampler=SAMPLER, encoder=first)
    assert torch.equal(again.predict(source, TOPICS), pipeline.predict(source, TOPICS))
    for stranger in (other, lambda texts: first(texts)):
        wrong = GraphCLIPPipeline.load(folder, sampler=SAMPLER, encoder=stranger)
        with pytest.raises(ValueError, match="encoder must be that of the fit"):
            wrong.predict(source, TOPICS)
    nodes = pipeline.zero_shot().fit(source)
    kept, parts = nodes.save(tmp_path / "nodes"), {"model": pipeline.model_, "sampler": SAMPLER}
    again = ZeroShotNodes.load(kept, **parts, encoder=first)
    assert torch.equal(again.predict(TOPICS), nodes.predict(TOPICS))
    with pytest.raises(ValueError, match="encoder must be that of the fit"):
        ZeroShotNodes.load(kept, **parts, encoder=other).predict(TOPICS)


def test_a_folder_without_a_model_says_what_it_holds(tmp_path):
    pipeline = made().fit(graph(), directory=tmp_path / "run")
    folder = pipeline.save(tmp_path / "pipeline")
    with pytest.raises(FileNotFoundError, match=r"an estimator.*GraphCLIPPipeline\.load"):
        GraphCLIP.from_pretrained(folder)
    with pytest.raises(FileNotFoundError, match="the checkpoint of a training"):
        ZeroShotNodes(str(tmp_path / "run"), encoder="hashing").fit(graph())
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="save_pretrained writes one"):
        GraphCLIP.from_pretrained(tmp_path / "empty")
