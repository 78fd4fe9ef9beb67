"""Asking a client that somebody brought, with checks of it and of its answers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from graphlab.tag.llm._messages import Prompt
from graphlab.tag.llm._structured import Schema
from graphlab.tag.llm._thoughts import without_thoughts
from graphlab.tag.llm.protocol import ChatClient, Reply

__all__: list[str] = []

_FIX = (
    "give a graphlab.tag.LLMClient(model, base_url=...), or an object with the method "
    "complete_many(prompts, *, schema=None) that returns one reply per prompt"
)
_FIELDS = ("ok", "text")


def check_client(client: Any, name: str = "client") -> ChatClient:
    """Require something that answers prompts.

    Raises:
        TypeError: If it is no client; the message says what to give.
    """
    method = getattr(client, "complete_many", None)
    if isinstance(client, type) or not callable(method):
        what = f"the class {client.__name__}" if isinstance(client, type) else _described(client)
        raise TypeError(f"{name} must answer prompts, got {what}: {_FIX}")
    if not _accepts(method, 1):
        raise TypeError(f"{name}.complete_many must take a list of prompts: {_FIX}")
    return cast(ChatClient, client)


def ask_all(client: ChatClient, prompts: Sequence[Prompt], schema: Any = None) -> list[Any]:
    """One reply per prompt, in their order.

    A stand-in that knows no schemas is asked without: its answers are read as text.

    Raises:
        TypeError: If the replies are no records.
        RuntimeError: If there are more or fewer replies than prompts.
    """
    if not prompts:
        return []
    known = schema is not None and _accepts(client.complete_many, 1, "schema")
    replies: Any = client.complete_many(prompts, **({"schema": schema} if known else {}))
    if not hasattr(replies, "__len__") or isinstance(replies, (str, bytes)):
        raise TypeError(f"complete_many must return a list of replies, got {_described(replies)}")
    if len(replies) != len(prompts):
        raise RuntimeError(f"client answered {len(replies)} of {len(prompts)} prompts")
    for reply in replies:
        lacking = [field for field in _FIELDS if not hasattr(reply, field)]
        if lacking:
            raise TypeError(
                f"replies must have {', '.join(_FIELDS)} like graphlab.tag.LLMReply, but "
                f"{_described(reply)} has no {lacking[0]}"
            )
    return list(replies)


def value_of(reply: Any, schema: Any) -> Any:
    """Validated object of a reply, read from its text where the client did not; or None."""
    value = getattr(reply, "value", None)
    if value is not None or not reply.ok:
        return value
    with suppress(ValueError):
        return Schema(schema).parse(without_thoughts(reply.text))
    return None


def failure(reply: Reply) -> str:
    """Status and error of a reply that brought nothing, for a message."""
    status = str(getattr(reply, "status", "failed"))
    error = str(getattr(reply, "error", ""))
    return f"{status}, {error[:200]}" if error else status


def _accepts(method: Any, positional: int, *keywords: str) -> bool:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # the method is written in C, or a mock
        return True
    try:
        signature.bind(*[None] * positional, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def _described(value: Any) -> str:
    return "None" if value is None else f"{type(value).__module__}.{type(value).__name__}"
