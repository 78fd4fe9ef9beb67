"""Probabilities of the first token, and what is made of them."""

from __future__ import annotations

import math

import pytest
import torch

from graphlab.tag import ExplanationPrompt
from graphlab.tag.gaugllm import EdgeCandidates, score_edges
from graphlab.tag.llm import LLMError, score_choices
from graphlab.tag.tape import score_classes
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, serving

pytest.importorskip("openai", reason="needs the extra tag")

# ruff: noqa: SIM117

CLASSES = ["Cats", "Dogs", "Cows"]


def told(**probabilities):
    """An answer of one token, with the probabilities of some."""
    answer = completion(next(iter(probabilities)), finish="length")
    listed = [{"token": token, "logprob": math.log(p)} for token, p in probabilities.items()]
    answer["choices"][0]["logprobs"] = {"content": [{"token": "x", "logprob": 0.0,
                                                     "top_logprobs": listed}]}  # fmt: skip
    return {"body": answer}


def test_choices_are_normalised_and_their_share_is_told():
    answer = told(**{"A": 0.3, " a": 0.1, "The": 0.5, "B": 0.05})
    with serving(lambda n, b: answer) as server, client(server, max_tokens=300) as c:
        (scores,) = score_choices(c, ["?"], ["A", "B"])
        assert {k: server.bodies[0][k] for k in ("max_tokens", "logprobs", "top_logprobs")} == {
            "max_tokens": 1, "logprobs": True, "top_logprobs": 20,
        }  # fmt: skip
    assert scores.probabilities == pytest.approx((0.4 / 0.45, 0.05 / 0.45))
    assert scores.covered == pytest.approx(0.45)


def test_a_choice_that_is_not_told_is_as_unlikely_as_the_least():
    with serving(lambda n, b: told(A=0.6, The=0.2)) as server, client(server) as c:
        (scores,) = score_choices(c, ["?"], ["A", "B"])
    assert scores.probabilities == pytest.approx((0.75, 0.25))


def test_a_server_that_tells_no_probabilities_is_named():
    with serving(lambda n, b: "A") as server, client(server) as c:
        with pytest.raises(LLMError, match="tells no log-probabilities"):
            score_choices(c, ["?"], ["A", "B"])


@pytest.mark.parametrize("choices", [["A"], ["A", "a "], ["A", ""], [str(i) for i in range(21)]])
def test_choices_must_be_told_apart(server, choices):
    with client(server) as c, pytest.raises(ValueError, match="2 to 20 distinct words"):
        score_choices(c, ["?"], choices)
    assert server.calls == 0


def biased(number, body):
    """A model that prefers the first letter tenfold, and knows cats."""
    content = body["messages"][-1]["content"]
    lines = dict(line.split(": ", 1) for line in content.splitlines() if line[1:3] == ": ")
    weight = {"A": 10.0, "B": 1.0, "C": 1.0}
    if "purr" in content:
        weight[next(letter for letter, name in lines.items() if name == "Cats")] *= 3
    total = sum(weight.values())
    return told(**{letter: value / total for letter, value in weight.items()})


def test_calibration_takes_what_a_model_prefers_anyhow_away():
    prompt = ExplanationPrompt(CLASSES, k=1)
    texts = ["purr", "purr loudly", "purr softly"]
    with serving(biased) as server, client(server) as c:
        plain = score_classes(c, prompt, texts, rounds=1, calibrate=False)
        found = score_classes(c, prompt, texts, rounds=1)
        every = score_classes(c, prompt, texts, rounds=3, calibrate=False)
    assert found.argmax(1).tolist() == [0, 0, 0]
    assert torch.allclose(found[:, 0], torch.tensor(0.6), atol=1e-5)  # 3 : 1 : 1
    assert plain.argmax(1).tolist() != [0, 0, 0]
    assert every.argmax(1).tolist() == [0, 0, 0]  # all places once: no calibration is needed
    assert torch.allclose(found.sum(1), torch.ones(3))


def test_probabilities_of_edges():
    def plan(number, body):
        same = body["messages"][-1]["content"].count("cat") == 2
        return told(Yes=0.9 if same else 0.8, No=0.1 if same else 0.2)

    candidates = EdgeCandidates(
        src=torch.tensor([0, 0]), dst=torch.tensor([1, 2]), kind=torch.tensor([1, 1]),
        score=torch.zeros(2), num_nodes=3,
    )  # fmt: skip
    with serving(plan) as server, client(server) as c:
        votes = score_edges(c, candidates, ["cat", "cat", "dog"])
        plain = score_edges(c, candidates, ["cat", "cat", "dog"], calibrate=False)
    assert votes.vote.tolist() == [1, 0]  # more than for two empty texts, and no more
    assert plain.vote.tolist() == [1, 1]
    assert votes.probability.tolist() == pytest.approx([9 / 13, 0.5])


def test_votes_without_an_answer_to_empty_texts_are_told():
    def plan(number, body):
        if "(no text)" in body["messages"][-1]["content"]:
            return {"status": 500}
        return told(Yes=0.9, No=0.1)

    candidates = EdgeCandidates(
        src=torch.tensor([0]), dst=torch.tensor([1]), kind=torch.tensor([1]),
        score=torch.zeros(1), num_nodes=2,
    )  # fmt: skip
    with serving(plan) as server, client(server, attempts=1, breaker=0) as c:
        with pytest.warns(UserWarning, match="no vote can be calibrated: all are unknown"):
            votes = score_edges(c, candidates, ["cat", "dog"])
        plain = score_edges(c, candidates, ["cat", "dog"], calibrate=False)
    assert votes.vote.tolist() == [-1]
    assert [problem.split(":")[0] for problem in votes.problems] == ["calibration"]
    assert plain.vote.tolist() == [1]
    assert plain.problems == ()


def test_a_client_that_tells_no_probabilities_is_refused():
    class Silent:
        def complete_many(self, prompts):
            return []

    with pytest.raises(TypeError, match="client must tell probabilities like .* got Silent"):
        score_choices(Silent(), ["?"], ["A", "B"])


def test_a_prompt_without_an_answer_has_no_probabilities():
    def plan(number, body):
        asked = body["messages"][-1]["content"]
        return {"status": 500} if "hiss" in asked else told(A=0.6, B=0.3, C=0.1)

    prompt = ExplanationPrompt(CLASSES, k=1)
    with serving(plan) as server, client(server, attempts=1, breaker=0) as c:
        one, other = score_choices(c, ["purr", "hiss"], ["A", "B"])
        found = score_classes(c, prompt, ["purr", "hiss"], calibrate=False)
        calls = server.calls
        none = score_classes(c, prompt, [])
        assert server.calls == calls
    assert one.status == "ok" and sum(one.probabilities) == pytest.approx(1.0)
    assert (other.probabilities, other.covered, other.status) == ((), 0.0, "failed")
    assert "HTTP 500" in other.error
    assert found.isnan().all(1).tolist() == [False, True]
    assert none.shape == (0, 3) and none.dtype == torch.float32
