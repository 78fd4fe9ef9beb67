"""Processes that tests start, forked from one that has imported the library already.

An interpreter that imports torch takes seconds, a fork of one that has it takes milliseconds. The
server has one thread and holds nothing of the tests; it ends with the process that started it.
"""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any
from unittest import mock

#: What a process finds imported; a name that is not there is left out.
PRELOAD = ["torch", "torch.distributed", "graphlab.contrastive", "graphlab.embed", "graphlab.tag"]

#: Large blocks go back to the system when freed: holes in the heap are no memory in use.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}

_context = multiprocessing.get_context("forkserver")


def start(function: Callable[..., Any], *given: Any) -> tuple[ForkServerProcess, Connection]:
    """Run ``function(*given)`` in a process of its own; its answer comes through the connection."""
    with mock.patch.dict(os.environ, _MALLOC | {"OMP_NUM_THREADS": "1"}):
        _context.set_forkserver_preload(PRELOAD)
        forkserver.ensure_running()
    ours, theirs = _context.Pipe(duplex=False)
    process = _context.Process(target=_answer, args=(theirs, function, given), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def answer(process: ForkServerProcess, connection: Connection, timeout: float) -> Any:
    """What the function of a started process returned; what it raised is an AssertionError."""
    try:
        assert connection.poll(timeout), f"no answer in {timeout} seconds"
        returned, value = connection.recv()
    except EOFError:
        process.join(timeout)
        raise AssertionError(f"the process ended with status {process.exitcode}") from None
    finally:
        if process.is_alive() and not connection.closed:
            process.join(5)
            process.kill()
        connection.close()
    assert returned, value
    return value


def _answer(connection: Connection, function: Callable[..., Any], given: tuple[Any, ...]) -> None:
    try:
        found = True, function(*given)
    except BaseException:
        found = False, traceback.format_exc()
    connection.send(found)
    connection.close()
