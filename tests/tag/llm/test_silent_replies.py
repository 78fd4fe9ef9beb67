"""Replies without text, as those of a refusal are, end as failures and not as errors."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from graphlab.tag import (
    ExplanationGenerator,
    ExplanationPrompt,
    LLMReply,
    LLMSummarizer,
    OpenIEExtractor,
    PromptExperts,
    SubgraphSampler,
)
from graphlab.tag.gaugllm import EdgeCandidates, check_vote_answers, vote_edges
from graphlab.tag.llm._asking import ask_all
from tests.tag.llm._client import client
from tests.tag.llm._server import serving

pytest.importorskip("pydantic", reason="needs the extra tag")

EMPTY = torch.zeros(2, 0, dtype=torch.long)
PAIR = EdgeCandidates(torch.tensor([0]), torch.tensor([1]), torch.tensor([1]), 2)
SILENT = "empty, the model gave no text"


class Stand:
    """A client whose every reply is the same record."""

    def __init__(self, **fields):
        self.fields = fields

    def complete_many(self, prompts, *, schema=None):
        return [SimpleNamespace(**self.fields) for _ in prompts]


FULL = {"value": None, "status": "ok", "error": "", "prompt_tokens": 0, "completion_tokens": 0}
REPLIES = {
    "none": {"ok": True, "text": None, **FULL},
    "blank": {"ok": True, "text": " \n", **FULL},
    "bare": {"ok": True, "text": None},
    "nones": {"ok": True, "text": None, **dict.fromkeys(FULL)},
}


@pytest.fixture(params=REPLIES.values(), ids=REPLIES.keys())
def silent(request):
    return Stand(**request.param)


def test_explanations_say_that_there_is_no_text(silent, tmp_path):
    generator = ExplanationGenerator(silent, ExplanationPrompt(["Cats", "Dogs"]))
    table = generator.run(["a", "b"], out=tmp_path / "table.jsonl")
    assert [(row.status, row.error, row.raw.strip()) for row in table] == [
        ("empty", "the model gave no text", "")
    ] * 2
    assert table.texts(["a", "b"]) == ["a", "b"]
    assert type(table).read(tmp_path / "table.jsonl") == table


def test_experts_fall_back_on_the_raw_text(silent):
    with pytest.warns(RuntimeWarning, match=rf"raw text: idr \[0, 1\] \({SILENT}\)"):
        texts = PromptExperts(silent, ("idr",)).run(["a", "b"], EMPTY)
    assert texts.content == {"idr": ["a", "b"]} and texts.failed == {"idr": [0, 1]}


def test_facts_and_summaries_follow_on_failure(silent):
    with pytest.warns(UserWarning, match=SILENT):
        assert OpenIEExtractor(silent, on_failure="skip").extract(["a cat"]) == []
    with pytest.raises(RuntimeError, match=SILENT):
        OpenIEExtractor(silent).extract(["a cat"])
    store = SubgraphSampler().sample(EMPTY, 2)
    with pytest.raises(RuntimeError, match=SILENT):
        LLMSummarizer(silent).summarize(["a", "b"], store)
    assert len(LLMSummarizer(silent, on_failure="template").summarize(["a", "b"], store)) == 2


def test_votes_are_unknown(silent):
    with pytest.warns(RuntimeWarning, match=f"1 problems: anchor 0: {SILENT}"):
        votes = vote_edges(silent, PAIR, ["a", "b"])
    assert votes.vote.tolist() == [-1]
    with pytest.warns(RuntimeWarning, match="answers do not depend"):
        assert check_vote_answers(silent, PAIR, ["a", "b"]).count == 0


def test_what_the_model_said_instead_is_shown():
    talker = Stand(ok=True, text="<think>hm</think>yes, I think so")
    with pytest.warns(
        RuntimeWarning, match="anchor 0: no JSON of the form asked for: 'yes, I think so'"
    ):
        vote_edges(talker, PAIR, ["a", "b"])
    with pytest.warns(RuntimeWarning, match="form asked for: '") as caught:
        vote_edges(Stand(ok=True, text="x" * 5000), PAIR, ["a", "b"])
    assert len(str(caught[0].message)) < 300
    with pytest.warns(RuntimeWarning, match=r"\(empty, the model gave no text behind its thoughts"):
        PromptExperts(Stand(ok=True, text="<think>hm</think>"), ("idr",)).run(["a"], EMPTY)


def test_other_fields_are_filled_in_or_refused():
    (reply,) = ask_all(Stand(ok=False, text=None, status="ok", error=None), ["?"])
    assert (reply.status, reply.text, reply.error) == ("failed", "", "")
    (reply,) = ask_all(Stand(ok=False, text="no", status="refused", error="rude"), ["?"])
    assert (reply.status, reply.text, reply.error) == ("refused", "no", "rude")
    value = SimpleNamespace(votes=[])
    (reply,) = ask_all(Stand(ok=True, text=None, value=value), ["?"], SimpleNamespace)
    assert reply.ok and reply.value is value and reply.text == ""
    with pytest.raises(TypeError, match="text that is a str or None, but that of prompt 0 is b'a'"):
        ask_all(Stand(ok=True, text=b"a"), ["?"])


def test_replies_of_the_library_stay_as_they_are():
    known = LLMReply("n", "ok", "words", thoughts="hm", attempts=2)

    class Own:
        def complete_many(self, prompts):
            return [known, replace(known, text=None)]

    same, silent = ask_all(Own(), ["?", "?"])
    assert same is known
    assert (silent.status, silent.text, silent.id) == ("empty", "", "n")


@pytest.mark.parametrize("reason", ["stop", None])
def test_the_client_records_a_message_without_content(reason):
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant"}}
    choice["message"]["content"] = None
    refused = {**choice, "message": {**choice["message"], "refusal": "I will not."}}

    def answer(number, body):
        rude = body["messages"][-1]["content"] == "rude"
        return {"body": {"choices": [refused if rude else choice]}}

    with serving(answer) as server, client(server) as asking:
        silent, rude = asking.complete_many(["?", "rude"])
    assert (silent.ok, silent.status, silent.text) == (False, "empty", "")
    assert (rude.ok, rude.status, rude.error) == (False, "refused", "I will not.")
