"""Test runs in forks of a process that has imported everything but the library."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tests._data import REPOSITORY

#: What every test run imports anyway; importing it takes longer than most of the runs.
_FIRST = ("numpy", "scipy.sparse", "torch", "torch_geometric.nn", "sklearn.linear_model")
_FIRST += ("hypothesis", "pandas", "networkx")
#: Seconds in which a run that computes less than one of them is taken to wait for ever.
_IDLE = 120.0
_QUIET = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-m", "not slow"]
_QUIET += ["-W", "ignore:Module already imported so cannot be rewritten"]


@dataclass
class Baseline:
    """A run without mistakes.

    Attributes:
        tests (dict[str, float]): CPU seconds of every test.
        lines (dict[str, dict[int, list[str]]]): Tests by file and line.
    """

    tests: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)


def warm_up() -> None:
    """Import what no mutant changes."""
    for name in _FIRST:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def baseline(files: list[str], tests: list[str]) -> Baseline:
    """Run tests with a record of which of them run which line."""

    def run(out: Path) -> int:
        import coverage

        measured = [str(REPOSITORY / name) for name in files]
        record = coverage.Coverage(data_file=None, include=measured, config_file=False)
        seconds: dict[str, float] = {}

        class Plugin:
            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
                record.switch_context(item.nodeid)
                start = time.process_time()
                yield
                seconds[item.nodeid] = time.process_time() - start

        record.start()
        status = int(pytest.main([*_QUIET, *tests], plugins=[Plugin()]))
        record.stop()
        lines: dict[str, dict[int, list[str]]] = {}
        for name, path in zip(files, measured, strict=True):
            lines[name] = record.get_data().contexts_by_lineno(path)
        out.write_text(json.dumps({"tests": seconds, "lines": lines}), encoding="utf-8")
        return status

    with _scratch() as out:
        status, text = _forked(run, out, cpu_seconds=7200)
        if status != 0:
            raise RuntimeError(f"the tests fail without a mistake:\n{text}")
        found = json.loads(out.read_text(encoding="utf-8"))
    by_line: dict[str, dict[int, list[str]]] = defaultdict(dict)
    for name, lines in found["lines"].items():
        by_line[name] = {int(line): contexts for line, contexts in lines.items()}
    return Baseline(found["tests"], by_line)


def verdict(file: str, tree: ast.Module, tests: list[str], cpu_seconds: int) -> str:
    """What the tests say of a mutant: ``killed``, ``survived`` or ``endless``."""

    def run(out: Path) -> int:
        sys.meta_path.insert(0, _Mutation(file, tree))
        return int(pytest.main([*_QUIET, *tests]))

    with _scratch() as out:
        status, _ = _forked(run, out, cpu_seconds)
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "endless"
    return "survived" if status == 0 else "killed"


def _forked(run: Callable[[Path], int], out: Path, cpu_seconds: int) -> tuple[int, str]:
    """Exit status of a fork, negative for a signal, and the end of what it printed."""
    log = out.with_suffix(".log")
    child = os.fork()
    if child == 0:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
        status = 70
        try:
            status = run(out)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    status = _ended(child)
    text = log.read_text(encoding="utf-8", errors="replace")[-3000:]
    return os.waitstatus_to_exitcode(status), text


def _ended(child: int) -> int:
    """Status of a child that ends, or is ended where it waits for what never comes.

    A mistake can make a test sleep for ever, which costs no time of the processor and meets no
    limit of it: who has computed next to nothing for some minutes computes nothing any more.
    """
    seen, since = -1.0, time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        used = _cpu_seconds(child)
        if used > seen + 1.0:
            seen, since = used, time.monotonic()
        elif time.monotonic() - since > _IDLE:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.05)


def _cpu_seconds(process: int) -> float:
    """Time that a process has computed, its children that have ended included (Linux)."""
    try:
        fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
    except OSError:
        return time.monotonic()  # unknown here: never idle
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _scratch() -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "found.json"


class _Mutation(importlib.abc.MetaPathFinder):
    """Gives one module the code of its mutant when it is imported."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.path = REPOSITORY / file
        parts = Path(file).with_suffix("").parts
        self.module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.code: CodeType = compile(tree, str(self.path), "exec", dont_inherit=True)

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        loader = _Loader(fullname, str(self.path))
        loader.code = self.code
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code
