"""Whole commands that are killed and started again, until they end: nothing may be lost or differ.

A process that has imported everything forks a copy for every attempt, so that a kill costs what the
command computed and not the seconds of its imports.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

#: Scripts whose smoke preset needs nothing but this repository.
SCRIPTS = (
    "concentration",
    "fastrp",
    "feasibility",
    "gaugllm",
    "graphclip_pretrain",
    "hypergraph",
    "knowledge_graph",
    "link_prediction",
    "pamc",
    "pot",
    "pretext",
    "retrieval",
    "tape",
)
#: What differs from run to run without being a result.
_COSTS = ("cost", "seconds", "commit", "date")


@dataclass
class Report:
    """Of a command.

    Attributes:
        kills (int): Attempts that were killed.
        ends (int): Times it ended, after kills, with the uninterrupted results.
        resumed (int): Attempts that found files of a killed one.
        seconds (float): Of the uninterrupted run.
        lost (list[str]): Files that differ from those of the uninterrupted run, or are missing.
    """

    kills: int = 0
    ends: int = 0
    resumed: int = 0
    seconds: float = 0.0
    lost: list[str] | None = None


def kill_command(
    module: str, arguments: list[str], folder: Path, kills: int, seed: int = 0
) -> Report:
    """Kill a command at random moments and start it again; compare what it leaves at its ends."""
    import_module(module)
    draw, report = random.Random(f"{seed} {module}"), Report(lost=[])
    begin = time.perf_counter()
    whole = folder / "whole"
    status = _wait(_start(module, [*arguments, "--out", str(whole)], folder), None)
    report.seconds = time.perf_counter() - begin
    if status != 0:
        raise RuntimeError(f"{module} {arguments} ends with {status}: {_said(folder)}")
    wanted = results(whole)
    number = 0
    while report.kills < kills:
        out = folder / f"cut{number}"
        number += 1
        while True:
            report.resumed += out.exists() and report.kills > 0
            last = report.kills >= kills
            limit = None if last else draw.uniform(0.0, 0.7) * report.seconds
            status = _wait(_start(module, [*arguments, "--out", str(out)], folder), limit)
            if status == -signal.SIGKILL and not last:
                report.kills += 1
                continue
            break
        if status != 0:
            report.lost.append(f"{out.name}: ends with {status}: {_said(folder)}")
            continue
        found = results(out)
        report.lost += [
            f"{out.name}/{name}"
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        ]
        report.ends += 1
    return report


def _start(module: str, arguments: list[str], folder: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setsid()
        log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        torch.set_num_threads(1)
        sys.argv = [module, *arguments]
        try:
            import_module(module).main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
    except BaseException as error:
        with contextlib.suppress(BaseException):
            import traceback

            traceback.print_exception(error)
            sys.stderr.flush()
    finally:
        os._exit(status)


def _wait(process: int, limit: float | None) -> int:
    """Exit status of a process that is killed after some seconds."""
    if limit is not None:
        end = time.perf_counter() + limit
        while time.perf_counter() < end:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _said(folder: Path) -> str:
    text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
    return text.strip().rpartition("\n")[2][:300]


def results(out: Path) -> dict[str, Any]:
    """Everything a command left that must repeat bit for bit, by path."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if not path.is_file() or path.name in ("lock", ".lock", "checkpoint.safetensors"):
            continue
        if path.suffix == ".png":  # drawn by versions and fonts, compared by their numbers
            continue
        if path.suffix == ".json":
            found[name] = _without_costs(json.loads(path.read_bytes()))
        elif path.suffix == ".jsonl":
            found[name] = [_without_costs(json.loads(line)) for line in path.open("rb")]
        elif path.suffix != ".db" and not path.name.endswith((".db-wal", ".db-shm", ".claims")):
            found[name] = path.read_bytes()
    return found


def _without_costs(value: Any) -> Any:
    """A document without times and without the names of the folders it lies in."""
    if isinstance(value, dict):
        return {
            key: _without_costs(item)
            for key, item in value.items()
            if not any(word in key for word in _COSTS) and key not in ("command", "directory")
        }
    return [_without_costs(item) for item in value] if isinstance(value, list) else value


__all__ = ["SCRIPTS", "Report", "kill_command", "results"]
