"""The part of JSON Schema that the Hypergraph Interchange Format needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
}
_EXACT: dict[str, set[type]] = {
    "object": {dict},
    "array": {list},
    "string": {str},
    "integer": {int},
    "number": {int, float},
}


def validate(value: Any, schema: Mapping[str, Any], where: str) -> None:
    """Raise a ``ValueError`` that names the first entry where ``value`` breaks ``schema``."""
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{where} must be one of {schema['enum']}, got {value!r:.80}")
    if "type" in schema:
        _check_type(value, schema["type"], where)
    if isinstance(value, dict) and "properties" in schema:
        _check_object(value, schema, where)
    if isinstance(value, list) and "items" in schema and not _fine(value, schema["items"]):
        for number, item in enumerate(value):
            validate(item, schema["items"], f"{where}[{number}]")


def _fine(records: list[Any], schema: Mapping[str, Any]) -> bool:
    """Test flat records column by column; False where that leaves it open.

    Millions of records have few forms and few types, which C code finds out.
    """
    if "properties" not in schema or set(map(type, records)) != {dict}:
        return False
    required, known = set(schema.get("required", ())), schema["properties"]
    forms = set(map(tuple, records))
    if not all(required <= set(form) <= known.keys() for form in forms):
        return False
    for name in set().union(*forms):
        column = [record[name] for record in records if name in record]
        if not _fine_column(column, known[name]):
            return False
    return True


def _fine_column(column: list[Any], schema: Mapping[str, Any]) -> bool:
    types = set(map(type, column))
    if "enum" in schema:
        return types == {str} and set(column) <= set(schema["enum"])
    if "type" not in schema or "properties" in schema or "items" in schema:
        return False
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return types <= set().union(*(_EXACT[name] for name in names)) and (
        float not in types or all(map(math.isfinite, column))
    )


def _check_type(value: Any, allowed: str | list[str], where: str) -> None:
    names = [allowed] if isinstance(allowed, str) else allowed
    fits = any(isinstance(value, _TYPES[name]) for name in names)
    if isinstance(value, bool) or not fits:  # in Python, true and false are integers
        raise ValueError(f"{where} must be of type {' or '.join(names)}, got {value!r:.80}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} must be finite, got {value!r}")


def _check_object(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> None:
    known = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            raise ValueError(f"{where} lacks the field {name!r}")
    for name, part in value.items():
        if name not in known:
            raise ValueError(
                f"{where} has the unknown field {name!r:.80}; known are {sorted(known)}"
            )
        validate(part, known[name], f"{where}.{name}")
