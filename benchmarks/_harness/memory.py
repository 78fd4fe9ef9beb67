"""Peak memory of a call: the rise of the high-water mark."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from benchmarks._harness.timing import uses_gpu
from experiments._harness.environment import peak_rss_bytes

__all__ = ["PeakMemory", "peak_in_use", "peak_memory"]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_SAMPLE_SECONDS = 0.001


@dataclass(frozen=True)
class PeakMemory:
    """Memory above the level at the start of a call.

    Attributes:
        cpu_bytes (int): Rise of the resident set's high-water mark.
        gpu_bytes (int, optional): Rise of torch's peak GPU allocation; None without a GPU in use.
        method (str): ``"hwm"`` (the kernel's own mark, exact to a few pages per thread) or
            ``"sampled"`` (a thread looking every millisecond; short peaks may be missed).
    """

    cpu_bytes: int
    gpu_bytes: int | None
    method: Literal["hwm", "sampled"]


def peak_memory(fn: Callable[[], object]) -> PeakMemory:
    """Call ``fn`` once and measure how far memory rises above the start.

    The start is taken after a collection and after handing free heap back to the system, so that
    memory which earlier calls left behind is not reused unseen. Call ``fn`` once before when its
    first call loads libraries. Where resident memory cannot be read (no ``/proc``), ``cpu_bytes``
    is 0 for anything below the process' earlier peak.
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    gpu = uses_gpu()
    if gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    gpu_start = torch.cuda.memory_allocated() if gpu else 0
    start = _status("VmRSS")
    method: Literal["hwm", "sampled"]
    if _reset_high_water():
        method, result = "hwm", fn()
        peak = _status("VmHWM")
    else:
        method, (result, peak) = "sampled", _sampled(fn)
    del result
    rise = torch.cuda.max_memory_allocated() - gpu_start if gpu else None
    return PeakMemory(max(0, peak - start), rise, method)


_PEAK = """
import importlib, json, sys
from benchmarks._harness.memory import peak_memory
module, function, arguments = json.loads(sys.argv[1])
run = getattr(importlib.import_module(module), function)(*arguments)
run()
print(peak_memory(run).cpu_bytes)
"""


def peak_in_use(module: str, function: str, *arguments: object) -> int:
    """Bytes that a call needs on top, without what the heap keeps in holes between its blocks.

    The call is the second one in a process of its own, whose C library (glibc's) maps every block
    of 64 KiB and more by itself, so that a freed block goes back to the system at once.

    Args:
        module (str): Where the function is.
        function (str): Name of a function that returns what is to be called.
        arguments (object): Its arguments; JSON carries them.

    Returns:
        int: Rise of the resident memory.
    """
    command = [sys.executable, "-c", _PEAK, json.dumps([module, function, arguments])]
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def _status(key: str) -> int:
    try:
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return peak_rss_bytes() or 0


def _reset_high_water() -> bool:
    # Writing 5 resets VmHWM to the current resident size; containers may forbid it.
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _sampled(fn: Callable[[], object]) -> tuple[object, int]:
    peak = _status("VmRSS")
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(_SAMPLE_SECONDS):
            peak = max(peak, _status("VmRSS"))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        result = fn()
    finally:
        done.set()
        watcher.join()
    return result, max(peak, _status("VmRSS"))
