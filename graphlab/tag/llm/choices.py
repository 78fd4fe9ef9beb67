"""Probabilities of a few answers, read from the first token and not from words about it."""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphlab._repr import short_repr
from graphlab.tag.llm._asking import check_client
from graphlab.tag.llm._messages import Prompt
from graphlab.tag.llm.client import LLMClient
from graphlab.tag.llm.reply import LLMError, LLMReply

__all__ = ["ChoiceScores", "score_choices"]

_MOST = 20  # alternatives of a token whose probabilities common servers tell


@short_repr
@dataclass(frozen=True, repr=False)
class ChoiceScores:
    """Probabilities of the choices of one prompt.

    Attributes:
        probabilities (tuple[float, ...]): One per choice, of sum 1; empty without an answer.
        covered (float): Share of the first token's probability that lay on the choices: near 0,
            the model was about to say something else.
        status (str): Status of the reply; see :class:`LLMReply`.
        error (str): What went wrong, if something did.
    """

    probabilities: tuple[float, ...]
    covered: float
    status: str = "ok"
    error: str = ""


def score_choices(
    client: LLMClient, prompts: Iterable[Prompt], choices: Sequence[str]
) -> list[ChoiceScores]:
    """Let a model choose by the probability of its first token; one call of one token per prompt.

    Choices must be words that begin differently, best single letters: :func:`letters`. A choice
    that is not among the tokens the server tells gets the probability of the least likely one.

    Args:
        client (LLMClient): Client of a server that tells log-probabilities: OpenAI, vLLM,
            llama.cpp.
        prompts (Iterable[Prompt]): Questions that ask for one of the choices alone.
        choices (Sequence[str]): Distinct choices, at most 20.

    Returns:
        list[ChoiceScores]: One per prompt.

    Raises:
        LLMError: If no call can succeed, or the server tells no log-probabilities.
        TypeError, ValueError: If an argument is malformed.
    """
    check_client(client)
    if not hasattr(client, "first_tokens"):
        raise TypeError(
            f"client must tell probabilities like graphlab.tag.LLMClient.first_tokens, "
            f"got {type(client).__name__}"
        )
    surfaces = [str(choice).strip().casefold() for choice in choices]
    if not 2 <= len(surfaces) <= _MOST or len(set(surfaces)) < len(surfaces) or "" in surfaces:
        raise ValueError(f"choices must be 2 to {_MOST} distinct words, got {list(choices)}")
    replies = client.first_tokens(list(prompts), most=_MOST)
    silent = [reply for reply in replies if reply.status == "invalid"]
    if silent and len(silent) == len(replies):
        raise LLMError(
            f"{silent[0].error}: ask for answers in words (structured=True), or take a server that "
            "does (llama.cpp, vLLM, OpenAI)"
        )
    return [_scores(reply, surfaces) for reply in replies]


def letters(count: int) -> list[str]:
    """Names of choices, A and on."""
    return list(string.ascii_uppercase[:count])


def _scores(reply: LLMReply, surfaces: list[str]) -> ChoiceScores:
    if not reply.ok:
        return ChoiceScores((), 0.0, reply.status, reply.error)
    mass = dict.fromkeys(surfaces, 0.0)
    for token, logprob in reply.first_tokens:
        surface = token.strip(" \t\n\u0120\u2581").casefold()
        if surface in mass:
            mass[surface] += math.exp(logprob)
    covered = sum(mass.values())
    floor = math.exp(min(logprob for _, logprob in reply.first_tokens))
    filled = [value or max(floor, 1e-12) for value in mass.values()]
    total = sum(filled)
    return ChoiceScores(tuple(value / total for value in filled), min(covered, 1.0))
