"""What the rules about the repository look at."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import graphlab
from tests._data import REPOSITORY

LIBRARY = REPOSITORY / "graphlab"
#: Every module of the library, packages included.
MODULES = sorted(m.name for m in pkgutil.walk_packages([str(LIBRARY)], "graphlab."))
ROOMS = [name for name in graphlab.__all__ if not name.startswith("_")]


def public_modules() -> dict[str, ModuleType]:
    """The library, its rooms, and every package inside them that lists public names."""
    names = ["graphlab", *(f"graphlab.{room}" for room in ROOMS)]
    modules = {name: importlib.import_module(name) for name in names}
    for name in MODULES:
        module = importlib.import_module(name) if _is_package(name) else None
        if module is not None and hasattr(module, "__all__"):
            modules[name] = module
    return modules


def _is_package(name: str) -> bool:
    return (REPOSITORY / Path(*name.split("."), "__init__.py")).is_file()


def source_of(name: str) -> Path:
    """File of a module of the library."""
    path = REPOSITORY / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def parse(path: Path) -> ast.Module:
    """Syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def lines_of(path: Path) -> int:
    """Number of lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def tracked_files() -> list[Path]:
    """Files of the repository as git sees it; the test is skipped without git."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs git and its folder to list the files of the repository")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
