"""Short texts of objects: what a notebook shows of a result is one line, whatever it holds."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

__all__: list[str] = []

_VALUE = 60  # characters of one value
_ALL = 400  # characters of all values together
_ITEMS = 20  # entries of a list that is written out, at most
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_MISSING = object()
_Class = TypeVar("_Class", bound=type)


def short_repr(cls: _Class) -> _Class:
    """Give a class a repr of one line: what is not default, tensors by their shape, no address.

    It shows the fields of a dataclass or a named tuple, and the parameters of the constructor of
    any other class, as far as they are attributes of that name, with an underscore or without.

    Args:
        cls (type): A class; a dataclass is decorated after it was made one.

    Returns:
        type: The same class.
    """
    setattr(cls, "__repr__", _repr)  # noqa: B010 (checkers refuse to assign a method)
    return cls


def described(name: str, values: Iterable[tuple[str, Any]]) -> str:
    """Write ``name(key=value, ...)`` with short values; the rest is left out where it is long."""
    parts: list[str] = []
    room = _ALL
    for key, value in values:
        part = f"{key}={short(value)}"
        room -= len(part) + 2
        if room < 0:
            parts.append("...")
            break
        parts.append(part)
    return f"{name}({', '.join(parts)})"


def same(value: Any, default: Any) -> bool:
    """Whether a parameter has its default, for values whose ``==`` may be anything."""
    if value is default:
        return True
    try:
        return type(value) is type(default) and bool(value == default)
    except (TypeError, ValueError, RuntimeError):
        return False  # arrays and tensors compare entry by entry


def short(value: Any) -> str:
    """One line for any value: its shape if it has one, its length if it is long, never values."""
    if isinstance(value, np.generic):
        value = value.item()
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__}{tuple(shape)}"
    if isinstance(value, torch.nn.Module) and _repr_of(value) is torch.nn.Module.__repr__:
        return f"{type(value).__name__}()"
    if isinstance(value, str):
        return _cut(repr(value if len(value) <= _VALUE else value[:_VALUE]))
    if isinstance(value, (list, tuple, dict, set, frozenset)) and len(value) > _ITEMS:
        return f"{type(value).__name__} of {len(value):,}"
    if type(value) in (list, tuple) and value:
        text = ", ".join(map(short, value))
        left, right = "[]" if isinstance(value, list) else ("(", ",)" if len(value) == 1 else ")")
        return _cut(f"{left}{text}{right}")
    if type(value) is dict and value:
        return _cut(f"{{{', '.join(f'{key!r}: {short(item)}' for key, item in value.items())}}}")
    if _repr_of(value) is object.__repr__:
        return f"{type(value).__name__}()"  # its own text is an address, which says nothing
    if inspect.isroutine(value) and hasattr(value, "__qualname__"):
        return _cut(str(value.__qualname__))
    return _cut(_ADDRESS.sub("", repr(value)))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 3]}..."


def _repr(self: Any) -> str:
    shown = []
    for name, default in _defaults(type(self)).items():
        value = getattr(self, name, getattr(self, f"_{name}", _MISSING))
        if value is not _MISSING and not same(value, default):
            shown.append((name, value))
    return described(type(self).__name__, shown)


def _defaults(cls: type) -> Mapping[str, Any]:
    """Names that the repr of a class shows, with their defaults."""
    if dataclasses.is_dataclass(cls):
        fields = [field for field in dataclasses.fields(cls) if field.repr]
        return {field.name: field.default for field in fields}
    if hasattr(cls, "_fields"):
        return dict.fromkeys(cls._fields, _MISSING)
    parameters = list(inspect.signature(cls).parameters.values())
    return {parameter.name: parameter.default for parameter in parameters}


def _repr_of(value: Any) -> Any:
    return getattr(type(value), "__repr__", None)
