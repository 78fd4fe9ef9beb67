"""Votes on candidate edges by the probability of the first token."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from graphlab._checks import check_text, warn_caller
from graphlab.tag.gaugllm._prompt_text import VERSION, WARNING, cut, fenced
from graphlab.tag.gaugllm.candidates import EdgeCandidates
from graphlab.tag.gaugllm.llm_votes import RELATED, check_edge_texts
from graphlab.tag.gaugllm.votes import CandidateVote
from graphlab.tag.llm.choices import score_choices
from graphlab.tag.llm.client import LLMClient

__all__ = ["score_edges"]

_NOTHING = "(no text)"
_CHOICES = ("Yes", "No")


def score_edges(
    client: LLMClient,
    candidates: EdgeCandidates,
    texts: Sequence[str],
    *,
    question: str = RELATED,
    calibrate: bool = True,
    max_chars: int = 1000,
) -> CandidateVote:
    """Let a language model say which candidate edges should exist, by probabilities.

    One prompt and one token per candidate; the probability of a yes is read from the model and not
    from what it writes about itself. Calibration divides by the probabilities for two empty texts,
    so that a model that says yes to everything is measured by how much more it does.

    Args:
        client (LLMClient): Client of a server that tells log-probabilities.
        candidates (EdgeCandidates): The pairs to judge.
        texts (Sequence[str]): N texts, none blank.
        question (str): See :func:`vote_edges`.
        calibrate (bool): Whether two empty texts are asked about too (one call).
        max_chars (int): Most characters of a text.

    Returns:
        CandidateVote: Votes with probabilities, -1 where there was no answer.

    Raises:
        LLMError: If no call can succeed, or the server tells no log-probabilities.
        TypeError, ValueError: If an argument is malformed.

    Warns:
        UserWarning: If the two empty texts have no answer: then no vote is known.
    """
    known, limit = check_edge_texts(candidates, texts, max_chars)
    check_text(question, "question")

    def ask(first: str, second: str) -> str:
        rows = [{"first": cut(first, limit)}, {"second": cut(second, limit)}]
        return (
            f"[{VERSION}] Say whether the second text {question}. {WARNING}\n{fenced(rows)}\n"
            "Answer with Yes or No and nothing else."
        )

    pairs = zip(candidates.src.tolist(), candidates.dst.tolist(), strict=True)
    asked = [ask(known[a], known[b]) for a, b in pairs]
    if calibrate:
        asked.append(ask(_NOTHING, _NOTHING))
    scores = score_choices(client, asked, _CHOICES)
    odds = [
        math.log(s.probabilities[0] / s.probabilities[1]) if s.probabilities else math.nan
        for s in scores
    ]
    prior = odds.pop() if calibrate else 0.0
    shifted = [value - prior for value in odds]
    chance = torch.tensor(shifted, dtype=torch.float64, device="cpu").sigmoid().float()
    vote = torch.where(chance.isnan(), -1, (chance > 0.5).long())
    problems = [f"{s.status}: {s.error[:200]}" for s in scores[: len(odds)] if not s.probabilities]
    if math.isnan(prior):
        problems.append(f"calibration: {scores[-1].status}: {scores[-1].error[:200]}")
        warn_caller(
            "the prompt with two empty texts has no answer, so that no vote can be calibrated: all "
            "are unknown. Ask again (answers in a cache cost nothing), or pass calibrate=False"
        )
    return CandidateVote(candidates.src, candidates.dst, vote, chance, tuple(problems))
