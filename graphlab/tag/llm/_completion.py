"""An answer of a server, read from its raw JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graphlab.tag._unicode import encodable
from graphlab.tag.llm._error_body import error_words
from graphlab.tag.llm._thoughts import split_thoughts

__all__: list[str] = []

Ending = Literal["complete", "truncated", "filtered", "unknown"]

# What servers call the end of an answer, OpenAI's word first.
_ENDINGS: dict[str, Ending] = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"),
        "complete",
    ),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "model_length", "max_length"), "truncated"
    ),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "safety", "refusal", "recitation", "blocklist",
         "prohibited_content", "guardrail_intervened", "spii"),
        "filtered",
    ),
}  # fmt: skip
_MOST_TOKENS = 2**53  # JSON has integers of any size; larger ones count no tokens
_BROKEN = frozenset({"error", "abort", "aborted", "cancelled", "canceled"})
_ANSWER_PARTS = frozenset({"text", "output_text", "input_text"})
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking")


class ErrorAnswer(ValueError):
    """A body that brings an error instead of an answer, whatever its HTTP status.

    Args:
        message (str): The server's words.
        body (Any): The body, for its codes.
        billed (bool): Whether the server may charge for it.
    """

    def __init__(self, message: str, body: Any, *, billed: bool = False) -> None:
        super().__init__(message)
        self.body = body
        self.billed = billed


@dataclass(frozen=True)
class Completion:
    """Fields of an answer.

    Attributes:
        text (str): The answer, without thoughts.
        refusal (str, optional): Words of a refusal.
        finish_reason (str, optional): Why it ended, in the server's words.
        prompt_tokens (int): Tokens read.
        completion_tokens (int): Tokens written.
        model (str, optional): Name of the model.
        thoughts (str): What the model thought before it answered.
        first_tokens (tuple): Likely first tokens with their log-probabilities, if they were asked
            for and the server tells them.
    """

    text: str
    refusal: str | None
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    model: str | None
    thoughts: str = ""
    first_tokens: tuple[tuple[str, float], ...] = ()

    @property
    def ending(self) -> Ending:
        """How it ended; a server that gives no reason is taken to have finished."""
        if self.finish_reason is None:
            return "complete"
        return _ENDINGS.get(self.finish_reason.lower(), "unknown")


def read_completion(raw: str) -> Completion:
    """Completion in the raw JSON of an answer; anything may come from a server.

    Raises:
        ErrorAnswer: If it is an error.
        ValueError: If it is no JSON, or not a chat completion.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    _raise_error(body)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        content, refusal, thoughts = _content(message)
        usage = body.get("usage") or {}
        read = int(usage.get("prompt_tokens") or 0)
        written = int(usage.get("completion_tokens") or 0)
        first = _first_tokens(choice)
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(f"the body is not a chat completion ({type(error).__name__})") from error
    if not (0 <= read < _MOST_TOKENS and 0 <= written < _MOST_TOKENS):
        raise ValueError("the body is not a chat completion (impossible usage)")
    reason = _reason(choice.get("finish_reason"))
    if reason is not None and reason.lower() in _BROKEN:
        raise ErrorAnswer(f"the server broke the answer off ({reason})", body, billed=True)
    answer, inline = split_thoughts(encodable(content))
    return Completion(
        text=answer,
        refusal=None if refusal is None else encodable(str(refusal)),
        finish_reason=reason,
        prompt_tokens=read,
        completion_tokens=written,
        model=None if body.get("model") is None else encodable(str(body["model"])),
        thoughts=encodable("\n".join(part for part in (*thoughts, inline) if part)),
        first_tokens=first,
    )


def answer_text(message: Any) -> str:
    """Answer of a stored message.

    Raises:
        TypeError, ValueError: If its content is neither text nor a list of parts.
    """
    return split_thoughts(_content(message)[0])[0]


def _raise_error(body: Any) -> None:
    """Raise the error that a body brings: in itself, or in its first choice."""
    if not isinstance(body, Mapping):
        return
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    inside = first if isinstance(first, Mapping) and first.get("error") else None
    if inside is not None or body.get("error") or (not choices and error_words(body)):
        source = body if inside is None else inside
        raise ErrorAnswer(error_words(source) or "an error without words", source)


def _content(message: Any) -> tuple[str, str | None, list[str]]:
    """Words, refusal and thoughts of a message, whose content may come in typed parts."""
    content = message.get("content")
    refusal = message.get("refusal") or None
    thoughts = [
        str(message[name]) for name in _THOUGHT_FIELDS if isinstance(message.get(name), str)
    ]
    if content is None or isinstance(content, str):
        return content or "", refusal, thoughts
    if not isinstance(content, list):
        raise TypeError(f"content is {type(content).__name__}")
    words: list[str] = []
    for part in content:
        if isinstance(part, str):
            words.append(part)
            continue
        kind = str(part.get("type", "text"))
        if kind in _ANSWER_PARTS:
            words.append(_text(part.get("text")))
        elif kind == "refusal":
            refusal = refusal or str(part.get("refusal") or part.get("text") or "refused")
        else:  # thoughts of any kind; or pictures, which have no words
            thoughts += _nested(part)
    return "".join(words), refusal, thoughts


def _text(value: Any) -> str:
    """Text of a part; some services put it one level deeper."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if value is not None and not isinstance(value, str):
        raise TypeError(f"text is {type(value).__name__}")
    return value or ""


def _nested(part: Mapping[str, Any]) -> list[str]:
    """Words of a part of thoughts, which may itself hold parts."""
    words: list[str] = []
    for name in ("thinking", "reasoning", "reasoning_content", "text", "content", "summary"):
        value = part.get(name)
        values: Iterable[Any] = value if isinstance(value, list) else [value]
        for item in values:
            if isinstance(item, str):
                words.append(item)
            elif isinstance(item, Mapping) and isinstance(item.get("text"), str):
                words.append(item["text"])
    return words


def _reason(value: Any) -> str | None:
    if isinstance(value, Mapping):  # SGLang gives an object that holds the reason
        value = value.get("type")
    return None if value in (None, "") else str(value)


def _first_tokens(choice: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    listed = (choice.get("logprobs") or {}).get("content") or []
    if not listed:
        return ()
    entries = listed[0].get("top_logprobs") or [listed[0]]
    return tuple((str(entry["token"]), _log(entry["logprob"])) for entry in entries)


def _log(value: Any) -> float:
    """A logarithm of a probability; servers round above 0, and write -Infinity."""
    logarithm = float(value)
    if math.isnan(logarithm):
        raise ValueError("a log-probability is no number")
    return min(logarithm, 0.0)
