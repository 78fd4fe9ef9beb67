"""What comes back from a language model, one record per prompt whatever happened."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from graphlab._checks import check_nonnegative

__all__ = ["CostEstimate", "LLMError", "LLMReply", "Price"]

STATUSES = ("ok", "truncated", "empty", "refused", "invalid", "failed", "budget")


class LLMError(RuntimeError):
    """No call can succeed: a wrong key, address or model. Answers that had arrived are kept."""


@dataclass(frozen=True)
class LLMReply:
    """The record of one prompt.

    Attributes:
        id: Name of the prompt, by default its position.
        status: ``"ok"``; or why there is no usable answer: ``"truncated"`` (it hit the limit of
            tokens), ``"empty"``, ``"refused"``, ``"invalid"`` (it does not follow the schema, after
            all repairs), ``"failed"`` (no answer after all attempts) or ``"budget"`` (not asked).
        text: What the model said; empty if it said nothing.
        value: The validated object if a schema was given and the status is ``"ok"``.
        error: What went wrong, if something did.
        attempts: HTTP calls made for this record; 0 if all came from the cache.
        repairs: Times the model was asked to correct its answer.
        cached: Whether no call was needed.
        prompt_tokens: Tokens read by the model, repairs included, as the server counts them.
        completion_tokens: Tokens written by the model.
        model: Name of the model that the server reports.
        key: Name of the first answer in the cache.
    """

    id: Hashable
    status: str
    text: str = ""
    value: Any = None
    error: str = ""
    attempts: int = 0
    repairs: int = 0
    cached: bool = False
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str | None = None
    key: str = ""

    @property
    def ok(self) -> bool:
        """Whether the answer can be used."""
        return self.status == "ok"


@dataclass(frozen=True)
class Price:
    """Money per million tokens, in any currency.

    Attributes:
        prompt: For tokens that the model reads.
        completion: For tokens that it writes.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        check_nonnegative(self.prompt, "prompt")
        check_nonnegative(self.completion, "completion")

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for a number of tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


@dataclass(frozen=True)
class CostEstimate:
    """What a run would need; nothing was sent to find out.

    Attributes:
        prompts: Prompts given.
        cached: Prompts answered by the cache.
        calls: Distinct calls left.
        prompt_tokens: Tokens to send; an estimate (with tiktoken if it is installed, otherwise a
            token for four characters).
        completion_tokens: Most tokens that may come back; None without a limit on them.
        cost: Money for both, at most as far as the tokens are right; None without a price or limit.
        minutes: Least time that the rate limits allow; None without limits.
    """

    prompts: int
    cached: int
    calls: int
    prompt_tokens: int
    completion_tokens: int | None
    cost: float | None
    minutes: float | None
