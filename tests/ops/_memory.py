"""Peak memory of code in a process of its own, and what a call keeps for the way back."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

_PROGRAM = """
import re, sys, torch, graphlab.ops
torch.set_num_threads(1)
# The constant part of the memory of the pure path.
graphlab.ops.reference.rows.CHUNK_ELEMENTS = 2**18
def memory(field):
    with open("/proc/self/status", encoding="ascii") as status:
        return int(re.search(field + r":\\s*(\\d+) kB", status.read()).group(1)) * 1024
{code}
warm = torch.ones(8, 3, requires_grad=True)
graphlab.ops.self_logsumexp(warm).sum().backward()
with open("/proc/self/clear_refs", "w", encoding="ascii") as reset:
    reset.write("5")
before = memory("VmRSS")
work()
print(memory("VmHWM") - before, size)
"""


def saved_bytes(call: Callable[[], object]) -> int:
    """Bytes of the tensors that a call keeps for the way back, each storage once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call()
    return sum(kept.values())


def peak_growth(code: str) -> tuple[int, int]:
    """Bytes by which ``work()`` raises the peak of a process, and ``size``, both from ``code``."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("needs the peak memory counter of Linux")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(code=textwrap.dedent(code))],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        # Large blocks go back to the system when freed: holes in the heap don't count.
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"},
    )
    assert done.returncode == 0, done.stderr
    growth, size = done.stdout.split()[-2:]
    return int(growth), int(size)
