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
from graphlab.tag.llm.reply import LLMReply

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


def ask_all(client: ChatClient, prompts: Sequence[Prompt], schema: Any = None) -> list[LLMReply]:
    """One reply per prompt, in their order.

    A stand-in that knows no schemas is asked without: its answers are read as text. Its replies may
    leave out all fields but two; one without text is a failed one, as those of a refusal are, and
    is never an error of its own.

    Raises:
        TypeError: If the replies are no records, or the text of one is something else than text.
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
    return [_record(reply, at, schema) for at, reply in enumerate(replies)]


def _record(reply: Any, at: int, schema: Any) -> LLMReply:
    """A reply with every field that a step reads, each of its type.

    Raises:
        TypeError: If it lacks one that it must have, or its text is something else than text.
    """
    lacking = [field for field in _FIELDS if not hasattr(reply, field)]
    if lacking:
        raise TypeError(
            f"replies must have {', '.join(_FIELDS)} like graphlab.tag.LLMReply, but "
            f"{_described(reply)} has no {lacking[0]}"
        )
    text, value = reply.text, getattr(reply, "value", None)
    if text is not None and not isinstance(text, str):
        raise TypeError(
            f"replies must have text that is a str or None, but that of prompt {at} is {text!r:.80}"
        )
    text, usable = text or "", bool(reply.ok)
    status = str(getattr(reply, "status", None) or "failed")
    error = str(getattr(reply, "error", None) or "")
    if usable and not text.strip() and (schema is None or value is None):
        usable, status, error = False, "empty", error or "the model gave no text"
    elif isinstance(reply, LLMReply) and text is reply.text:
        return reply
    return LLMReply(
        id=getattr(reply, "id", at),
        status="ok" if usable else "failed" if status == "ok" else status,
        text=text,
        value=value,
        error=error,
        prompt_tokens=int(getattr(reply, "prompt_tokens", None) or 0),
        completion_tokens=int(getattr(reply, "completion_tokens", None) or 0),
    )


def value_of(reply: Any, schema: Any) -> Any:
    """Validated object of a reply, read from its text where the client did not; or None."""
    value = getattr(reply, "value", None)
    if value is not None or not reply.ok:
        return value
    with suppress(ValueError):
        return Schema(schema).parse(without_thoughts(reply.text))
    return None


def failure(reply: Reply) -> str:
    """Why a reply brought nothing, for a message: its status and error, or what it says instead."""
    if reply.ok:  # the client is content, and the step found no use for the words
        said = without_thoughts(reply.text).strip()
        return (
            f"no JSON of the form asked for: {said!r:.80}"
            if said
            else "empty, the model gave no text behind its thoughts"
        )
    return f"{reply.status}, {reply.error[:200]}" if reply.error else reply.status


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
