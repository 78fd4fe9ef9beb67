"""What reads the words of a language model, end to end with a client that says them.

No reply may raise anything: it is one row that is not understood.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from graphlab.tag import LLMSummarizer, OpenIEExtractor
from graphlab.tag.gaugllm import EdgeCandidates, vote_edges
from graphlab.tag.llm._structured import Schema
from graphlab.tag.llm._thoughts import split_thoughts
from graphlab.tag.llm.reply import LLMReply
from graphlab.tag.tape import ExplanationGenerator, ExplanationPrompt
from tests.tag.graphclip._toy import toy_pairs


class Saying:
    """A client whose model says one thing."""

    def __init__(self, text: str) -> None:
        self.text = text

    def complete_many(self, prompts: Sequence[Any]) -> list[LLMReply]:
        """The same reply to every prompt."""
        return [LLMReply(number, "ok", self.text) for number, _ in enumerate(prompts)]


@dataclass(frozen=True)
class Said:
    """Replies that are understood, and what reads them."""

    texts: tuple[str, ...]
    use: Callable[[str], object]


def _quiet(use: Callable[[str], object]) -> Callable[[str], object]:
    def run(text: str) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return use(text)

    return run


PROMPT = ExplanationPrompt(["neural networks", "theory", "a"], k=2)
STORE = toy_pairs(12).store
TEXTS = [f"text {i} of many" for i in range(12)]
CANDIDATES = EdgeCandidates(
    torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2]), torch.tensor([0, 1, 1]), 3
)


def explained(text: str) -> object:
    table = ExplanationGenerator(Saying(text), PROMPT).run(["one", "two"])
    return table.ranked_predictions(), table.texts(["x", "y"])


def facts(text: str) -> object:
    return OpenIEExtractor(Saying(text), on_failure="skip").extract({"a": "One.", "b": "Two."})


def summaries(text: str) -> object:
    return LLMSummarizer(Saying(text), on_failure="template").summarize(TEXTS, STORE.select([0]))


def votes(text: str) -> object:
    return vote_edges(Saying(text), CANDIDATES, TEXTS[:3])


def parsed(text: str) -> object:
    import pydantic

    model = pydantic.create_model("Item", label=(str, ...), score=(float, 0.0))
    found = []
    for form in (model, list[model]):  # type: ignore[valid-type]
        try:
            found.append(Schema(form).parse(text))
        except ValueError:
            continue
    return found


REPLIES: dict[str, Said] = {
    "thoughts": Said(
        (
            "<think>let me see</think>the answer",
            "[THINK]a[/THINK]b <think>c",
            "<|channel|>analysis<|message|>x<|end|><|channel|>final<|message|>y<|return|>",
            '```json\n{"a": "<think>"}\n```',
        ),
        split_thoughts,
    ),
    "JSON by a schema": Said(
        ('{"label": "a", "score": 0.5}', 'So: ```json\n[{"label": "a"}, {"label": "b"}]\n```'),
        parsed,
    ),
    "explanations": Said(
        ('{"labels": ["theory"], "explanation": "because"}', "1. Theory\n2. neural networks\nwhy"),
        _quiet(explained),
    ),
    "facts": Said(
        ('{"documents": [{"document": 1, "triples": [["a", "is", "b"], ["c", "d"]]}]}',),
        _quiet(facts),
    ),
    "votes": Said(
        (
            '{"votes": [{"number": 1, "answer": true, "probability": 0.9}, '
            '{"number": 2, "answer": false}]}',
        ),
        _quiet(votes),
    ),
    "summaries": Said(('{"root": "a title", "context": "about it"}',), _quiet(summaries)),
}
