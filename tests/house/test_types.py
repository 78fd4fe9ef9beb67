"""What a type checker and an editor see of the library: choices, results, rooms, the documents."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from tests._data import REPOSITORY
from tests.house._repository import MODULES, parse, public_modules, source_of

#: Strings that are free text or a name of the user's, not one of a few words.
FREE_TEXT = {
    "api_key_variable", "attr_name", "device", "error", "join", "key", "kind", "label", "labels",
    "network", "prefix", "question", "status", "subject", "task", "text", "text_model", "version",
    "weight", "xlabel", "ylabel",
}  # fmt: skip


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def annotations(node: ast.FunctionDef | ast.ClassDef) -> dict[str, str]:
    """Annotated parameters of a function, or fields of a class, as source text."""
    if isinstance(node, ast.ClassDef):
        fields = [f for f in node.body if isinstance(f, ast.AnnAssign)]
        return {f.target.id: ast.unparse(f.annotation) for f in fields if hasattr(f.target, "id")}
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return {a.arg: ast.unparse(a.annotation) for a in arguments if a.annotation is not None}


def words(annotation: Any) -> tuple[str, ...] | None:
    """The strings of the Literal in an annotation, if there is one."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    for part in get_args(annotation):
        if get_origin(part) is Literal:
            return get_args(part)
    return None


def checked_choices() -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Every parameter that ``check_choice`` looks at in its module: its annotation, its values."""
    found = []
    for name in MODULES:
        tree, names = parse(source_of(name)), vars(importlib.import_module(name))
        annotated: dict[str, set[str]] = {}
        for node in functions(tree):
            for parameter, text in annotations(node).items():
                annotated.setdefault(parameter, set()).add(text)
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "check_choice":
                continue
            if not isinstance(call.args[1], ast.Constant):
                continue  # the name comes from the caller
            parameter = ast.literal_eval(call.args[1])
            allowed = eval(compile(ast.Expression(call.args[2]), name, "eval"), dict(names))
            for text in annotated.get(parameter, set()):
                try:
                    known = words(eval(text, dict(names)))
                except (NameError, TypeError):  # a name for checkers alone
                    known = ()
                if known is not None:
                    found.append((name, parameter, known, tuple(allowed)))
    return found


def public_functions() -> list[Any]:
    """Public functions, and the methods of public classes."""
    things = [getattr(m, name) for m in public_modules().values() for name in m.__all__]
    methods = [f for thing in things if isinstance(thing, type) for f in vars(thing).values()]
    functions = filter(inspect.isfunction, [*things, *methods])
    return [f for f in functions if f.__module__.startswith("graphlab")]


def test_literal_types_hold_exactly_what_is_accepted():
    found = checked_choices()
    assert len(found) > 30
    wrong = [row for row in found if row[2] and set(row[3]) != set(row[2])]
    assert wrong == []


def test_a_choice_among_words_is_a_literal_type():
    """A parameter with a word as default is one, but for those that are free text."""
    plain = {
        f"{function.__module__}.{function.__qualname__}({parameter.name})"
        for function in public_functions()
        for parameter in inspect.signature(function).parameters.values()
        if isinstance(parameter.default, str)
        and parameter.annotation in ("str", "str | None")
        and parameter.name not in FREE_TEXT
        and re.fullmatch(r"[a-z_0-9+]+", parameter.default)
    }
    assert plain == set()


def rooms_of(name: str) -> set[str]:
    """Packages inside a package that the API reference lists."""
    listed = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    inside = re.findall(rf"^   {re.escape(name)}\.(\w+)$", listed, re.MULTILINE)
    return set(inside)


@pytest.mark.parametrize("name", sorted(public_modules()))
def test_the_tab_key_shows_public_names_alone(name):
    module = importlib.import_module(name)
    shown = set(dir(module))
    assert shown == set(module.__all__) | rooms_of(name)
    assert not any(part.startswith("_") for part in shown - {"__version__"})


def test_an_editable_install_is_a_plain_path():
    """Checkers follow a folder on the path, and no import hook."""
    for name in ("Makefile", ".github/workflows/weekly.yml"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if re.search(r" -e( |$)", line)]
        assert lines and all("editable_mode=compat -e" in line for line in lines), name


# --- pyright --------------------------------------------------------------------------------------

REVEALED = """
from collections.abc import Sequence

from typing_extensions import assert_type

import torch
from torch import Tensor
from torch_geometric.data import Data

import graphlab
from graphlab.contrastive import PamCLoss
from graphlab.datasets import DigitsKNN, digits_knn
from graphlab.embed import FastRP, topological_concentration
from graphlab.hyper import HypergraphReconstructor, project
from graphlab.tag import TextGraph

data = digits_knn()
assert_type(data.edge_index, Tensor)
assert_type(data.num_nodes, int)
assert_type(DigitsKNN()[0].x, Tensor)
assert_type(topological_concentration(data), Tensor)
several = topological_concentration(data, targets={"train": None})
assert_type(several, dict[str, Tensor])
assert_type(graphlab.embed.FastRP(dim=8).fit_transform(data), Tensor)
graph = TextGraph.from_data(Data(edge_index=data.edge_index), ["a", "b"])
assert_type(graph.text, Sequence[str])
model = HypergraphReconstructor(beta=5).fit(torch.zeros(2, 0, dtype=torch.long), 4)
found = model.predict(project(data.edge_index, 4), 4)
assert_type(found.edge_index, Tensor)

PamCLoss(negatives="mete")  # pyright: ignore[reportArgumentType]
FastRP(projection="sparse")  # pyright: ignore[reportArgumentType]
graphlab.embod  # pyright: ignore[reportAttributeAccessIssue]
graphlab.tag.Tape  # pyright: ignore[reportAttributeAccessIssue]
"""


#: Pages whose code is right and whose third-party stubs say otherwise: PyG's `Data` has optional
#: parts, networkx takes `weight=None`, pandas a column where it declares an index.
STUBS_DISAGREE = {"training_loops", "your_graph"}


def journeys() -> dict[str, str]:
    """Code as users write it: the sections of the quickstart, and the blocks of every page."""
    found = {"revealed": REVEALED}
    for page in sorted((REPOSITORY / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if page.stem == "quickstart":
            found |= {f"quickstart_{number}": block for number, block in enumerate(blocks)}
        elif blocks and page.stem not in STUBS_DISAGREE:
            found[page.stem] = "\n".join(blocks)
    return found


@pytest.mark.slow
def test_code_of_the_documents_passes_pyright(tmp_path: Path):
    pytest.importorskip("basedpyright", reason="needs basedpyright, which is in the extra test")
    for name, code in journeys().items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    settings = {
        "typeCheckingMode": "basic",
        "extraPaths": [str(REPOSITORY)],
        "reportUndefinedVariable": "none",  # what a page says in words
        "reportMissingImports": "none",  # packages of an extra, which may not be here
        "reportUnusedExpression": "none",
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "-p", str(tmp_path)]
    done = subprocess.run(
        [*command, "--pythonpath", sys.executable], capture_output=True, text=True
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(journeys())
    errors = [
        f"{Path(e['file']).name}:{e['range']['start']['line'] + 1}: {e['message']}"
        for e in report["generalDiagnostics"]
        if e["severity"] == "error"
    ]
    assert errors == []
