"""The body of a call, and the name of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphlab._checks import check_choice, check_int, check_nonnegative
from graphlab.tag.llm._cache import request_key
from graphlab.tag.llm._messages import Conversation
from graphlab.tag.llm._structured import Schema
from graphlab.tag.llm._tokens import most_tokens

__all__: list[str] = []

_OWN = frozenset({"model", "messages", "temperature", "max_tokens", "seed", "response_format"})


@dataclass(frozen=True)
class RequestForm:
    """Everything besides the conversation that determines an answer.

    Attributes:
        model (str): Name of the model.
        version (str): Part of every name.
        parameters (Mapping): Fields of sampling.
        reply_format (str): Way in which a schema is asked for.
    """

    model: str
    version: str
    parameters: Mapping[str, Any]
    reply_format: str

    def __post_init__(self) -> None:
        check_choice(self.reply_format, "reply_format", ("json_schema", "json_object", "prompt"))

    def body(self, messages: Conversation, schema: Schema | None) -> dict[str, Any]:
        """Body of the call."""
        request: dict[str, Any] = {"model": self.model, "messages": messages, **self.parameters}
        if schema is None:
            return request
        if self.reply_format == "json_schema":
            return {**request, "response_format": schema.response_format()}
        ask = {"role": "system", "content": schema.instruction()}
        request["messages"] = [ask, *messages]
        if self.reply_format == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    def key(self, request: Mapping[str, Any]) -> str:
        """Name of the answer to a body."""
        return request_key(request, self.version)


def sampling(
    temperature: float | None,
    max_tokens: int | None,
    seed: int | None,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Checked fields of sampling.

    Raises:
        TypeError, ValueError: If one is malformed, or ``parameters`` holds one with a name here.
    """
    result: dict[str, Any] = {}
    if temperature is not None:
        result["temperature"] = check_nonnegative(temperature, "temperature")
    if max_tokens is not None:
        result["max_tokens"] = check_int(max_tokens, "max_tokens", minimum=1)
    if seed is not None:
        result["seed"] = check_int(seed, "seed")
    clash = sorted(_OWN.intersection(parameters))
    if clash or parameters.get("stream") or parameters.get("n", 1) != 1:
        raise ValueError(f"parameters must not hold {clash or ['stream', 'n']}")
    return {**result, **parameters}


def token_bound(request: Mapping[str, Any]) -> tuple[int, int]:
    """Most tokens (prompt, completion) that a call with this body may use."""
    extra = len(str(request.get("response_format", "")))
    return most_tokens(request["messages"]) + extra, int(request.get("max_tokens", 0))
