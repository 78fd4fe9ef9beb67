"""Speed of a device, measured in the run that needs it; its clocks and versions; a timer."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from benchmarks._floors import Device
from benchmarks._harness.timing import Comparison, compare

__all__ = ["bandwidth", "compare_on", "describe", "file_stem", "product_rate", "speed_of"]

_CLOCKS = ("clocks.sm", "clocks.mem", "clocks.max.sm", "temperature.gpu", "power.draw")


def bandwidth(device: torch.device, count: int) -> float:
    """Bytes per second of a copy of ``count`` float32 values, reads and writes together."""
    source = torch.ones(count, device=device)
    target = torch.empty_like(source)
    return 2 * 4 * count / _median(device, lambda: target.copy_(source))


def product_rate(device: torch.device, size: int, dtype: torch.dtype, *, tf32: bool) -> float:
    """Operations per second of a square matrix product."""
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    out = torch.empty_like(a)
    return 2 * size**3 / _median(device, lambda: product(a, b, out, tf32=tf32))


def product(a: Tensor, b: Tensor, out: Tensor | None = None, *, tf32: bool) -> Tensor:
    """``a @ b`` with or without TF32; the setting is put back."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        return torch.matmul(a, b, out=out)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _median(device: torch.device, fn: Callable[[], object]) -> float:
    return compare_on(device, {"it": fn}, repeats=10, warmup=3).timings["it"].median


def speed_of(device: torch.device, *, small: bool = False) -> tuple[Device, dict[str, float]]:
    """Measure a device.

    Args:
        device (torch.device): To measure.
        small (bool): Tiny sizes, to try the code.

    Returns:
        tuple[Device, dict[str, float]]: What floors of float32 operators use, and everything
        measured.
    """
    count, size = (1 << 16, 64) if small else (1 << 28, 8192)
    measured = {
        "copy_bytes_per_s": bandwidth(device, count),
        "float32_flops_per_s": product_rate(device, size, torch.float32, tf32=False),
        "tf32_flops_per_s": product_rate(device, size, torch.float32, tf32=True),
        "bfloat16_flops_per_s": product_rate(device, size, torch.bfloat16, tf32=False),
        "cache_bytes": cache_bytes(device),
    }
    speed = Device(
        measured["copy_bytes_per_s"], measured["float32_flops_per_s"], int(measured["cache_bytes"])
    )
    return speed, measured


def cache_bytes(device: torch.device) -> int:
    """Size of the last cache before the memory, 0 where the system does not tell."""
    if device.type == "cuda":
        return int(getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 0))
    try:
        return max(0, os.sysconf("SC_LEVEL3_CACHE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return 0


def describe(device: torch.device) -> dict[str, Any]:
    """Name, clocks and versions that stand beside the figures."""
    if device.type != "cuda":
        return {"device": platform.machine(), "clocks": None}
    return {
        "device": torch.cuda.get_device_name(device),
        "capability": list(torch.cuda.get_device_capability(device)),
        "multiprocessors": torch.cuda.get_device_properties(device).multi_processor_count,
        "cuda": torch.version.cuda,
        "driver": _ask("driver_version"),
        "clocks": {name: _ask(name) for name in _CLOCKS},
    }


def _ask(name: str) -> str | None:
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", f"--query-gpu={name}", "--format=csv,noheader", "--id=0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else None


def file_stem(name: str) -> str:
    """Name of the results file of a device: its model where it is known, such as ``h200``."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    known = [word for word in words if word[0] in "abhlv" and word[1:].isdigit()]
    return known[0] if known else "_".join(words)


def compare_on(
    device: torch.device,
    functions: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    warmup: int = 2,
) -> Comparison:
    """Time functions in alternation: with events on a GPU, with a clock elsewhere.

    Events leave out what Python and the dispatcher do while the GPU is still busy with the call
    before; a call that ends before the next is queued is timed with its launch.
    """
    if device.type != "cuda":
        return compare(functions, repeats=repeats, warmup=warmup)
    with torch.cuda.device(device):
        return compare(functions, repeats=repeats, warmup=warmup, clock=_events)


def _events(fn: Callable[[], object]) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    fn()
    end.record()
    end.synchronize()
    return 1e-3 * float(start.elapsed_time(end))
