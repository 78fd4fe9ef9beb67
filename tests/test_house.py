"""Rules that hold for the repository as a whole."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import graphlab
from experiments._harness.scripts import all_scripts
from tests._data import REPOSITORY

LIBRARY = REPOSITORY / "graphlab"
MODULES = sorted(m.name for m in pkgutil.walk_packages([str(LIBRARY)], "graphlab."))
SOURCES = sorted(path.relative_to(REPOSITORY).as_posix() for path in LIBRARY.rglob("*.py"))

# Written in pieces, so that this file obeys its own rule.
ABSOLUTE = re.compile(
    r"(?<![\w.:$}~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me"]) + r")/\w"
)
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "conda.ana" + "conda.org",
]


def tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and its folder to list the files of the repository")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_no_file_names_a_machine():
    offenders = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if ABSOLUTE.search(line) or any(host in line for host in REGISTRIES):
                offenders.append(f"{path.relative_to(REPOSITORY)}:{number}")
    assert offenders == []


@pytest.mark.parametrize("source", SOURCES)
def test_library_neither_asserts_nor_prints(source):
    tree = ast.parse((REPOSITORY / source).read_text(encoding="utf-8"))
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    prints = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert (asserts, prints) == ([], [])


def test_scripts_are_short_enough_to_read_at_once():
    scripts = {module.__file__ for module in all_scripts().values()}
    long = {p: n for p in scripts if (n := len(Path(p).read_text("utf-8").splitlines())) > 250}
    assert len(scripts) == 11
    assert long == {}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_importable(name):
    importlib.import_module(name)


@pytest.mark.parametrize("name", ["graphlab", *MODULES])
def test_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    # Examples may write: they do it where nothing else lies.
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRAPHLAB_ROOT", raising=False)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert result.failed == 0


def test_import_is_lazy():
    heavy = ["torch", "torch_geometric", "sklearn", "networkx", "scipy", "ogb", "matplotlib"]
    code = f"import graphlab, sys; print([m for m in {heavy} if m in sys.modules])"
    assert run_python(code) == "[]"


def test_rooms_bring_nothing_slow_that_torch_geometric_does_not():
    heavy = ["sklearn", "networkx", "ogb", "matplotlib", "transformers", "sentence_transformers"]
    heavy += ["openai", "pydantic", "pandas", "peft", "xgi", "networkit", "igraph", "tyro"]
    heavy += ["scipy.stats", "scipy.optimize", "scipy.io", "scipy.special", "scipy.spatial"]
    rooms = [room for room in graphlab.__all__ if not room.startswith("_")]
    code = f"""
import sys, torch_geometric
before = set(sys.modules)
import graphlab
for room in {rooms}:
    getattr(graphlab, room)
print([m for m in {heavy} if m in sys.modules and m not in before])
"""
    assert run_python(code) == "[]"


def test_rooms_load_on_first_use():
    assert set(graphlab.__all__) <= set(dir(graphlab))
    assert graphlab.info is importlib.import_module("graphlab.info")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        graphlab.nonsense  # noqa: B018


def test_version_is_that_of_the_distribution():
    assert graphlab.__version__ == metadata.version("graphlab")


def test_constraints_pin_every_direct_dependency():
    text = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w-]+)==", text, flags=re.MULTILINE))
    wanted = set()
    for line in metadata.requires("graphlab") or []:
        name, _, marker = line.partition(";")
        if not marker or re.search(r"extra == .(test|viz|experiments)\b", marker):
            wanted.add(re.split(r"[^\w-]", name.strip())[0])
    assert "torch" in wanted
    assert wanted <= pinned


def listed_requirements() -> dict[str, list[tuple[Requirement, str]]]:
    """What pyproject.toml lists per extra ("" for the core), each with its line.

    Read from the text: Python 3.10 has no parser for it.
    """
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = text.partition("[project]\n")[2].partition("\n[tool.")[0]
    lists = re.findall(r"^([\w-]+) = \[(.*?)\](?=\n)", project, flags=re.MULTILINE | re.DOTALL)
    kinds = {name: body for name, body in lists if name not in ("authors", "keywords")}
    names = ["dependencies", "tag", "viz", "hyper", "experiments", "test", "docs", "all"]
    assert [name for name in kinds if name in names] == names
    return {
        "" if name == "dependencies" else name: [
            (Requirement(quoted), line)
            for line in kinds[name].splitlines()
            for quoted in re.findall(r'"([^"]+)"', line.partition("#")[0])
        ]
        for name in names
    }


def bounds(kind: str) -> dict[str, Version]:
    """Lower bounds, by distribution."""
    return {
        wanted.name: Version(specifier.version)
        for wanted, _ in listed_requirements()[kind]
        for specifier in wanted.specifier
        if specifier.operator == ">="
    }


def pins(name: str) -> dict[str, Version]:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    return {
        found: Version(number)
        for found, number in re.findall(r"^([\w-]+)==([\w.]+)", text, flags=re.MULTILINE)
    }


@pytest.mark.parametrize("kind", ["", "tag", "viz", "hyper", "experiments"])
def test_every_dependency_of_users_has_a_lower_bound(kind):
    names = {wanted.name for wanted, _ in listed_requirements()[kind]}
    assert names == set(bounds(kind))


def test_no_dependency_has_an_upper_bound_without_a_link():
    lines = [entry for kind in listed_requirements().values() for entry in kind]
    offenders = [
        line.strip()
        for wanted, line in lines
        if any(s.operator != ">=" for s in wanted.specifier) and "https://" not in line
    ]
    assert offenders == []


def test_lowest_constraints_are_the_lower_bounds():
    wanted = {}
    for kind in ("", "tag", "viz", "hyper", "experiments"):
        for name, bound in bounds(kind).items():
            assert wanted.setdefault(name, bound) == bound, f"{name} has two lower bounds"
    assert pins("constraints-lowest.txt") == wanted


def test_the_tested_set_is_within_the_lower_bounds():
    tested = pins("constraints.txt")
    for kind in ("", "tag", "viz", "hyper", "experiments"):
        for name, bound in bounds(kind).items():
            assert tested.get(name, bound) >= bound


def test_report_knows_the_core_and_the_extras():
    from graphlab import info

    listed = listed_requirements()
    core = [wanted.name for wanted, _ in listed[""]]
    assert list(info._CORE) == [*core, "graphlab-cuda-ops"]
    extras = {kind: {w.name.replace("-", "_") for w, _ in listed[kind]} for kind in info._EXTRAS}
    assert extras == {kind: set(names) for kind, names in info._EXTRAS.items()}


def test_library_is_marked_as_typed():
    assert (LIBRARY / "py.typed").is_file()


def test_installed_kernels_are_active(kernels):
    pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    disabled = os.environ.get("GRAPHLAB_DISABLE_KERNELS", "0") not in ("", "0")
    assert kernels.compiled is not disabled, kernels.reason


def test_schema_versions_agree():
    from graphlab.ops import library

    header = REPOSITORY / "cuda_ops" / "csrc" / "schema_version.h"
    text = header.read_text(encoding="utf-8")
    assert f"#define GRAPHLAB_SCHEMA_VERSION {library.SCHEMA_VERSION}\n" in text


@pytest.mark.parametrize("which", ["cpu_library", "cuda_library"])
def test_kernels_import_no_symbol_of_one_torch_version(which):
    kernels = pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    library = getattr(kernels, which)()
    if library is None:
        pytest.skip(f"graphlab-cuda-ops was built without its {which.replace('_', ' ')}")
    if shutil.which("nm") is None:
        pytest.skip("needs nm to read the symbols of the library")
    command = ["nm", "-D", "--undefined-only", str(library)]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"_ZN\S*(?:3c10|2at|5torch)\S*", symbols) == []


def test_kernel_package_does_not_import_torch():
    pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    assert run_python("import graphlab_cuda_ops, sys; print('torch' in sys.modules)") == "False"


@pytest.mark.slow
def test_wheel_is_pure_python(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(LIBRARY, source / "graphlab", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "-q", "-w", str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"graphlab-{graphlab.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "graphlab/py.typed" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"graphlab"}
