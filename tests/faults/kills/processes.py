"""Processes that are killed: forked from a clean server that has imported torch once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from graphlab._io import sweep_stale
from tests.faults.kills.writers import Writer


def write_for_ever(
    write: Callable[[Path, int], None], folder: Path, version: int, ready: Connection
) -> None:
    torch.set_num_threads(1)
    ready.send(None)
    while True:
        version += 1
        write(folder, version)


def killed(
    target: Callable[..., None],
    arguments: tuple[object, ...],
    wait: Callable[[], object],
    preload: str = "tests.faults.kills.writers",
) -> None:
    """Start a process, wait once it is ready, and kill it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", preload])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(*arguments, sender))
    process.start()
    sender.close()
    receiver.recv()
    wait()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    receiver.close()


def kill_writers(writer: Writer, folder: Path, kills: int, seed: int = 0) -> int:
    """Kill a writer again and again; the number of kills in the middle of a write.

    After every kill the folder holds a version at least as new as the one before, whole, and what
    is left over goes: at once, or with the next write.
    """
    draw = random.Random(seed)
    version = 1
    begin = time.perf_counter()
    writer.write(folder, version)
    usual = min(0.3, max(0.03, 3 * (time.perf_counter() - begin)))
    clean = _names(folder)
    interrupted = 0
    for _ in range(kills):
        wait = partial(time.sleep, draw.uniform(0, usual))
        killed(write_for_ever, (writer.write, folder, version), wait)
        # Before it is read: some readers clean up.
        interrupted += _names(folder) != clean
        seen = writer.read(folder)
        assert seen >= version
        version = seen
        if writer.tidies:
            sweep_stale(folder)
            assert _names(folder) == clean
    writer.write(folder, version + 1)
    assert writer.read(folder) == version + 1
    assert not any(name.endswith(".tmp") for name in _names(folder))
    return interrupted


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
