"""Objects that are given as clients are checked before anything else happens."""

from __future__ import annotations

import pytest
import torch

from graphlab.tag import (
    ExplanationGenerator,
    ExplanationPrompt,
    LLMClient,
    LLMReply,
    LLMSummarizer,
    PromptExperts,
    SubgraphSampler,
)
from graphlab.tag.gaugllm import collect_votes
from graphlab.tag.llm import score_choices
from graphlab.tag.llm._asking import ask_all, check_client

pytest.importorskip("pydantic", reason="needs the extra tag")

PROMPT = ExplanationPrompt(["Cats", "Dogs"])
NODES = torch.tensor([0])
MAKE = {
    "explanations": lambda c: ExplanationGenerator(c, PROMPT),
    "experts": lambda c: PromptExperts(c),
    "summaries": lambda c: LLMSummarizer(c),
    "votes": lambda c: collect_votes(c, NODES, NODES, lambda node, items: "?"),
    "choices": lambda c: score_choices(c, ["?"], ["A", "B"]),
}


class NoPrompts:
    def complete_many(self):
        return []


class OpenAILike:
    chat = None


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE.keys())
@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (object(), r"client must answer prompts, got builtins\.object"),
        (LLMClient, "got the class LLMClient"),
        (5, r"got builtins\.int"),
        ({"model": "m"}, r"got builtins\.dict"),
        (OpenAILike(), "OpenAILike"),
        (NoPrompts(), "must take a list of prompts"),
    ],
)
def test_what_is_no_client_is_refused_at_once(make, odd, words):
    with pytest.raises(TypeError, match=words) as caught:
        make(odd)
    assert "give a graphlab.tag.LLMClient(model" in str(caught.value)


class Fixed:
    def __init__(self, replies):
        self.replies = replies

    def complete_many(self, prompts, *, schema=None):
        return self.replies


def _use():
    store = SubgraphSampler().sample(torch.zeros(2, 0).long(), 2)
    return {
        "explanations": lambda c: ExplanationGenerator(c, PROMPT).run(["a", "b"]),
        "experts": lambda c: PromptExperts(c, ("idr",)).run(["a", "b"], torch.zeros(2, 0).long()),
        "summaries": lambda c: LLMSummarizer(c).summarize(["a", "b"], store),
    }


@pytest.mark.parametrize("name", ["explanations", "experts", "summaries"])
def test_replies_that_do_not_fit_are_refused(name):
    use = _use()[name]
    with pytest.raises(RuntimeError, match="client answered 1 of 2 prompts"):
        use(Fixed([LLMReply(0, "ok", "x")]))
    with pytest.raises(TypeError, match="must return a list of replies, got None"):
        use(Fixed(None))
    with pytest.raises(TypeError, match=r"builtins\.str has no ok"):
        use(Fixed(["a", "b"]))


def test_the_prompt_of_explanations_is_checked_too():
    with pytest.raises(TypeError, match="prompt must be an ExplanationPrompt, got str"):
        ExplanationGenerator(Fixed([]), "Which class?")


def test_a_method_that_tells_no_signature_is_called():
    def answer(prompts):
        return [LLMReply(i, "ok", prompt.upper()) for i, prompt in enumerate(prompts)]

    answer.__signature__ = object()  # as of a method in C: inspect finds nothing

    class Compiled:
        complete_many = staticmethod(answer)

    assert [reply.text for reply in ask_all(check_client(Compiled()), ["a", "b"])] == ["A", "B"]
