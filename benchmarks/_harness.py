"""Timing, memory and result files shared by the benchmark scripts.

Speed is reported as medians and as ratios of runs that alternate in one process, so that a change
of clock speed or a busy neighbour hits both sides. Memory is the rise of the high-water mark.
"""

from __future__ import annotations

import ctypes
import gc
import json
import math
import os
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from benchmarks._graphs import rmat, uniform_graph
from experiments._environment import command_line, environment, git_commit, peak_rss_bytes
from graphlab._io import write_json

__all__ = [
    "Comparison",
    "PeakMemory",
    "Timing",
    "compare",
    "loglog_slope",
    "measure",
    "part_parser",
    "peak_memory",
    "rmat",
    "run_parts",
    "show",
    "threads",
    "uniform_graph",
    "write_results",
]

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_SAMPLE_SECONDS = 0.001


@dataclass(frozen=True)
class Timing:
    """Wall times of one function in seconds, in order of execution."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median in seconds."""
        return float(np.median(self.times))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile in seconds."""
        low, high = np.percentile(self.times, [25, 75])
        return float(low), float(high)

    def as_row(self) -> dict[str, float]:
        """Median, quartiles and number of repeats for a results file."""
        low, high = self.quartiles
        return {
            "median_s": self.median,
            "q1_s": low,
            "q3_s": high,
            "repeats": len(self.times),
        }


@dataclass(frozen=True)
class Comparison:
    """Interleaved timings of several functions.

    Attributes:
        timings: By name.
        ratios: By name, the time of the first function divided by the time of this one, per round:
            above 1 means faster than the first.
    """

    timings: dict[str, Timing]
    ratios: dict[str, tuple[float, ...]]

    def ratio(self, name: str) -> float:
        """Median over rounds of the paired ratio."""
        return float(np.median(self.ratios[name]))

    def as_rows(self) -> list[dict[str, Any]]:
        """One dict per function: name, timing, median ratio and its quartiles."""
        rows = []
        for name, timing in self.timings.items():
            low, high = np.percentile(self.ratios[name], [25, 75])
            speed = {"speedup": self.ratio(name), "speedup_q1": float(low)}
            rows.append({"name": name, **timing.as_row(), **speed, "speedup_q3": float(high)})
        return rows


def measure(
    fn: Callable[..., object],
    *,
    repeats: int = 10,
    warmup: int = 2,
    setup: Callable[[], Any] | None = None,
) -> Timing:
    """Time a function.

    Args:
        fn: Called without arguments, or with the result of ``setup``.
        repeats: Timed calls, at least 1.
        warmup: Calls before them that are not timed.
        setup: Untimed preparation before every call.

    Returns:
        The timed calls; work queued on a GPU is waited for.

    Raises:
        ValueError: If ``repeats`` < 1 or ``warmup`` < 0.
    """
    if repeats < 1 or warmup < 0:
        raise ValueError(f"repeats must be >= 1 and warmup >= 0, got {repeats} and {warmup}")
    times = [_once(fn, setup) for _ in range(warmup + repeats)]
    return Timing(tuple(times[warmup:]))


def _once(fn: Callable[..., object], setup: Callable[[], Any] | None = None) -> float:
    arguments = () if setup is None else (setup(),)
    _synchronize()
    start = time.perf_counter()
    fn(*arguments)
    _synchronize()
    return time.perf_counter() - start


def _synchronize() -> None:
    if _uses_gpu():
        torch.cuda.synchronize()


def _uses_gpu() -> bool:
    # Asking for memory or waiting would otherwise start CUDA in a run that never touches it.
    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())


def compare(
    functions: Mapping[str, Callable[[], object]],
    *,
    repeats: int = 10,
    warmup: int = 2,
    clock: Callable[[Callable[[], object]], float] = _once,
) -> Comparison:
    """Time functions in alternation and pair them round by round.

    Args:
        functions: Functions by name; the first is what the others are compared with.
        repeats: Timed rounds; each calls every function once, starting one further each time.
        warmup: Rounds before them that are not timed.
        clock: Calls a function and returns the seconds it took.

    Returns:
        Timings and paired ratios.

    Raises:
        ValueError: If there is no function, ``repeats`` < 1 or ``warmup`` < 0.
    """
    if not functions or repeats < 1 or warmup < 0:
        raise ValueError("functions must not be empty, repeats >= 1 and warmup >= 0")
    names = list(functions)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warmup + repeats):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seconds = clock(functions[name])
            if turn >= warmup:
                times[name].append(seconds)
    base = times[names[0]]
    ratios = {
        name: tuple(b / max(t, 1e-12) for b, t in zip(base, times[name], strict=True))
        for name in names
    }
    return Comparison({name: Timing(tuple(times[name])) for name in names}, ratios)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Run a block with ``count`` torch threads and put the former number back.

    Raises:
        ValueError: If ``count`` < 1.
    """
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class PeakMemory:
    """Memory above the level at the start of a call.

    Attributes:
        cpu_bytes: Rise of the resident set's high-water mark.
        gpu_bytes: Rise of torch's peak GPU allocation; None without a GPU in use.
        method: ``"hwm"`` (the kernel's own mark, exact to a few pages per thread) or
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
    gpu = _uses_gpu()
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
from benchmarks._harness import peak_memory
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
        module: Where the function is.
        function: Name of a function that returns what is to be called.
        arguments: Its arguments; JSON carries them.

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


def loglog_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Exponent of the power law through the points: slope of log y over log x.

    Args:
        x: Positive sizes, at least two different ones.
        y: Positive measurements, one per size.

    Returns:
        float: The least-squares slope; 1 means linear.

    Raises:
        ValueError: If lengths differ or a value is not positive.
    """
    if len(x) != len(y) or len(set(x)) < 2 or not all(v > 0 for v in (*x, *y)):
        raise ValueError("x and y must have equal length, positive values and two different sizes")
    slope, _ = np.polyfit([math.log(v) for v in x], [math.log(v) for v in y], 1)
    return float(slope)


def write_results(
    path: str | Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    command: str | Sequence[str],
    seeds: Sequence[int],
) -> None:
    """Write the measurements with everything needed to judge and to repeat them.

    Args:
        path: JSON file, written atomically.
        name: Name of the benchmark module, such as ``"pamc"``.
        rows: One dict of JSON values per measurement.
        command: The whole command, or the arguments after ``python -m benchmarks.<name>``.
        seeds: Seeds of the inputs.

    Raises:
        ValueError: If a value is not finite.
    """
    text = command if isinstance(command, str) else command_line(f"benchmarks.{name}", command)
    content = {
        "benchmark": name,
        "rows": [dict(row) for row in rows],
        "command": text,
        "seeds": list(seeds),
        "commit": git_commit(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **environment(),
    }
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_json(target, content)


def show(rows: list[dict[str, Any]]) -> None:
    """Print one line per measurement."""
    for row in rows:
        rest = {k: v for k, v in row.items() if k not in ("case", "name", "repeats")}
        numbers = ", ".join(
            f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in rest.items()
        )
        print(f"{row['case']} | {row['name']} | {numbers}", flush=True)


def part_parser(doc: str | None, parts: Iterable[str], count: int | None = None) -> ArgumentParser:
    """Options that every benchmark script has: its parts, threads, and where results go."""
    parser = ArgumentParser(description=doc)
    parser.add_argument("--only", nargs="*", choices=list(parts), default=list(parts))
    parser.add_argument("--threads", type=int, default=count or torch.get_num_threads())
    parser.add_argument("--results", type=Path, default=None)
    return parser


def run_parts(
    system: str,
    parts: Mapping[str, Callable[..., list[dict[str, Any]]]],
    options: Namespace,
    *arguments: Any,
    seeds: list[int],
    default: Sequence[str] | None = None,
    suffix: str = "",
) -> None:
    """Run the chosen parts, print their rows and write them.

    Args:
        system: Name of the benchmark and of its result file.
        parts: Functions from ``arguments`` to rows.
        options: What :func:`part_parser` read.
        *arguments: Passed to every part.
        seeds: Written into the file.
        default: Parts that are run when none is named; all of them if missing.
        suffix: Appended to the name of the file.
    """
    rows: list[dict[str, Any]] = []
    with threads(options.threads):
        for part in options.only:
            found = [{"threads": options.threads, **row} for row in parts[part](*arguments)]
            show(found)
            rows += found
    everything = set(options.only) == set(parts if default is None else default)
    name = system if everything else "_".join([system, *options.only])
    path = Path(__file__).parent / "results" / f"{name}{suffix}.json"
    write_results(options.results or path, system, rows, sys.argv[1:], seeds)
