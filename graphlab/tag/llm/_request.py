"""The body of a call, and the name of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphlab._checks import check_int, check_nonnegative
from graphlab.tag.llm._cache import request_key
from graphlab.tag.llm._messages import Conversation
from graphlab.tag.llm._reply_format import ReplyFormat
from graphlab.tag.llm._structured import Schema
from graphlab.tag.llm._tokens import most_tokens

__all__: list[str] = []

RENAMED = "max_completion_tokens"  # what newer models call max_tokens

_OWN = frozenset({"model", "messages", "temperature", "max_tokens", "seed", "response_format"})


@dataclass(frozen=True)
class RequestForm:
    """Everything besides the conversation that determines an answer.

    Attributes:
        model (str): Name of the model.
        version (str): Part of every name.
        parameters (Mapping): Fields of sampling.
    """

    model: str
    version: str
    parameters: Mapping[str, Any]

    def body(
        self, messages: Conversation, schema: Schema | None, way: ReplyFormat
    ) -> dict[str, Any]:
        """Body of the call, with the schema asked for in a way."""
        request: dict[str, Any] = {"model": self.model, "messages": messages, **self.parameters}
        if schema is None:
            return request
        if way == "json_schema":
            return {**request, "response_format": schema.response_format()}
        request["messages"] = _with_system(messages, schema.instruction())
        if way == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request

    def key(self, request: Mapping[str, Any]) -> str:
        """Name of the answer to a body."""
        return request_key(request, self.version)


def _with_system(messages: Conversation, instruction: str) -> Conversation:
    """Conversation with an instruction in its one system message: many templates take no more."""
    first = messages[0]
    if first["role"] != "system":
        return [{"role": "system", "content": instruction}, *messages]
    return [{**first, "content": f"{first['content']}\n\n{instruction}"}, *messages[1:]]


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
    if max_tokens is not None and RENAMED in parameters:
        raise ValueError(f"give max_tokens, which is sent as {RENAMED} where a server wants it")
    return {**result, **parameters}


def token_form(form: RequestForm, most: int) -> RequestForm:
    """Form of a question about the probabilities of the first token."""
    kept = {k: v for k, v in form.parameters.items() if k not in ("max_tokens", RENAMED)}
    return replace(
        form, parameters={**kept, "max_tokens": 1, "logprobs": True, "top_logprobs": most}
    )


def token_bound(request: Mapping[str, Any]) -> tuple[int, int]:
    """Most tokens (prompt, completion) that a call with this body may use."""
    extra = len(str(request.get("response_format", "")))
    written = request.get("max_tokens") or request.get(RENAMED) or 0
    return most_tokens(request["messages"]) + extra, int(written)
