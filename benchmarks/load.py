"""A million nodes, ten million edges, and ten thousand steps of every loss.

python -m benchmarks.load                 both parts; writes results/load.json
python -m benchmarks.load --only sizes    the large inputs: memory beside the input, and its bound
python -m benchmarks.load --only growth   growth of the memory per step, the bound is 1 KB
python -m benchmarks.load --cases walks   those whose name holds a word

Every case is a process of its own, one after the other. Memory is the resident one; times are CPU
seconds.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import part_parser, run_parts
from benchmarks._harness.rows import Row
from benchmarks._load.losses import STEPS
from benchmarks._load.sizes import CASES
from experiments._harness.environment import peak_rss_bytes

ROOT = Path(__file__).resolve().parents[1]
SEED = 0
MOST_GROWTH = 1024.0  # bytes a step
WARM_UP = 0.2  # share of the steps in which caches and the heap may fill


def sized(name: str) -> Row:
    """Memory and time of one large case."""
    case = CASES[name]()
    gc.collect()
    before = time.process_time()
    peak = peak_memory(case.run)
    seconds = time.process_time() - before
    row: Row = {"case": name, **case.sizes, "cpu_s": seconds, "peak_extra_bytes": peak.cpu_bytes}
    row |= {"bound_bytes": case.bound_bytes, "bound": case.bound}
    row["peak_rss_bytes"] = peak_rss_bytes()
    row["within"] = peak.cpu_bytes <= case.bound_bytes
    if case.cpu_limit_s is not None:
        row |= {"cpu_limit_s": case.cpu_limit_s, "in_time": seconds <= case.cpu_limit_s}
    return row


def grown(name: str, steps: int) -> Row:
    """Slope of the resident memory over the steps of a loss, after a warm-up."""
    step = STEPS[name]()
    gc.collect()
    gc.freeze()  # what is there already need not be looked at again
    first = int(WARM_UP * steps)
    every = max(1, (steps - first) // 20)
    at: list[int] = []
    resident: list[int] = []
    before = time.process_time()
    for number in range(steps):
        step(number)
        if number >= first and (number - first) % every == 0:
            at.append(number)
            resident.append(_resident())
    slope = float(np.polyfit(at, resident, 1)[0])
    return {
        "case": name,
        "steps": steps,
        "cpu_s": time.process_time() - before,
        "bytes_per_step": slope,
        "bound_bytes_per_step": MOST_GROWTH,
        "within": slope < MOST_GROWTH,
    }


def _resident() -> int:
    """Pages in memory after garbage and free heap went back."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _sized_apart(name: str, steps: int) -> Row:
    """A large case in a fresh process: nothing of the others is in its memory."""
    command = [sys.executable, "-m", "benchmarks.load", "--child", name]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return {"case": name, "within": False, "exit_status": done.returncode}
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def _grown_apart(name: str, steps: int) -> Row:
    """A loss in a copy of this process, which has imported everything."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        sender.send(grown(name, steps))

    process = context.Process(target=work)
    process.start()
    sender.close()
    try:
        row: Row = receiver.recv()
    except EOFError:
        row = {"case": name, "within": False}
    process.join()
    return row


def _part(
    name: str, cases: Mapping[str, Any], measure: Callable[[str, int], Row]
) -> Callable[[str, int], list[Row]]:
    def run(word: str, steps: int) -> list[Row]:
        rows = []
        for case in cases:
            if word.casefold() in case.casefold():
                rows.append({"name": name, **measure(case, steps)})
                print(f"  {case}: {rows[-1]}", file=sys.stderr, flush=True)
        return rows

    return run


PARTS = {
    "sizes": _part("sizes", CASES, _sized_apart),
    "growth": _part("growth", STEPS, _grown_apart),
}


def main() -> int:
    """Run the chosen parts and write their rows; 1 if a bound is broken.

    Returns:
        int: Exit status.
    """
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(sized(sys.argv[2])))
        return 0
    parser = part_parser(__doc__, PARTS, 1)
    parser.add_argument("--steps", type=int, default=10_000, help="steps of every loss")
    parser.add_argument("--cases", default="", help="cases whose name holds this")
    options = parser.parse_args()
    broken: list[str] = []

    def counted(part: str) -> Callable[[str, int], list[Row]]:
        def run(word: str, steps: int) -> list[Row]:
            found = PARTS[part](word, steps)
            broken.extend(
                row["case"] for row in found if not (row["within"] and row.get("in_time", True))
            )
            return found

        return run

    parts = {part: counted(part) for part in PARTS}
    run_parts("load", parts, options, options.cases, options.steps, seeds=[SEED])
    if broken:
        print(f"out of bounds: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
