"""A row per operator: time, floor, peers, error, goals.

``time_us``; ``floor_us``, the least time its bytes and operations take at the copy and product
speed measured in the same run (see ``benchmarks._floors``); ``ratio_to_floor``; ``peer``, the
fastest that computes the same; ``ratio_to_peer``, its time over ours; and ``max_error``, the
largest difference to the float64 definition over the largest value, on smaller inputs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks._floors import Device, floor_seconds, work_of
from benchmarks._harness.memory import peak_memory
from benchmarks._harness.rows import Row
from benchmarks._harness.timing import measure
from benchmarks.gpu.device import compare_on
from benchmarks.gpu.inputs import ARGUMENTS, SMALL, Inputs, Size, family_of
from benchmarks.gpu.peers import CUBLAS, OURS, peers
from graphlab.ops import reference
from graphlab.ops.library import active_kernel

#: Seconds of a first call above which a peer is not called again.
SLOW = 5.0
#: Goals: (key of the row, whether more is better, bound).
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


def outputs(result: Any) -> tuple[Tensor, ...]:
    """Outputs of an operator as a tuple."""
    return result if isinstance(result, tuple) else (result,)


def max_error(op: str, device: torch.device, dtype: torch.dtype) -> float:
    """Largest difference to the definition in float64 over its largest value."""
    args = ARGUMENTS[op](Inputs(SMALL[family_of(op)], device, dtype))
    wide = tuple(_double(a) for a in args)
    got = outputs(getattr(torch.ops.graphlab, op)(*args))
    want = outputs(getattr(reference, op)(*wide))
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
    same = {k: t for k, t in times.items() if not k.startswith((OURS, CUBLAS))}
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
    """Goals of a row, and whether it reaches them."""
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
    timed = compare_on(device, kept, repeats=repeats).timings
    return {name: timed[name].median for name in kept} | slow, failed


def first_call(run: Callable[[], object]) -> float | None:
    """Seconds of a call, None if it runs out of memory."""
    try:
        return measure(run, repeats=1, warmup=0).median
    except torch.OutOfMemoryError:
        release()
        return None


def release() -> None:
    """Free the memory that earlier calls left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
