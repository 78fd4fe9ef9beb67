"""Docstrings: their examples run, and their arguments are written in one dialect."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from tests.house._repository import MODULES, public_modules

#: Rooms with public names that are not yet written so, in them or in a package inside.
NOT_YET: set[str] = set()
#: Definitions have the arguments of the operators, where those are documented.
ELSEWHERE = {"graphlab.ops.reference"}
ROOMS = sorted(set(public_modules()) - {"graphlab"} - ELSEWHERE)

ENTRY = re.compile(r"^ {4}(\*{0,2}\w+(?:, \*{0,2}\w+)*)( \(.+?\))?:(?: |$)")
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


EXAMPLES = [name for name in ["graphlab", *MODULES] if ">>> " in source(name)]


def test_examples_are_found():
    assert len(EXAMPLES) > 100


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    # Examples may write: they do it where nothing else lies.
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPHLAB_ROOT", raising=False)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.failed == 0


def entries(doc: str) -> dict[str, bool]:
    """Names under ``Args:`` and ``Attributes:``, and whether each has a type."""
    found: dict[str, bool] = {}
    inside = False
    for line in inspect.cleandoc(doc).splitlines():
        if line and not line.startswith(" "):
            inside = line in ("Args:", "Attributes:")
        match = ENTRY.match(line) if inside else None
        if match:
            found |= {name.strip("* "): bool(match[2]) for name in match[1].split(",")}
    return found


def parameters(function: Any) -> list[str]:
    """Named parameters of a function or class, without ``self`` and variadic ones."""
    try:
        listed = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some classes of C have none
        return []
    return [p.name for p in listed if p.kind not in VARIADIC and p.name not in ("self", "cls")]


def violations(label: str, doc: str | None, names: list[str]) -> Iterator[str]:
    """What is missing, untyped or left over in the arguments of a docstring."""
    written = entries(doc or "")
    yield from (f"{label}: {name} is missing" for name in names if name not in written)
    yield from (f"{label}: {name} has no type" for name in names if written.get(name) is False)


def public_callables(module: Any) -> Iterator[tuple[str, str | None, list[str]]]:
    """Label, docstring and parameters of what a room exports, with the methods of classes."""
    for name in module.__all__:
        thing = getattr(module, name)
        if not isinstance(thing, type):
            if isinstance(thing, FunctionType):
                yield name, thing.__doc__, parameters(thing)
            continue
        if issubclass(thing, Enum) or getattr(thing, "_is_protocol", False):
            continue
        yield name, thing.__doc__, parameters(thing)
        for base in thing.__mro__:
            if base.__module__.startswith("graphlab."):
                yield from _methods(name, base)


def _methods(name: str, cls: type) -> Iterator[tuple[str, str | None, list[str]]]:
    for key, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType) and not key.startswith("_"):
            given = parameters(function)
            bound = isinstance(member, classmethod) and given[:1] == ["cls"]
            yield f"{name}.{key}", function.__doc__, given[1:] if bound else given


def test_entries_are_read_in_the_one_dialect():
    doc = """Head.

    Args:
        x (Tensor, optional): Values
            (two lines): of which one looks like an entry.
        a, b (int): Numbers.
        bare: No type.
        **more (Any): The rest.

    Returns:
        Tensor: Not an argument.
    """
    assert entries(doc) == {"x": True, "a": True, "b": True, "bare": False, "more": True}
    found = list(violations("f", doc, ["x", "bare", "gone"]))
    assert found == ["f: gone is missing", "f: bare has no type"]


@pytest.mark.parametrize("room", ROOMS)
def test_public_arguments_are_documented_with_their_types(room):
    listed = {entry[0]: entry for entry in reversed(list(public_callables(public_modules()[room])))}
    found = [wrong for entry in listed.values() for wrong in violations(*entry)]
    if found and ".".join(room.split(".")[:2]) in NOT_YET:
        pytest.xfail(f"{len(found)} arguments, first {found[0]}")
    assert found == []
