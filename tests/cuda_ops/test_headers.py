"""Headers of other versions of torch: which, where from, and what is said where there are none."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests._data import REPOSITORY

FOLDER = REPOSITORY / "cuda_ops"


@pytest.fixture(scope="module")
def headers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_headers_under_test", FOLDER / "headers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pinned(name: str) -> str:
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    match = re.search(r"^torch==(\S+)$", text, flags=re.MULTILINE)
    assert match is not None
    return match.group(1)


def test_the_versions_are_the_lowest_one_between_and_the_pinned(headers):
    target = re.search(r'^TARGET = "(\w+)"', (FOLDER / "setup.py").read_text(), re.MULTILINE)
    assert target is not None
    lowest = headers.lowest(target.group(1))
    assert lowest == pinned("constraints-lowest.txt")
    order = [
        tuple(map(int, v.split("."))) for v in (lowest, headers.MIDDLE, pinned("constraints.txt"))
    ]
    assert order == sorted(set(order))


def wheel(folder: Path, *names: str) -> None:
    with zipfile.ZipFile(folder / "torch-1-py3-none-any.whl", "w") as archive:
        for name in names:
            archive.writestr(name, name)


STABLE, OTHER = "torch/include/torch/csrc/stable/ops.h", "torch/include/ATen/ATen.h"


def test_only_the_stable_interface_is_kept(headers, tmp_path):
    asked = []

    def get(version: str, folder: Path) -> None:
        asked.append(version)
        wheel(folder, str(Path(STABLE).parent) + "/", STABLE, OTHER, "torch/version.py")

    for _ in range(2):
        folder, why = headers.fetch("9.9", tmp_path, get)
        assert folder == tmp_path / "9.9" and why == ""
    assert asked == ["9.9"]
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert files == ["torch/csrc/stable/ops.h"]
    assert [path.name for path in tmp_path.iterdir()] == ["9.9"]


def test_a_version_that_cannot_be_had_says_why(headers, tmp_path):
    assert headers.fetch("9.9", tmp_path, lambda *_: "no network") == (None, "no network")
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_without_the_headers_is_no_answer(headers, tmp_path):
    with pytest.raises(ValueError, match="no header of the stable interface"):
        headers.fetch("9.9", tmp_path, lambda _, folder: wheel(folder, OTHER))
    assert list(tmp_path.iterdir()) == []


def test_what_compiled_is_compiled_again_after_a_change_alone(headers, tmp_path):
    include = tmp_path / "build" / "9.9"
    include.mkdir(parents=True)
    (tmp_path / "csrc").mkdir()
    source = tmp_path / "a.cpp"
    source.write_text("")
    log = tmp_path / "log"
    script = f"open({str(log)!r}, 'a').write('x')"

    def run() -> int:
        headers.compile_all(tmp_path, include, ["a.cpp"], lambda *_: [sys.executable, "-c", script])
        return len(log.read_text())

    assert [run(), run()] == [1, 1]
    stamp = include / "compiled" / "a.cpp"
    later = stamp.stat().st_mtime + 10
    os.utime(source, (later, later))
    assert run() == 2


def test_a_source_that_does_not_compile_is_named(headers, tmp_path):
    include = tmp_path / "9.9"
    include.mkdir()
    (tmp_path / "a.cpp").write_text("")
    failing = [sys.executable, "-c", "print('undeclared'); raise SystemExit(1)"]
    with pytest.raises(SystemExit, match=r"a\.cpp does not compile against torch 9\.9\nundeclared"):
        headers.compile_all(tmp_path, include, ["a.cpp"], lambda *_: failing)
    assert not (include / "compiled").exists()
