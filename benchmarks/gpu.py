"""Every CUDA kernel on a real GPU: time, floor, peers and error; whole training steps.

python -m benchmarks.gpu                        everything; writes results/<model of the GPU>.json
python -m benchmarks.gpu --only operators       one part
python -m benchmarks.gpu --cases propagate      some operators or steps
python -m benchmarks.gpu --dry-run              tiny inputs on the CPU, to try the code

A row of an operator has ``time_us``; ``floor_us``, the least time its bytes and operations take at
the copy and product speed measured in the same run (see ``_floors``); ``ratio_to_floor``; ``peer``,
the fastest that computes the same; ``ratio_to_peer``, its time over ours; and ``max_error``, the
largest difference to the float64 definition over the largest value, on smaller inputs.
"""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks._floors import Device, floor_seconds, work_of
from benchmarks._gpu.device import compare_on, describe, file_stem, speed_of
from benchmarks._gpu.inputs import ARGUMENTS, FAMILIES, FULL, SMALL, Inputs, Size, family_of
from benchmarks._gpu.peers import CUBLAS, peers
from benchmarks._gpu.steps import Step, steps
from benchmarks._memory import peak_memory
from benchmarks._parts import show, write_results
from benchmarks._timing import measure
from graphlab.ops import reference, status
from graphlab.ops.library import active_kernel

SEED = 0
HERE = Path(__file__).parent
Row = dict[str, Any]

#: Seconds of a first call above which a peer is not called again.
SLOW = 5.0
#: What is aimed at: (key of the row, whether more is better, bound).
Goal = tuple[str, bool, float]
ANY_PEER: Goal = ("ratio_to_peer", True, 2.0)
GOALS: dict[str, tuple[Goal, ...]] = {
    "edge_cosine_sum": (ANY_PEER, ("ratio_to_floor", False, 1.5)),
    "propagate": (ANY_PEER, ("ratio_to_floor", False, 1.5)),
    "cluster_sum": (ANY_PEER, ("ratio_to_floor", False, 1.1)),
    "pairwise_logsumexp": (
        ("ratio_to_peer", True, 3.0),
        ("share_of_tf32_product", True, 0.6),
        ("peak_over_inputs", False, 1.0),
    ),
}


# --- operators ------------------------------------------------------------------------------------


def tensors(result: Any) -> tuple[Tensor, ...]:
    """Outputs of an operator as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def max_error(op: str, device: torch.device, dtype: torch.dtype) -> float:
    """Largest difference to the definition in float64 over its largest value."""
    args = ARGUMENTS[op](Inputs(SMALL[family_of(op)], device, dtype))
    wide = tuple(_double(a) for a in args)
    got = tensors(getattr(torch.ops.graphlab, op)(*args))
    want = tensors(getattr(reference, op)(*wide))
    return max(_difference(g, w) for g, w in zip(got, want, strict=True))


def _double(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    return value.double() if value.is_floating_point() else value


def _difference(got: Tensor, want: Tensor) -> float:
    got, want = got.detach().double().cpu(), want.detach().double()
    finite = want.isfinite()
    if not torch.equal(got[~finite], want[~finite]):
        raise ValueError("an infinite value differs from the definition")
    if not bool(finite.any()):
        return 0.0
    scale = want[finite].abs().max().clamp(min=1e-300)
    return float((got - want)[finite].abs().max() / scale)


def operator_row(op: str, size: Size, device: torch.device, speed: Device, repeats: int) -> Row:
    """Time one operator and its peers on the same inputs."""
    dtype = torch.float32
    args = ARGUMENTS[op](Inputs(size, device, dtype))
    work = work_of(op, args)
    runs: dict[str, Callable[[], object]] = {
        "graphlab": lambda: getattr(torch.ops.graphlab, op)(*args)
    }
    times, failed = timings(runs | peers(op, args), device, repeats)
    floor, ours = floor_seconds(work, speed), times["graphlab"]
    same = {k: t for k, t in times.items() if k != "graphlab" and not k.startswith(CUBLAS)}
    peer = min(same, key=lambda name: same[name], default=None)
    memory = peak_memory(runs["graphlab"])
    peak = memory.cpu_bytes if memory.gpu_bytes is None else memory.gpu_bytes
    row: Row = {
        "case": op,
        "name": "graphlab",
        "kernel": active_kernel(op, device.type),
        "time_us": 1e6 * ours,
        "floor_us": 1e6 * floor,
        "ratio_to_floor": ours / floor,
        "peer": peer,
        "ratio_to_peer": None if peer is None else same[peer] / ours,
        "max_error": max_error(op, device, dtype),
        "bytes": work.bytes,
        "gathered_bytes": sum(g.rows * g.row_bytes for g in work.gathers),
        "flops": work.flops,
        "exponentials": work.exponentials,
        "size": vars(size),
        "peak_extra_bytes": peak,
        "peak_over_inputs": peak / sum(a.nbytes for a in args if isinstance(a, Tensor)),
        "peers_us": {name: 1e6 * t for name, t in times.items() if name != "graphlab"},
        "out_of_memory": failed,
    }
    for kind in ("float32", "tf32", "bfloat16"):
        if f"{CUBLAS} {kind}" in times:
            # A product of 2 N M D operations against the operator's own count at its own time.
            rate = 2 * size.nodes**2 * size.dim / times[f"{CUBLAS} {kind}"]
            row[f"share_of_{kind}_product"] = work.flops / ours / rate
    return row | {"goals": goals(row)}


def goals(row: Row) -> dict[str, bool]:
    """What a row is aimed at, and whether it gets there."""
    return {
        f"{key} {'>=' if more else '<='} {bound:g}": row[key] >= bound
        if more
        else row[key] <= bound
        for key, more, bound in GOALS.get(row["case"], (ANY_PEER,))
        if row.get(key) is not None
    }


def timings(
    runs: dict[str, Callable[[], object]], device: torch.device, repeats: int
) -> tuple[dict[str, float], list[str]]:
    """Medians in seconds, and the names of peers that ran out of memory.

    A peer whose first call is slow is not called again: that call is its time.
    """
    first = {name: first_call(run) for name, run in runs.items() if name != "graphlab"}
    failed = [name for name, seconds in first.items() if seconds is None]
    slow = {name: s for name, s in first.items() if s is not None and s > SLOW}
    kept = {name: run for name, run in runs.items() if name not in failed and name not in slow}
    found = compare_on(device, kept, repeats=repeats).timings
    return {name: found[name].median for name in kept} | slow, failed


def first_call(run: Callable[[], object]) -> float | None:
    """Seconds of a call, None if it runs out of memory."""
    try:
        return measure(run, repeats=1, warmup=0).median
    except torch.OutOfMemoryError:
        release()
        return None


def release() -> None:
    """Give back what earlier calls left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


# --- steps ----------------------------------------------------------------------------------------


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


# --- frame ----------------------------------------------------------------------------------------


def parse(arguments: list[str]) -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=["operators", "steps"])
    parser.add_argument("--cases", nargs="*", choices=[*ARGUMENTS, *steps(small=True)])
    parser.add_argument("--dry-run", action="store_true", help="tiny inputs on the CPU")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--results", type=Path, default=None)
    return parser.parse_args(arguments)


def collect(options: Namespace) -> tuple[str, list[Row]]:
    """Run what was asked for; the stem of the results file, and its rows."""
    small = bool(options.dry_run)
    device = torch.device("cpu" if small else "cuda")
    speed, found = speed_of(device, small=small)
    about = describe(device)
    rows: list[Row] = [{"case": "device", "name": about["device"], **about, **found}]
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
                found_rows = step_rows(name, step, device, min(repeats, 5))
                show(found_rows)
                rows += found_rows
    rows.append({"case": "device after", "name": about["device"], **describe(device)})
    return file_stem(about["device"]), rows


def main(arguments: list[str] | None = None) -> None:
    """Run, print and write."""
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    if not options.dry_run and not torch.cuda.is_available():
        sys.exit("benchmarks.gpu needs a CUDA device; --dry-run tries the code without one")
    if not options.dry_run and status().cuda_library is None:
        sys.exit(f"benchmarks.gpu needs the CUDA kernels, but there is {status().reason}")
    stem, rows = collect(options)
    path = options.results
    if path is None and not options.dry_run:
        whole = options.only is None and options.cases is None
        path = HERE / "results" / (f"{stem}.json" if whole else f"{stem}_part.json")
    if path is not None:
        write_results(path, "gpu", rows, given, [SEED])


if __name__ == "__main__":
    main()
