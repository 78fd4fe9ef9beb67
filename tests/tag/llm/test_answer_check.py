"""Answers that do not depend on the text are noticed, with figures."""

from __future__ import annotations

import json
import re
import warnings

import pytest
import torch

from graphlab.tag import ExplanationGenerator, ExplanationPrompt
from graphlab.tag.gaugllm import check_vote_answers, propose_edge_candidates, vote_edges
from graphlab.tag.llm.answer_check import compare_answers
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117
pytest.importorskip("pydantic", reason="needs the extra tag")

CLASSES = ["Cats", "Dogs", "Cows", "Hens"]
TEXTS = [f"{name.lower()} number {i}" for i in range(8) for name in CLASSES]
PROMPT = ExplanationPrompt(CLASSES, k=1)


def shown(body):
    """Text and classes of a question, in their order."""
    content = body["messages"][1]["content"]
    return content.split("\n")[1], re.findall(r"^- (.*)$", content, flags=re.MULTILINE)


def named(label):
    return json.dumps({"labels": [label], "explanation": "because"})


def informed(number, body):
    text, classes = shown(body)
    return named(next((c for c in classes if c.lower() in text), classes[0]))


def first(number, body):
    return named(shown(body)[1][0])


def same(number, body):
    return named("Dogs")


def generator(c, **options):
    return ExplanationGenerator(c, PROMPT, **options)


def test_every_text_has_its_own_order_of_classes():
    with serving(informed) as server, client(server) as c:
        generator(c).run(TEXTS)
        orders = {tuple(shown(body)[1]) for body in server.bodies}
        assert len(orders) > 10
        places = [shown(body)[1].index("Cats") for body in server.bodies]
        assert len(set(places)) == 4
        before = server.calls
        generator(c).run([*TEXTS[::-1], "another"])  # an order depends on its text alone
        assert server.calls == before + 1
        generator(c, seed=None).run(TEXTS)
        assert {tuple(shown(body)[1]) for body in server.bodies[before + 1 :]} == {tuple(CLASSES)}
        before = server.calls
        generator(c, seed=1).run(TEXTS)
        assert server.calls > before


def test_an_informed_model_is_not_warned_about():
    with serving(informed) as server, client(server) as c, warnings.catch_warnings():
        warnings.simplefilter("error")
        generator(c).run(TEXTS)
        report = generator(c).check(TEXTS)
    assert report.informative
    assert (report.count, report.agreement, report.distance) == (24, 1.0, 0.0)
    assert report.empty_agreement < 0.6


def test_the_first_class_whatever_the_text_is_noticed():
    with serving(first) as server, client(server) as c:
        with pytest.warns(RuntimeWarning, match="32 of 32 answers name the class at place 1"):
            generator(c).run(TEXTS)
        with pytest.warns(RuntimeWarning, match="do not depend on the texts: 24 documents: 0%"):
            report = generator(c).check(TEXTS)
    assert not report.informative
    assert (report.agreement, report.first_place, report.empty_agreement) == (0.0, 1.0, 1.0)


def test_one_class_whatever_the_text_is_noticed():
    with serving(same) as server, client(server) as c:
        with pytest.warns(RuntimeWarning, match="32 of 32 answers name 'Dogs'"):
            generator(c).run(TEXTS)
        with pytest.warns(RuntimeWarning, match="100% are 'Dogs'"):
            report = generator(c).check(TEXTS, count=10)
    assert (report.count, report.common, report.chance) == (10, ("Dogs", 1.0), 1.0)
    assert not report.informative


def test_the_calls_of_a_check_are_those_of_the_run():
    with serving(informed) as server, client(server) as c:
        generator(c).run(TEXTS)
        before = server.calls
        generator(c).check(TEXTS, count=8)
        assert server.calls <= before + 2 * 8


def graph():
    x = torch.eye(4).repeat(8, 1) + 0.1
    ring = torch.arange(32)
    edges = torch.stack([ring, ring.roll(1)])
    return propose_edge_candidates(x, torch.cat([edges, edges.flip(0)], 1), num_del=2, num_add=2,
                                   min_del=1)  # fmt: skip


def ballot(decide):
    def plan(number, body):
        lines = body["messages"][-1]["content"].split("\n")
        rows = [json.loads(line) for line in lines if line.startswith("{")]
        own = rows[0]["first"]
        votes = [
            {"number": row["candidate"], "answer": decide(own, row["text"], row["candidate"]),
             "probability": None}
            for row in rows[1:]
        ]  # fmt: skip
        return json.dumps({"votes": votes})

    return plan


def test_votes_of_an_informed_judge():
    judge = ballot(lambda own, text, number: own.split()[0] == text.split()[0])
    with serving(judge) as server, client(server) as c:
        votes = vote_edges(c, graph(), TEXTS)
        again = vote_edges(c, graph(), TEXTS, seed=None)
        report = check_vote_answers(c, graph(), TEXTS)
    assert votes.vote.tolist() == again.vote.tolist()  # the order is undone
    assert report.informative and report.agreement == 1.0


@pytest.mark.parametrize("decide", [lambda o, t, n: n == 1, lambda o, t, n: True])
def test_votes_that_do_not_depend_on_the_texts_are_noticed(decide):
    with serving(ballot(decide)) as server, client(server) as c:
        with pytest.warns(RuntimeWarning, match="do not depend on the texts: .* votes"):
            report = check_vote_answers(c, graph(), TEXTS)
    assert not report.informative


def test_votes_that_are_all_the_same_are_noticed():
    with serving(ballot(lambda own, text, number: True)) as server, client(server) as c:
        with pytest.warns(RuntimeWarning, match="votes are yes: check_vote_answers tells"):
            vote_edges(c, graph(), TEXTS)


def test_a_place_in_the_list_falls_on_no_kind_of_candidates():
    """Neighbours come first in the list of candidates: a judge of places would spare them alone."""
    judge = ballot(lambda own, text, number: number == 1)
    with serving(judge) as server, client(server) as c:
        given = vote_edges(c, graph(), TEXTS, seed=None)
        shuffled = vote_edges(c, graph(), TEXTS)
    kinds = graph().kind
    assert len(kinds[given.vote == 1].unique()) == 1
    assert len(kinds[shuffled.vote == 1].unique()) == 2


def test_without_answers_nothing_is_known():
    shown = [("Cats", "Dogs")] * 2
    report = compare_answers(["Cats", None], [None, "Dogs"], ["Cats", "Cats"], shown, "documents")
    assert (report.count, report.common, report.informative) == (0, (None, 0.0), False)
    with pytest.warns(RuntimeWarning, match="do not depend on the texts: 0 documents: 0%"):
        report.warn()
