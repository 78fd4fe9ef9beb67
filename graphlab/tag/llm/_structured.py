"""Replies that should be JSON: the object in them, its validation, the request to correct it."""

from __future__ import annotations

import json
from typing import Any

from graphlab._io import _finite_float, _refuse_constant, _unique_pairs
from graphlab.tag._optional import optional
from graphlab.tag._unicode import encodable_values

__all__: list[str] = []

_MAX_ERROR = 500  # characters of a complaint sent back to the model
_MAX_STARTS = 100  # braces tried as the beginning of an object


def extract_json(text: str) -> Any:
    """First JSON object in a reply: bare, fenced, or surrounded by prose.

    Args:
        text (str): Words of the model.

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
        model (type): Subclass of ``pydantic.BaseModel``.

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
        """Field of a request that asks the server to constrain its output."""
        body = {"name": self._model.__name__, "schema": self._model.model_json_schema()}
        return {"type": "json_schema", "json_schema": body}

    def instruction(self) -> str:
        """Message that asks the model itself, for servers that cannot."""
        schema = json.dumps(self._model.model_json_schema(), sort_keys=True)
        return (
            f"Answer with one JSON object that follows this JSON schema and nothing else:\n{schema}"
        )

    def parse(self, text: str) -> Any:
        """Validated object of a reply.

        Returns:
            Any: An instance of the model.

        Raises:
            ValueError: If the reply does not follow the schema; the message may go to the model.
        """
        content = extract_json(text)
        try:
            return self._model.model_validate(content)
        except self._invalid as error:
            parts = [
                f"{'.'.join(map(str, item['loc'])) or 'object'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            ]
            raise ValueError("; ".join(parts)[:_MAX_ERROR]) from error


def repair_messages(
    messages: list[dict[str, str]], text: str, problem: str
) -> list[dict[str, str]]:
    """Conversation that goes on with a request to correct the last answer."""
    ask = f"That answer cannot be used: {problem}\nGive the corrected JSON object and nothing else."
    return [
        *messages,
        {"role": "assistant", "content": text},
        {"role": "user", "content": ask},
    ]
