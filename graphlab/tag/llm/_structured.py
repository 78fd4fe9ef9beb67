"""Replies that should be JSON: find it, check it, and say what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from graphlab._io import _finite_float, _refuse_constant, _unique_pairs
from graphlab.tag._optional import optional
from graphlab.tag._unicode import encodable, encodable_values

__all__: list[str] = []

_MAX_ERROR = 500  # characters of a complaint sent back to the model
_MAX_STARTS = 100  # braces tried as the beginning of an object


def extract_json(text: str) -> Any:
    """Find the JSON object in a reply: bare, fenced, or surrounded by prose.

    Args:
        text: What the model said.

    Returns:
        Any: The first whole object; repeated keys, NaN and infinities are refused.

    Raises:
        ValueError: If there is none.
    """
    decoder = json.JSONDecoder(
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        object_pairs_hook=_unique_pairs,
    )
    problem = "there is no { in it"
    start = text.find("{")
    for _ in range(_MAX_STARTS):
        if start < 0:
            break
        try:
            return encodable_values(decoder.raw_decode(text, start)[0])
        except (ValueError, RecursionError) as error:
            problem = str(error)
        start = text.find("{", start + 1)
    raise ValueError(f"the reply holds no JSON object: {problem}")


class Schema:
    """A pydantic model as the form of replies.

    Args:
        model: Subclass of ``pydantic.BaseModel``.

    Raises:
        TypeError: If it is something else.
    """

    def __init__(self, model: Any) -> None:
        pydantic = optional("pydantic", "schema")
        if not (isinstance(model, type) and issubclass(model, pydantic.BaseModel)):
            raise TypeError(f"schema must be a subclass of pydantic.BaseModel, got {model!r}")
        self._model: Any = model
        self._invalid = pydantic.ValidationError

    def response_format(self) -> dict[str, Any]:
        """What asks a server to constrain its output."""
        body = {"name": self._model.__name__, "schema": self._model.model_json_schema()}
        return {"type": "json_schema", "json_schema": body}

    def instruction(self) -> str:
        """What asks the model itself, for servers that cannot."""
        schema = json.dumps(self._model.model_json_schema(), sort_keys=True)
        return (
            f"Answer with one JSON object that follows this JSON schema and nothing else:\n{schema}"
        )

    def parse(self, text: str) -> Any:
        """Read a reply.

        Returns:
            Any: An instance of the model.

        Raises:
            ValueError: If the reply does not follow the schema; the message may go to the model.
        """
        found = extract_json(text)
        try:
            return self._model.model_validate(found)
        except self._invalid as error:
            parts = [
                f"{'.'.join(map(str, item['loc'])) or 'object'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            ]
            raise ValueError("; ".join(parts)[:_MAX_ERROR]) from error


def repair_messages(
    messages: list[dict[str, str]], text: str, problem: str
) -> list[dict[str, str]]:
    """Continue a conversation by a request to correct the last answer."""
    ask = f"That answer cannot be used: {problem}\nGive the corrected JSON object and nothing else."
    return [
        *messages,
        {"role": "assistant", "content": text},
        {"role": "user", "content": ask},
    ]


def check_messages(messages: Any) -> list[dict[str, str]]:
    """Check a conversation; half a pair of surrogates, which no request can carry, is replaced.

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
