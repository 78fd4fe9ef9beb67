"""Prompts as conversations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphlab._ordered import refuse_unordered
from graphlab.tag._unicode import encodable, encodable_values

__all__: list[str] = []

Prompt = str | Sequence[Mapping[str, str]]
Conversation = list[dict[str, str]]


def conversations(prompts: Iterable[Prompt]) -> list[Conversation]:
    """Checked conversation of every prompt.

    Raises:
        TypeError, ValueError: If a prompt is malformed.
    """
    refuse_unordered(prompts, "prompts")
    if isinstance(prompts, str):  # each of its characters would be asked, and paid for
        raise TypeError("prompts must be a list of prompts, got one text")
    if not isinstance(prompts, Iterable):
        raise TypeError(f"prompts must be a list of prompts, got {type(prompts).__name__}")
    return [check_messages(prompt) for prompt in prompts]


def check_messages(messages: Any) -> Conversation:
    """Checked conversation; half a pair of surrogates, which no request can carry, is replaced.

    Raises:
        TypeError: If it is neither text nor a list of messages, or a role or content is no text.
        ValueError: If a message lacks role or content, or there is none.
    """
    if isinstance(messages, str):
        return [{"role": "user", "content": encodable(messages)}]
    if isinstance(messages, Mapping) or not hasattr(messages, "__iter__"):
        raise TypeError(f"a prompt must be text or a list of messages, got {type(messages)}")
    result = []
    for message in messages:
        if not isinstance(message, Mapping) or {"role", "content"} - set(message):
            raise ValueError(f"a message must have role and content, got {message!r}")
        odd = [name for name in ("role", "content") if not isinstance(message[name], str)]
        if odd:
            kind = type(message[odd[0]]).__name__
            raise TypeError(f"{odd[0]} of a message must be text, got {kind}")
        result.append(encodable_values(dict(message)))
    if not result:
        raise ValueError("a prompt must hold at least one message")
    return result
