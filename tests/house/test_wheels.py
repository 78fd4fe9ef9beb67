"""The look into the wheels finds what must not be released; ``make check-wheels`` installs them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

import graphlab
import graphlab_models
from tests._data import REPOSITORY

VERSION = graphlab.__version__
METADATA = f"""Metadata-Version: 2.4
Name: {{name}}
Version: {VERSION}
License-Expression: MIT
Requires-Python: >=3.10
Requires-Dist: torch>=2.10
"""
KERNELS = f"graphlab_cuda_ops-{VERSION}-cp310-abi3-linux_x86_64.whl"
LIBRARY = f"graphlab-{VERSION}-py3-none-any.whl"
MODELS = f"graphlab_models-{graphlab_models.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    path = REPOSITORY / ".ci" / "check_wheels.py"
    specification = importlib.util.spec_from_file_location("check_wheels", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def files_of(check: ModuleType, name: str) -> dict[str, str]:
    package = name.partition("-")[0]
    info = f"{package}-{check.version(package)}.dist-info"
    files = dict.fromkeys([f"{package}/__init__.py", f"{package}/py.typed"], "")
    if package == "graphlab":
        files |= dict.fromkeys(check.data_files() | check.script_files(), "")
        files |= {f"{info}/entry_points.txt": ""}
    elif package == "graphlab_models":
        files |= dict.fromkeys(check.model_files(), "")
    else:
        files |= {f"{package}/_build_info.json": "{}"}
    told = METADATA.format(name=package.replace("_", "-"))
    told = told.replace(f"Version: {VERSION}", f"Version: {check.version(package)}")
    return files | {f"{info}/METADATA": told, f"{info}/licenses/LICENSE": "MIT"}


def pack(folder: Path, name: str, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member, text in files.items():
            archive.writestr(member, text)
    return folder / name


def test_a_good_wheel_passes(check, tmp_path):
    for name in (LIBRARY, MODELS):
        assert check.problems(pack(tmp_path, name, files_of(check, name))) == []


@pytest.mark.parametrize("lacking", ["models.json", "tiny/model.safetensors", "tiny/README.md"])
def test_models_without_a_file_are_refused(check, tmp_path, monkeypatch, lacking):
    monkeypatch.setattr(check, "fragile_symbols", lambda path: [])
    files = files_of(check, MODELS)
    del files[f"graphlab_models/{lacking}"]
    files["graphlab_models/code.so"] = ""
    assert check.problems(pack(tmp_path, MODELS, files)) == [
        f"lacks graphlab_models/{lacking}", "holds a compiled library",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lacking", "added", "problem"),
    [
        ("graphlab/py.typed", None, "lacks graphlab/py.typed"),
        ("graphlab/datasets/hif_schema.json", None, "lacks graphlab/datasets/hif_schema.json"),
        (f"graphlab-{VERSION}.dist-info/licenses/LICENSE", None, "LICENSE"),
        (f"graphlab-{VERSION}.dist-info/METADATA", None, "METADATA"),
        ("graphlab/experiments/pamc/run.py", None, "lacks graphlab/experiments/pamc/run.py"),
        ("graphlab/experiments/results/pamc_dblp.json", None, "results/pamc_dblp.json"),
        (f"graphlab-{VERSION}.dist-info/entry_points.txt", None, "entry_points.txt"),
        (None, "experiments/pamc/run.py", "holds experiments beside the package"),
        (None, "tests/test_io.py", "holds tests beside the package"),
        (None, "benchmarks/pamc.py", "holds benchmarks beside the package"),
    ],
)
def test_a_wheel_with_too_little_or_too_much_is_refused(check, tmp_path, lacking, added, problem):
    files = files_of(check, LIBRARY)
    if lacking:
        del files[lacking]
    if added:
        files[added] = ""
    (found,) = check.problems(pack(tmp_path, LIBRARY, files))
    assert problem in found


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        (f"Version: {VERSION}", "Version: 9.9", "Version is '9.9'"),
        ("torch>=2.10", "torch==2.13.0", "does not require torch>=2.10"),
        ("MIT", "GPL", "License-Expression is 'GPL'"),
        (">=3.10", ">=3.11", "Requires-Python is '>=3.11'"),
    ],
)
def test_wrong_metadata_is_refused(check, line, instead, problem):
    text = METADATA.format(name="graphlab")
    assert check.metadata_problems(text, "graphlab") == []
    (found,) = check.metadata_problems(text.replace(line, instead), "graphlab")
    assert problem in found


def test_a_library_in_the_wrong_wheel_is_refused(check, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "fragile_symbols", lambda path: ["_ZN3c104Warn"])
    files = files_of(check, LIBRARY) | {"graphlab/_C.abi3.so": ""}
    found = check.problems(pack(tmp_path, LIBRARY, files))
    assert found == ["holds a compiled library", "needs _ZN3c104Warn of one torch version"]
    found = check.problems(pack(tmp_path, KERNELS, files_of(check, KERNELS)))
    assert found == ["lacks graphlab_cuda_ops/_C.abi3.so"]


def test_a_library_that_names_a_machine_is_refused(check, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "fragile_symbols", lambda path: [])
    text = f"cuda_ops/csrc/cpu/edge.cpp {REPOSITORY}/cuda_ops/csrc/cpu/edge.cpp"
    files = files_of(check, KERNELS) | {"graphlab_cuda_ops/_C.abi3.so": text}
    found = check.problems(pack(tmp_path, KERNELS, files))
    assert found == ["_C.abi3.so holds the path of its building"]
    files["graphlab_cuda_ops/_C.abi3.so"] = "cuda_ops/csrc/cpu/edge.cpp"
    assert check.problems(pack(tmp_path, KERNELS, files)) == []


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_symbols_of_one_torch_version_are_found(check, tmp_path):
    source, library = tmp_path / "a.cpp", tmp_path / "a.so"
    source.write_text("namespace at { void sum(); }\nvoid f() { at::sum(); }\n", encoding="utf-8")
    subprocess.run(["c++", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    assert check.fragile_symbols(str(library)) == ["_ZN2at3sumEv"]
    source.write_text('extern "C" void aoti();\nvoid f() { aoti(); }\n', encoding="utf-8")
    subprocess.run(["c++", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    assert check.fragile_symbols(str(library)) == []


def test_there_must_be_one_wheel_of_each(check, tmp_path):
    for name in (LIBRARY, KERNELS, MODELS):
        with pytest.raises(SystemExit, match="must hold one"):
            check.find_wheels(tmp_path)
        (tmp_path / name).touch()
    assert [path.name for path in check.find_wheels(tmp_path)] == [LIBRARY, KERNELS, MODELS]
    (tmp_path / "graphlab_cuda_ops-0.0.1-cp311-cp311-linux_x86_64.whl").touch()
    with pytest.raises(SystemExit, match="cp311-cp311"):
        check.find_wheels(tmp_path)


def test_the_version_stands_in_one_place(check):
    assert check.version() == VERSION
    for name in ("pyproject.toml", "cuda_ops/pyproject.toml", "models/pyproject.toml"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert 'dynamic = ["version"]' in text
        assert not re.search(r"^version = \"", text, flags=re.MULTILINE)
    for name in ("CHANGELOG.md", "CITATION.cff"):
        assert VERSION in (REPOSITORY / name).read_text(encoding="utf-8")


def test_installed_kernels_are_of_this_release():
    pytest.importorskip("graphlab_cuda_ops", reason="needs the compiled kernels")
    assert metadata.version("graphlab-cuda-ops") == VERSION


def test_all_distributions_carry_the_same_licence():
    names = ("LICENSE", "cuda_ops/LICENSE", "models/LICENSE")
    assert len({(REPOSITORY / name).read_bytes() for name in names}) == 1


@pytest.mark.slow
def test_the_library_as_built_passes(check, tmp_path):
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("graphlab", "experiments"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "-q", "-w", str(tmp_path), str(source)], check=True)
    assert check.problems(tmp_path / LIBRARY) == []
    with zipfile.ZipFile(tmp_path / LIBRARY) as archive:
        points = archive.read(f"graphlab-{VERSION}.dist-info/entry_points.txt").decode()
    assert "graphlab = graphlab.__main__:entry" in points


@pytest.mark.slow
def test_the_models_as_built_pass(check, tmp_path):
    source = tmp_path / "models"
    shutil.copytree(
        REPOSITORY / "models",
        source,
        ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"),
    )
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "-q", "-w", str(tmp_path), str(source)], check=True)
    assert check.problems(tmp_path / MODELS) == []
