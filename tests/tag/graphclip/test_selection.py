"""The epoch that is kept: scores of held-out pairs, choices among them, harder summaries."""

from __future__ import annotations

import re

import pytest
import torch
from torch.nn.functional import normalize

from graphlab.tag import (
    GraphTextPairs,
    PretrainConfig,
    SubgraphSampler,
    TemplateSummarizer,
    pretrain,
)
from graphlab.tag.graphclip import retrieval_at_1, retrieval_scores
from tests.tag.graphclip._toy import HashEncoder, toy_graph, toy_model, toy_pairs

SETTINGS = {"epochs": 5, "batch_size": 16, "lr": 3e-3, "val_fraction": 0.2}
CHOICES = ["loss", "mrr", "r1", "last"]


def config(**changes):
    return PretrainConfig(**(SETTINGS | changes))


def repeated(text, times=3):
    """Texts of which some are equal."""
    return text[torch.arange(text.size(0)) // times * times]


def brute_force(graph, text, name, scale):
    """Loss, mean reciprocal rank and hits of both directions, pair by pair in float64."""
    graph, text = normalize(graph.double()), normalize(text.double())
    loss, mrr, hits = [], [], []
    for rows, columns in ((graph, text), (text, graph)):
        for i, row in enumerate(rows):
            cosines = [float(row @ column) for column in columns]
            rivals = [j for j in range(len(cosines)) if name[j] != name[i]]
            total = sum(torch.tensor(scale * cosines[j]).exp() for j in [i, *rivals])
            loss.append(float(total.log()) - scale * cosines[i])
            mrr.append(1 / (1 + sum(cosines[j] > cosines[i] for j in rivals)))
            nearest = max(range(len(cosines)), key=cosines.__getitem__)
            hits.append(float(name[nearest] == name[i]))
    return {k: sum(v) / len(v) for k, v in {"val_loss": loss, "mrr": mrr, "r1": hits}.items()}


def test_scores_are_those_of_brute_force():
    model, pairs = toy_model(), toy_pairs()
    pairs = GraphTextPairs(pairs.x, pairs.store, repeated(pairs.text))
    index = torch.arange(3, 40)
    found = retrieval_scores(model, pairs, index)
    graph = model.encode(pairs.x, pairs.store, index)
    scale = float(model.criterion.logit_scale.detach().exp())
    want = brute_force(graph, pairs.text[index], pairs.text_id[index].tolist(), scale)
    assert found == pytest.approx(want, rel=1e-4)
    assert retrieval_at_1(model, pairs, index) == found["r1"]


def test_a_tower_that_tells_nothing_apart_has_no_rank():
    model = toy_model()
    with torch.no_grad():
        model.graph_model.mlp[0].weight.zero_()
        model.graph_model.mlp[0].bias.fill_(1.0)
    found = retrieval_scores(model, toy_pairs(), torch.arange(60))
    assert found["mrr"] < 0.2  # not 1: ties are no hits
    with pytest.raises(IndexError, match=r"index\[1\] = 60"):
        retrieval_scores(model, toy_pairs(), torch.tensor([0, 60]))


@pytest.mark.parametrize("selection", CHOICES)
def test_the_epoch_kept_is_the_best_by_the_selection(selection):
    model, weights = toy_model(), []

    def remember(row):
        weights.append({k: v.clone() for k, v in model.state_dict().items()})

    result = pretrain(model, toy_pairs(), config(selection=selection, lr=0.1), callback=remember)
    rows = result.history
    assert all({"val_loss", "mrr", "r1"} <= set(row) for row in rows)
    best = {
        "loss": min(rows, key=lambda row: row["val_loss"]),
        "mrr": max(rows, key=lambda row: row["mrr"]),
        "r1": max(rows, key=lambda row: row["r1"]),
        "last": rows[-1],
    }[selection]
    assert result.best_epoch == best["epoch"]
    kept = weights[result.best_epoch]
    assert all(torch.equal(v, kept[k]) for k, v in model.state_dict().items())


def test_selections_differ_and_leave_the_training_alone():
    found = {
        s: pretrain(toy_model(), toy_pairs(), config(selection=s, lr=0.1, epochs=8))
        for s in CHOICES
    }
    assert len({result.best_epoch for result in found.values()}) > 1
    assert all(result.history == found["last"].history for result in found.values())


@pytest.mark.parametrize("selection", CHOICES)
def test_a_resumed_run_keeps_the_same_epoch(selection, tmp_path):
    settings = config(selection=selection, lr=0.1)
    whole = toy_model()
    want = pretrain(whole, toy_pairs(), settings)

    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(toy_model(), toy_pairs(), settings, directory=tmp_path, callback=interrupt)
    parts = toy_model(seed=5)  # everything comes from the checkpoint
    assert pretrain(parts, toy_pairs(), settings, directory=tmp_path) == want
    assert all(torch.equal(v, whole.state_dict()[k]) for k, v in parts.state_dict().items())
    other = config(selection="mrr" if selection == "loss" else "loss", lr=0.1)
    with pytest.raises(ValueError, match=f"selection: '{selection}' -> "):
        pretrain(toy_model(), toy_pairs(), other, directory=tmp_path)


def test_the_last_epoch_needs_no_held_out_pairs_and_knows_no_patience():
    result = pretrain(toy_model(), toy_pairs(), config(selection="last", val_fraction=0.0))
    assert result.best_epoch == 4 and "val_loss" not in result.history[-1]
    with pytest.raises(ValueError, match="patience=3 needs a selection among epochs"):
        pretrain(toy_model(), toy_pairs(), config(selection="last", patience=3))
    with pytest.raises(ValueError, match=r"selection must be one of .*'best'"):
        config(selection="best")


# --- harder summaries -----------------------------------------------------------------------------


def hidden_pairs():
    """Pairs with summaries that hide the root, where pairs are held out."""
    texts, edges, _ = toy_graph()
    encoder = HashEncoder()
    store = SubgraphSampler(walk_length=12).sample(edges, len(texts))
    x = normalize(encoder.encode(texts))
    text, held = (
        normalize(encoder.encode(TemplateSummarizer(hide_root=hide).summarize(texts, store)))
        for hide in (False, True)
    )
    return GraphTextPairs(x, store, text), GraphTextPairs(x, store, text, held)


def test_hidden_roots_are_harder_to_find_and_change_no_training():
    plain, hidden = hidden_pairs()
    found = [pretrain(toy_model(), pairs, config(epochs=8)) for pairs in (plain, hidden)]
    losses = [[row["loss"] for row in result.history] for result in found]
    assert losses[0] == losses[1]
    ends = [result.history[-1] for result in found]
    assert ends[1]["mrr"] < ends[0]["mrr"] and ends[1]["val_loss"] > ends[0]["val_loss"]


def test_held_texts_are_checked_joined_and_named(tmp_path):
    plain, hidden = hidden_pairs()
    both = GraphTextPairs.join([hidden, hidden])
    assert torch.equal(both.held_text, torch.cat([hidden.held_text] * 2))
    with pytest.raises(ValueError, match="parts must all have held_text, or none"):
        GraphTextPairs.join([plain, hidden])
    for wrong, words in (
        (hidden.held_text[1:], "held_text must have 60 rows, one per subgraph, got 59"),
        (hidden.held_text[:, 1:], "held_text must have 24 columns"),
        (torch.zeros(60, 24), "held_text must have no zero rows, but row 0 is zero"),
    ):
        with pytest.raises(ValueError, match=words):
            GraphTextPairs(plain.x, plain.store, plain.text, wrong)
    pretrain(toy_model(), plain, config(epochs=1), directory=tmp_path)
    with pytest.raises(ValueError, match="data: "):
        pretrain(toy_model(), hidden, config(epochs=1), directory=tmp_path)


def test_a_summary_that_hides_the_root_has_none_of_its_words():
    texts, edges, _ = toy_graph()
    store = SubgraphSampler("khop", num_hops=1).sample(edges, len(texts))
    found = TemplateSummarizer(hide_root=True).summarize(texts, store)
    plain = TemplateSummarizer().summarize(texts, store)
    told = 0
    for i, summary in enumerate(found):
        own, said = (set(re.findall(r"\b[a-z]{3,}\b", t.lower())) for t in (texts[i], summary))
        assert not own & said, summary
        assert summary.strip() and summary != plain[i]
        told += "shared topics are" in summary
    assert 0 < told < len(texts)  # words of other topics are still there


def test_nothing_is_left_of_a_lonely_root():
    store = SubgraphSampler().sample(torch.zeros(2, 0).long(), 1)
    (found,) = TemplateSummarizer(hide_root=True).summarize(["rare words"], store)
    assert found == "It has no related documents."


def test_parts_of_two_widths_are_not_joined():
    plain, _ = hidden_pairs()
    narrow = GraphTextPairs(plain.x, plain.store, plain.text[:, 1:])
    with pytest.raises(ValueError, match="parts must have equal widths of x and text, got"):
        GraphTextPairs.join([plain, narrow])
