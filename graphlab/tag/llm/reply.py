"""The answer of a language model, one record per prompt whatever happened."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from graphlab._repr import short_repr

__all__ = ["LLMError", "LLMReply"]


class LLMError(RuntimeError):
    """No call can succeed: a dead server, an empty account, a wrong key, address or model.

    Answers that had arrived are kept.
    """


@short_repr
@dataclass(frozen=True)
class LLMReply:
    """The record of one prompt.

    Attributes:
        id (Hashable): Name of the prompt, by default its position.
        status (str): ``"ok"``; or why there is no usable answer: ``"truncated"`` (it hit the limit
            of tokens), ``"unfinished"`` (the server gives a reason for its end that is not known
            here), ``"empty"``, ``"refused"``, ``"invalid"`` (it does not follow the schema,
            after all repairs), ``"failed"`` (no answer after all attempts) or ``"budget"`` (not
            asked).
        text (str): Answer of the model, without its thoughts; empty if it said nothing.
        value (Any): Validated object if a schema was given and the status is ``"ok"``.
        error (str): Description of what went wrong, if something did.
        attempts (int): HTTP calls made for this record; 0 if all came from the cache.
        repairs (int): Times the model was asked to correct its answer.
        cached (bool): Whether no call was needed.
        prompt_tokens (int): Tokens read by the model, repairs included, as the server counts them.
        completion_tokens (int): Tokens written by the model.
        model (str, optional): Name of the model that the server reports.
        key (str): Name of the first answer in the cache.
        thoughts (str): What a reasoning model wrote before its answer; never part of it.
        first_tokens (tuple): Likely first tokens of the answer with their log-probabilities, most
            likely first, where :meth:`LLMClient.first_tokens` asked for them.
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
    thoughts: str = ""
    first_tokens: tuple[tuple[str, float], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the answer can be used."""
        return self.status == "ok"


def keys_of(replies: Any) -> list[str]:
    """Names of the first answers of records in the cache.

    Raises:
        TypeError: If they are no records.
    """
    if isinstance(replies, str) or not isinstance(replies, Iterable):
        raise TypeError(f"replies must be records, got {type(replies).__name__}")
    listed = list(replies)
    wrong = [reply for reply in listed if not isinstance(reply, LLMReply)]
    if wrong:
        raise TypeError(f"replies must hold LLMReply, got {type(wrong[0]).__name__}")
    return [reply.key for reply in listed]
