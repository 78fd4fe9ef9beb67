"""Every CUDA kernel on a real GPU: time, floor, peers and error; whole training steps.

python -m benchmarks.gpu                        everything; writes results/<model of the GPU>.json
python -m benchmarks.gpu --only operators       one part
python -m benchmarks.gpu --cases propagate      some operators or steps
python -m benchmarks.gpu --dry-run              tiny inputs on the CPU, to try the code

Every row is written when it is measured; a case that fails is a row, and the rest goes on.

The columns of an operator's row are explained in ``benchmarks/gpu/operators.py``.
"""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial

import torch

from benchmarks._floors import Device
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.parts import RESULTS, check_results, write_results
from benchmarks._harness.rows import Row, show
from benchmarks._harness.timing import measure
from benchmarks.gpu.device import describe, file_stem, speed_of
from benchmarks.gpu.inputs import ARGUMENTS, FAMILIES, FULL, SMALL, WITH_HUBS, Size, with_hubs
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
    parser.add_argument(
        "--graph", choices=["uniform", "rmat"], default="uniform", help="rmat: with hubs"
    )
    parser.add_argument("--dry-run", action="store_true", help="tiny inputs on the CPU")
    parser.add_argument("--repeats", type=int, default=20, help="timed rounds")
    parser.add_argument("--results", type=user_path, default=None, help="file to write")
    return parser.parse_args(arguments)


def collect(options: Namespace, keep: Callable[[str, list[Row]], None]) -> list[Row]:
    """Run what was asked for.

    Args:
        options (Namespace): From :func:`parse`.
        keep (Callable): ``(device, rows)``, called whenever there are more rows: what was measured
            outlives a run that is ended.

    Returns:
        list[Row]: All rows. A case that raises is a row with the ``error``; the next one follows.
    """
    small = bool(options.dry_run)
    device = torch.device("cpu" if small else "cuda")
    speed, measured = speed_of(device, small=small)
    about = describe(device)
    rows: list[Row] = []

    def add(more: list[Row]) -> None:
        show(more)
        rows.extend(more)
        keep(about["device"], rows)

    add([{"case": "device", "name": about["device"], **about, **measured}])
    parts = options.only or ["operators", "steps"]
    sizes, repeats = (SMALL, 1) if small else (FULL, options.repeats)

    def wanted(name: str) -> bool:
        return not options.cases or name in options.cases

    if "operators" in parts:
        for family, operators in FAMILIES.items():
            hubs = options.graph == "rmat"
            if hubs and family not in WITH_HUBS:
                continue
            size = with_hubs(sizes[family]) if hubs else sizes[family]
            for op in filter(wanted, operators):
                add(guarded(op, partial(one_row, op, size, device, speed, repeats)))
                release()
    if "steps" in parts:
        for name, step in steps(small=small).items():
            if wanted(name):
                add(guarded(name, partial(step_rows, name, step, device, min(repeats, 5))))
    add([{"case": "device after", "name": about["device"], **describe(device)}])
    return rows


def one_row(op: str, size: Size, device: torch.device, speed: Device, repeats: int) -> list[Row]:
    """The row of an operator, as the only one; a graph with hubs stands in the case's name."""
    row = operator_row(op, size, device, speed, repeats)
    return [row if size.graph == "uniform" else row | {"case": f"{op}, {size.graph}"}]


def guarded(case: str, run: Callable[[], list[Row]]) -> list[Row]:
    """Rows of a case, or one that says why there are none."""
    try:
        return run()
    except Exception as error:
        traceback.print_exc()
        return [{"case": case, "name": "graphlab", "error": f"{type(error).__name__}: {error}"}]


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
    whole = options.only is None and options.cases is None

    def keep(device: str, rows: list[Row]) -> None:
        path = options.results
        if path is None and not options.dry_run:
            stem = file_stem(device)
            path = RESULTS / (f"{stem}.json" if whole else f"{stem}_part.json")
        if path is not None:
            write_results(path, "gpu", rows, given, [SEED])

    rows = collect(options, keep)
    failed = [str(row["case"]) for row in rows if "error" in row]
    if failed:
        sys.exit(f"benchmarks.gpu: failed: {', '.join(failed)}")
