"""Every CUDA kernel on a real GPU: time, floor, peers and error; whole training steps.

python -m benchmarks.gpu                        everything; writes results/<model of the GPU>.json
python -m benchmarks.gpu --only operators       one part
python -m benchmarks.gpu --cases propagate      some operators or steps
python -m benchmarks.gpu --dry-run              tiny inputs on the CPU, to try the code

The columns of an operator's row are explained in ``benchmarks/gpu/operators.py``.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

import torch

from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import RESULTS, check_results, write_results
from benchmarks._harness.rows import Row, show
from benchmarks._harness.timing import measure
from benchmarks.gpu.device import describe, file_stem, speed_of
from benchmarks.gpu.inputs import ARGUMENTS, FAMILIES, FULL, SMALL
from benchmarks.gpu.operators import operator_row, release
from benchmarks.gpu.steps import Step, steps
from graphlab._console import open_console
from graphlab._io import user_path
from graphlab.ops import status

SEED = 0


def parse(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=["operators", "steps"], help="parts to run")
    parser.add_argument(
        "--cases",
        nargs="*",
        choices=[*ARGUMENTS, *steps(small=True)],
        help="operators and steps to run",
    )
    parser.add_argument("--dry-run", action="store_true", help="tiny inputs on the CPU")
    parser.add_argument("--repeats", type=int, default=20, help="timed rounds")
    parser.add_argument("--results", type=user_path, default=None, help="file to write")
    return parser.parse_args(arguments)


def collect(options: Namespace) -> tuple[str, list[Row]]:
    """Run what was asked for; the stem of the results file, and its rows."""
    small = bool(options.dry_run)
    device = torch.device("cpu" if small else "cuda")
    speed, measured = speed_of(device, small=small)
    about = describe(device)
    rows: list[Row] = [{"case": "device", "name": about["device"], **about, **measured}]
    show(rows)
    parts = options.only or ["operators", "steps"]
    sizes, repeats = (SMALL, 1) if small else (FULL, options.repeats)

    def wanted(name: str) -> bool:
        return not options.cases or name in options.cases

    if "operators" in parts:
        for family, operators in FAMILIES.items():
            for op in filter(wanted, operators):
                rows.append(operator_row(op, sizes[family], device, speed, repeats))
                show(rows[-1:])
                release()
    if "steps" in parts:
        for name, step in steps(small=small).items():
            if wanted(name):
                rows_of_step = step_rows(name, step, device, min(repeats, 5))
                show(rows_of_step)
                rows += rows_of_step
    rows.append({"case": "device after", "name": about["device"], **describe(device)})
    return file_stem(about["device"]), rows


def step_rows(name: str, step: Step, device: torch.device, repeats: int) -> list[Row]:
    """Time and memory of the methods of one case, one after the other."""
    rows: list[Row] = []
    for method, make in step.makers.items():
        row: Row = {"case": name, "name": method, "title": step.title, "out_of_memory": False}
        try:
            row |= timed_step(make(device), repeats)
        except torch.OutOfMemoryError:
            row["out_of_memory"] = True
        release()
        rows.append(row)
    ours = rows[0].get("median_s")
    for row in rows:
        if ours is not None and "median_s" in row:
            row["times_ours"] = row["median_s"] / ours
    return rows


def timed_step(run: Callable[[], object], repeats: int) -> Row:
    """Time and memory of one method; it is gone when this returns."""
    run()
    memory = peak_memory(run)
    peak = memory.cpu_bytes if memory.gpu_bytes is None else memory.gpu_bytes
    return {**measure(run, repeats=repeats, warmup=1).as_row(), "peak_extra_bytes": peak}


def main(arguments: list[str] | None = None) -> None:
    """Run, print and write."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    if not options.dry_run and not torch.cuda.is_available():
        sys.exit("benchmarks.gpu needs a CUDA device; --dry-run tries the code without one")
    if not options.dry_run and status().cuda_library is None:
        sys.exit(f"benchmarks.gpu needs the CUDA kernels, but there is {status().reason}")
    open_console()
    if options.results is not None:
        check_results(options.results)
    stem, rows = collect(options)
    path = options.results
    if path is None and not options.dry_run:
        whole = options.only is None and options.cases is None
        path = RESULTS / (f"{stem}.json" if whole else f"{stem}_part.json")
    if path is not None:
        write_results(path, "gpu", rows, given, [SEED])
