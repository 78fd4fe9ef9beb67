"""Every public function and method, by what its arguments are: graphs, encoders, paths, tables."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOMS = json.loads(
    (Path(__file__).parents[1] / "house" / "surface.json").read_text(encoding="utf-8")
)

#: Rooms that are no part of the library's own language: the definitions of the operators.
_SKIPPED = ("graphlab.ops.reference",)

#: Names under which a graph or hypergraph is given.
_GRAPHS = ("edge_index", "data", "graph", "hyperedge_index", "hypergraph")
_TABLES = ("table",)


def kind_of(parameter: inspect.Parameter) -> str | None:
    """What a parameter takes, as far as it is one of the kinds that have rows."""
    name, annotation = parameter.name, str(parameter.annotation)
    if "Path" in annotation:
        return "path"
    if name == "gnn" or (name in ("encoder", "decoder") and "Module" in annotation):
        return "encoder"
    if name in ("encoder", "query_encoder") and "Ranked" not in annotation:
        return "text encoder"
    if (name in _TABLES and annotation != "Tensor") or (name == "ids" and annotation == "Any"):
        return "table"
    prepared = any(word in annotation for word in ("SparseRows", "CSRGraph", "SharedAdjacency"))
    if name == "batch" and annotation == "Any":  # a batch of a loader
        return "graph"
    if name in _GRAPHS and not (prepared and "Tensor" not in annotation):
        return "graph"
    return None


def takers(kind: str) -> dict[str, tuple[str, ...]]:
    """Names of the public functions that take such an argument, and of these arguments.

    A method that several classes share is there once, by the class that defines it.
    """
    found = {}
    for function in every_function():
        signature = inspect.signature(inspect.unwrap(function))
        names = tuple(p.name for p in signature.parameters.values() if kind_of(p) == kind)
        if names:
            found[function.__qualname__] = names
    return found


def every_function() -> Iterator[Callable[..., Any]]:
    """Public functions, methods and constructors, each once."""
    seen = set()
    for room, names in ROOMS.items():
        if room in _SKIPPED:
            continue
        module = importlib.import_module(room)
        for value in (getattr(module, name) for name in names):
            for function in _of(value):
                if function not in seen and function.__module__.startswith("graphlab"):
                    seen.add(function)
                    yield function


def _of(value: Any) -> Iterator[Callable[..., Any]]:
    """The function itself, or the public methods of a class and its constructor."""
    if inspect.isfunction(value):
        yield value
    if not inspect.isclass(value):
        return
    for name in dir(value):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        method = inspect.getattr_static(value, name)
        method = getattr(method, "__func__", method)
        if inspect.isfunction(method) and not _generated(method):
            yield method


def _generated(function: Any) -> bool:
    """Constructors of dataclasses, which hold results."""
    return bool(function.__code__.co_filename == "<string>")


#: An entry of a docstring, and the shape of edges in it.
_ENTRY = re.compile(r"^ +(\w+) \([^)]*\): (.*(?:\n {16,}.*)*)", re.MULTILINE)


def pairs() -> set[str]:
    """Other arguments of public functions whose documented shape is that of edges, ``(2, ...)``."""
    known, found = takers("graph"), set()
    for function in every_function():
        name = function.__qualname__
        parameters = inspect.signature(inspect.unwrap(function)).parameters
        for match in _ENTRY.finditer(inspect.unwrap(function).__doc__ or ""):
            given = match[1] in parameters and match[1] not in known.get(name, ())
            if given and "(2, " in match[2]:
                found.add(f"{name}.{match[1]}")
    return found
