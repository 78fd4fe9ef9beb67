"""What an import brings, and that none goes round in a circle."""

from __future__ import annotations

import ast
import importlib

import pytest

import graphlab
from tests.house._repository import MODULES, ROOMS, parse, run_python, source_of


def test_import_is_lazy():
    heavy = ["torch", "torch_geometric", "sklearn", "networkx", "scipy", "ogb", "matplotlib"]
    code = f"import graphlab, sys; print([m for m in {heavy} if m in sys.modules])"
    assert run_python(code) == "[]"


def test_rooms_bring_nothing_slow_that_torch_geometric_does_not():
    heavy = ["sklearn", "networkx", "ogb", "matplotlib", "transformers", "sentence_transformers"]
    heavy += ["openai", "pydantic", "pandas", "peft", "xgi", "networkit", "igraph", "tyro"]
    heavy += ["scipy.stats", "scipy.optimize", "scipy.io", "scipy.special", "scipy.spatial"]
    code = f"""
import sys, torch_geometric
before = set(sys.modules)
import graphlab
for room in {ROOMS}:
    getattr(graphlab, room)
print([m for m in {heavy} if m in sys.modules and m not in before])
"""
    assert run_python(code) == "[]"


def test_rooms_load_on_first_use():
    assert set(graphlab.__all__) <= set(dir(graphlab))
    assert graphlab.info is importlib.import_module("graphlab.info")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        graphlab.nonsense  # noqa: B018


def imported_modules(name: str) -> set[str]:
    """Modules of the library that a module imports, inside functions and for types too.

    A name taken from a package's ``__init__`` counts as the package; importing a module runs the
    packages above it, which is no circle: they are left out.
    """
    found = set()
    for node in ast.walk(parse(source_of(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(name, node)
            modules = {f"{start}.{alias.name}" for alias in node.names}
            found |= {module if module in MODULES else start for module in modules}
    return (found & set(MODULES)) - {name}


def _absolute(name: str, node: ast.ImportFrom) -> str:
    """Module that an import statement of a module names."""
    if not node.level:
        return node.module or ""
    package = name.split(".") if source_of(name).name == "__init__.py" else name.split(".")[:-1]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def circles(imports: dict[str, set[str]]) -> set[frozenset[str]]:
    """Groups of modules each of which reaches all others of its group (Tarjan)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups = set()

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in imports[name]:
            if other not in order:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = frozenset(stack[stack.index(name) :])
            del stack[stack.index(name) :]
            if len(group) > 1:
                groups.add(group)

    for name in imports:
        if name not in order:
            visit(name)
    return groups


def test_circles_are_found():
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"f"}, "f": {"e"}}
    assert circles(imports) == {frozenset("abc"), frozenset("ef")}
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()


def test_no_modules_need_each_other():
    assert circles({name: imported_modules(name) for name in MODULES}) == set()
