"""One working call of public functions that ask a language model, with its arguments."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

from graphlab import tag
from graphlab.tag import gaugllm, tape
from graphlab.tag.llm import LLMReply
from tests.tag.graphclip._toy import toy_pairs
from tests.test_inputs import NODES, candidates

Call = tuple[Callable[..., Any], dict[str, Any]]

CLASSES = ["ants", "bees", "wasps"]
TEXTS = [f"{CLASSES[i % 3]} of nest {i}" for i in range(NODES)]
DOCUMENTS = {"a": "Marie Curie was born in Warsaw.", "b": "Warsaw is the capital of Poland."}
PAIRS = toy_pairs(12)
STORE_TEXTS = [f"text of node {i}" for i in range(12)]


class Judge:
    """A model that says yes to candidates of one class, and names the class that it read about."""

    def complete_many(self, prompts: Any, *, schema: Any = None) -> list[LLMReply]:
        return [LLMReply(i, "ok", self.answer(str(prompt))) for i, prompt in enumerate(prompts)]

    def answer(self, prompt: str) -> str:
        rows = [json.loads(line) for line in prompt.splitlines() if line.startswith("{")]
        if rows:
            own = rows[0]["first"].split()[0]
            votes = [
                {"number": row["candidate"], "answer": own in row["text"], "probability": 0.5}
                for row in rows[1:]
            ]
            return json.dumps({"votes": votes})
        label = next((name for name in CLASSES if f"{name} of" in prompt), CLASSES[0])
        return json.dumps({"labels": [label], "explanation": "because"})

    def estimate(self, prompts: Any, *, schema: Any = None) -> int:
        return len(list(prompts))

    def first_tokens(self, prompts: Any, *, ids: Any = None, most: int = 20) -> list[LLMReply]:
        told = (("Yes", -0.2), ("No", -1.7))
        return [LLMReply(i, "ok", "Yes", first_tokens=told) for i, _ in enumerate(prompts)]


def explanations() -> tape.ExplanationGenerator:
    return tape.ExplanationGenerator(Judge(), tape.ExplanationPrompt(CLASSES, 1))


def question(anchor: int, items: list[int]) -> str:
    rows: list[dict[str, Any]] = [{"first": TEXTS[anchor]}]
    rows += [{"candidate": i, "text": TEXTS[item]} for i, item in enumerate(items, 1)]
    return "\n".join(map(json.dumps, rows))


CALLS: dict[str, Callable[[], Call]] = {
    "check_vote_answers": lambda: (
        gaugllm.check_vote_answers,
        {
            **{"client": Judge(), "candidates": candidates(), "texts": TEXTS},
            **{"question": "cites it", "count": 3, "max_candidates": 5, "max_chars": 90},
            "seed": 0,
        },
    ),
    "collect_votes": lambda: (
        gaugllm.collect_votes,
        {
            **{"client": Judge(), "anchor": torch.tensor([0, 0]), "item": torch.tensor([1, 3])},
            **{"prompt": question, "max_candidates": 5, "seed": 0},
        },
    ),
    "score_edges": lambda: (
        gaugllm.score_edges,
        {
            **{"client": Judge(), "candidates": candidates(), "texts": TEXTS},
            **{"question": "cites it", "max_chars": 90},
        },
    ),
    "ExplanationGenerator.check": lambda: (
        explanations().check,
        {"texts": TEXTS, "count": 3, "seed": 0},
    ),
    "ExplanationGenerator.estimate": lambda: (explanations().estimate, {"texts": TEXTS}),
    "LLMSummarizer.prompts": lambda: (
        tag.LLMSummarizer(Judge()).prompts,
        {"texts": STORE_TEXTS, "store": PAIRS.store},
    ),
    "OpenIEExtractor.prompts": lambda: (
        tag.OpenIEExtractor(Judge()).prompts,
        {"documents": DOCUMENTS},
    ),
}
