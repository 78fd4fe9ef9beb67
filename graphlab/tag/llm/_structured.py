"""Replies that should be JSON: the object in them, its validation, the request to correct it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, get_origin

from graphlab._io import _finite_float, _refuse_constant, _unique_pairs
from graphlab.tag._optional import optional
from graphlab.tag._unicode import encodable_values

__all__: list[str] = []

_MAX_ERROR = 500  # characters of a complaint sent back to the model
_MAX_STARTS = 100  # braces tried as the beginning of an object


def json_values(text: str, opening: str = "{") -> Iterator[Any]:
    """JSON values in a reply, in their order: bare, fenced, or surrounded by prose.

    Repeated keys, NaN and infinities are refused.

    Args:
        text (str): Words of the model.
        opening (str): Characters that values begin with: ``"{"`` and maybe ``"["``.

    Yields:
        Any: Every whole value that stands in no other.

    Raises:
        ValueError: If there is none.
    """
    decoder = json.JSONDecoder(
        parse_constant=_refuse_constant,
        parse_float=_finite_float,
        object_pairs_hook=_unique_pairs,
    )
    problem = f"there is no {' or '.join(opening)} in it"
    found = False
    starts = re.compile(f"[{re.escape(opening)}]")
    start = starts.search(text)
    for _ in range(_MAX_STARTS):
        if start is None:
            break
        position = start.start() + 1
        try:
            value, end = decoder.raw_decode(text, start.start())
            value = encodable_values(value)  # recurses, and may fail where the decoder did not
        except (ValueError, RecursionError) as error:
            problem = str(error)
        else:
            position, found = end, True
            yield value
        start = starts.search(text, position)
    if not found:
        raise ValueError(f"the reply holds no JSON object: {problem}")


class Schema:
    """A pydantic model, or a list of one, as the form of replies.

    A list is asked for as the one field of an object, which every server can constrain.

    Args:
        model (type): Subclass of ``pydantic.BaseModel``, or ``list[...]`` of what pydantic knows.

    Raises:
        TypeError: If it is something else, or describes neither an object nor a list.
    """

    def __init__(self, model: Any) -> None:
        pydantic = optional("pydantic", "schema")
        self._invalid = pydantic.ValidationError
        base = isinstance(model, type) and issubclass(model, pydantic.BaseModel)
        if not base and get_origin(model) is not list:
            raise TypeError(
                "schema must be a subclass of pydantic.BaseModel, or list[...] of one, "
                f"got {model!r}"
            )
        form = pydantic.TypeAdapter(model).json_schema()
        kind = form.get("type", "object")
        if kind not in ("object", "array"):
            raise TypeError(
                f"schema must describe an object or a list, but {model!r} describes a {kind}: "
                "make it a field of a pydantic.BaseModel"
            )
        self._adapter = pydantic.TypeAdapter(model)
        self._list = kind == "array"
        outer = pydantic.create_model("Items", items=(model, ...)) if self._list else model
        self._name: str = outer.__name__
        self._outer = pydantic.TypeAdapter(outer)

    def response_format(self) -> dict[str, Any]:
        """Field of a request that asks the server to constrain its output."""
        # Other characters than these are refused by some servers (generic models have brackets).
        name = re.sub(r"[^A-Za-z0-9_-]", "_", self._name)[:64]
        body = {"name": name, "schema": self._outer.json_schema()}
        return {"type": "json_schema", "json_schema": body}

    def instruction(self) -> str:
        """Message that asks the model itself, for servers that cannot."""
        schema = json.dumps(self._outer.json_schema(), sort_keys=True)
        return (
            f"Answer with one JSON object that follows this JSON schema and nothing else:\n{schema}"
        )

    def parse(self, text: str) -> Any:
        """Validated object of a reply: the first that follows the schema.

        Returns:
            Any: An instance of the model, or a list.

        Raises:
            ValueError: If none does; the message, about the first, may go to the model.
        """
        problem: ValueError | None = None
        for content in json_values(text, "{[" if self._list else "{"):
            try:
                return self._validated(content)
            except self._invalid as error:
                problem = problem or error
        raise ValueError(_complaint(problem)) from problem

    def _validated(self, content: Any) -> Any:
        if not self._list:
            return self._outer.validate_python(content)
        if isinstance(content, list):
            return self._adapter.validate_python(content)
        return self._outer.validate_python(content).items


def _complaint(error: Any) -> str:
    parts = [
        f"{'.'.join(map(str, item['loc'])) or 'object'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(parts)[:_MAX_ERROR]


def repair_messages(
    messages: list[dict[str, str]], text: str, problem: str, instruction: str = ""
) -> list[dict[str, str]]:
    """Conversation that goes on with a request to correct the last answer.

    The instruction tells the schema where the conversation has not: a server that was to constrain
    its output by it, and did not, has not shown it to the model either.
    """
    ask = f"That answer cannot be used: {problem}\nGive the corrected JSON object and nothing else."
    if instruction:
        ask = f"{ask}\n{instruction}"
    return [
        *messages,
        {"role": "assistant", "content": text},
        {"role": "user", "content": ask},
    ]
