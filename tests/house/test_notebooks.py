"""The notebooks: generated from their scripts, free of traces of the run, and they run."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import graphlab
from tests._data import REPOSITORY

pytest.importorskip("jupytext", reason="needs the extra 'test'")
pytest.importorskip("nbclient", reason="needs the extra 'test'")
pytest.importorskip("ipykernel", reason="needs the extra 'test'")
pytest.importorskip("openai", reason="needs the extra 'tag'")
nbformat = pytest.importorskip("nbformat")
build = importlib.import_module("notebooks.build")

NAMES = [script.stem for script in build.SCRIPTS]
REBUILD = "run `make notebooks` and commit what it writes"

# A warning of the library, also one that it puts at the reader's line, is an error here. Without a
# compiler the notebooks still run, on the pure path.
STRICT = """
import warnings
warnings.filterwarnings("error", module=r"(graphlab\\b.*|__main__)")
warnings.filterwarnings("ignore", "graphlab runs without compiled kernels")
"""

#: The one that runs in the fast lane: each starts a kernel of its own, which imports everything.
FAST = "05_reconstruct_a_hypergraph"


def path_of(name: str) -> Path:
    return build.FOLDER / f"{name}.ipynb"


def test_every_script_has_its_notebook_and_every_notebook_its_script():
    assert sorted(path.stem for path in build.FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_that_of_its_script(name):
    written = nbformat.read(path_of(name), as_version=4)
    made = build.read(build.FOLDER / f"{name}.py")
    cells = [[(cell.cell_type, cell.id, cell.source) for cell in n.cells] for n in (written, made)]
    assert cells[0] == cells[1], REBUILD
    assert written.metadata == made.metadata, REBUILD


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_there_and_hold_no_trace_of_the_run(name):
    notebook = nbformat.read(path_of(name), as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    kinds = {(output.output_type, output.get("name", "")) for output in outputs}
    assert not kinds & {("stream", "stderr"), ("error", "")}
    assert any("image/png" in output.get("data", {}) for output in outputs)
    texts = [output.get("text", "") + output.get("data", {}).get("text/plain", "")
             for output in outputs]  # fmt: skip
    assert [text for text in texts if re.search(r"/(tmp|home|root|Users)/| at 0x", text)] == []


def test_notebooks_stay_small():
    size = sum(path.stat().st_size for path in build.FOLDER.iterdir() if path.is_file())
    assert size < 2 * 2**20


def test_the_list_names_every_notebook():
    for page in (build.FOLDER / "README.md", REPOSITORY / "docs" / "index.md"):
        text = page.read_text(encoding="utf-8")
        assert [name for name in NAMES if f"{name}.ipynb)" not in text] == [], page.name


def test_links_of_the_notebooks_lead_somewhere():
    missing = []
    for path in [*build.SCRIPTS, build.FOLDER / "README.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
            if "://" not in target and not (build.FOLDER / target).exists():
                missing.append(f"{path.name}: {target}")
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_notebook_takes_from_the_library_is_there(name):
    tree = ast.parse(build.SCRIPTS[NAMES.index(name)].read_text(encoding="utf-8"))
    wanted = [
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graphlab")
        for alias in node.names
    ]
    assert wanted
    for module, attribute in wanted:
        assert hasattr(importlib.import_module(module), attribute), (module, attribute)
    rooms = {name: getattr(graphlab, name) for module, name in wanted if module == "graphlab"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            room = rooms.get(node.value.id)
            assert room is None or hasattr(room, node.attr), f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize(
    "name", [n if n == FAST else pytest.param(n, marks=pytest.mark.slow) for n in NAMES]
)
def test_a_notebook_runs_to_its_end(name):
    notebook = nbformat.read(path_of(name), as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT, id="strict"))
    ran = build.execute(notebook)
    assert all(cell.execution_count for cell in ran.cells if cell.cell_type == "code")
