"""Thoughts of reasoning models are no part of an answer, however they are marked."""

from __future__ import annotations

import json

import pytest

from graphlab.tag import ExplanationGenerator, ExplanationPrompt, LLMReply, PromptExperts
from graphlab.tag.llm._thoughts import split_thoughts
from tests.tag.llm._client import client
from tests.tag.llm._server import completion, serving

pydantic = pytest.importorskip("pydantic", reason="needs the extra tag")
pytest.importorskip("openai", reason="needs the extra tag")

WRONG = '{"labels": ["Cats"], "explanation": "?"}'
RIGHT = '{"labels": ["Dogs"], "explanation": "!"}'

TEXTS = {
    "tags": f"<think>Maybe {WRONG}</think>\n{RIGHT}",
    "closing tag alone": f"Okay, maybe Cats: {WRONG}\n</think>\n\n{RIGHT}",
    "closing tag behind JSON": f"{WRONG}\n</think>\n{RIGHT}",
    "upper case": f"<THINK>{WRONG}</THINK>{RIGHT}",
    "thinking": f"<thinking>{WRONG}</thinking> {RIGHT}",
    "two": f"<think>{WRONG}</think><think>Cats</think>{RIGHT}",
    "reflection": f"<reflection>{WRONG}</reflection>\n{RIGHT}",
    "scratchpad": f"<Scratchpad>{WRONG}</Scratchpad>{RIGHT}",
    "nested": f"<think>a <think>{WRONG}</think> {WRONG}</think>{RIGHT}",
    "brackets": f"[THINK]{WRONG}[/THINK]{RIGHT}",
    "triangles": f"\u25c1think\u25b7{WRONG}\u25c1/think\u25b7{RIGHT}",
    "harmony": f"<|channel|>analysis<|message|>{WRONG}<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{RIGHT}<|return|>",
    "answer tags": f"<think>{WRONG}</think><answer>{RIGHT}</answer>",
    "behind": f"{RIGHT}\n<think>{WRONG}</think>",
}
PARTS = {
    "typed": [{"type": "thinking", "thinking": [{"type": "text", "text": WRONG}]},
              {"type": "text", "text": RIGHT}],
    "reasoning": [{"type": "reasoning", "text": WRONG}, {"type": "output_text", "text": RIGHT}],
    "split": [{"type": "text", "text": RIGHT[:9]}, {"type": "text", "text": RIGHT[9:]}],
    "strings": [RIGHT[:9], RIGHT[9:]],
    "deep text": [{"type": "text", "text": {"value": RIGHT}}],
}  # fmt: skip


@pytest.mark.parametrize("content", [*TEXTS.values(), *PARTS.values()], ids=[*TEXTS, *PARTS])
@pytest.mark.parametrize("structured", [True, False])
def test_labels_come_from_the_answer(content, structured):
    prompt = ExplanationPrompt(["Cats", "Dogs"], k=1)
    with serving(lambda n, b: {"body": completion(content)}) as server, client(server) as c:
        row = ExplanationGenerator(c, prompt, structured=structured).run(["woof"])[0]
        assert server.calls == 1
    assert (row.status, row.ranked) == ("ok", (1,))
    assert "think" not in row.raw.lower() and WRONG not in row.raw


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS.keys())
def test_the_parser_of_free_text_reads_no_thoughts(content):
    assert ExplanationPrompt(["Cats", "Dogs"], k=1).parse(content).labels == (1,)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_a_field_of_thoughts_is_kept_apart(field):
    answer = completion("Dogs")
    answer["choices"][0]["message"][field] = "Cats?"
    with serving(lambda n, b: {"body": answer}) as server, client(server) as c:
        reply = c.complete("x")
    assert (reply.text, reply.thoughts, reply.status) == ("Dogs", "Cats?", "ok")


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (completion("<think>Cats, I thi", finish="length"), "truncated", "was thinking"),
        (completion("<think>Cats</think>"), "empty", "only thoughts"),
        (completion("Cats</think>\n"), "empty", "only thoughts"),
        (completion([{"type": "thinking", "thinking": "Cats"}]), "empty", "only thoughts"),
    ],
)
def test_thoughts_alone_are_no_answer(answer, status, words):
    with serving(lambda n, b: {"body": answer}) as server, client(server) as c:
        reply = c.complete("x")
        texts = PromptExperts(c, ("idr",))
        with pytest.warns(RuntimeWarning, match=f"carry their raw text.*{status}"):
            found = texts.run(["own text"], _edges())
    assert (reply.status, reply.text) == (status, "")
    assert words in reply.error and "Cats" in reply.thoughts
    assert found.content["idr"] == ["own text"]


def _edges():
    import torch

    return torch.zeros(2, 0).long()


def test_stand_ins_may_think_aloud_too():
    class Client:
        def complete_many(self, prompts, *, schema=None):
            return [LLMReply(i, "ok", f"<think>no</think>yes {i}") for i, _ in enumerate(prompts)]

    found = PromptExperts(Client(), ("idr",)).run(["a", "b"], _edges())
    assert found.content["idr"] == ["yes 0", "yes 1"]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        " spaces stay ",
        json.dumps({"explanation": "it ends with </think> and [/THINK]"}),
        "The tag <think> begins a thought.",
        "1 < 2 and 3 > 2",
    ],
)
def test_other_answers_are_left_alone(text):
    assert split_thoughts(text) == (text, "")


def test_marks_in_a_fenced_answer_behind_a_thought_are_data():
    answer = '```json\n{"explanation": "the tag </think>"}\n```'
    assert split_thoughts(f"<think>a</think>\n{answer}") == (answer, "a")


def test_marks_in_data_that_follow_thoughts_are_data():
    text = '{"x": "b</think>c"}'
    assert split_thoughts(f"<think>a</think>{text}") == (text, "a")
    assert split_thoughts(text) == (text, "")


def test_thoughts_that_begin_a_line_and_never_end_are_no_answer():
    assert split_thoughts("Dogs\n  <think>or cats") == ("Dogs", "or cats")
    text = "Dogs\nand <think> is a mark"
    assert split_thoughts(text) == (text, "")
