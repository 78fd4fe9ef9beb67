"""Peak memory of code in a process of its own, and what a call keeps for the way back."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import graphlab
from graphlab import ops
from tests._processes import answer, start


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
    found: tuple[int, int] = answer(*start(_measured, textwrap.dedent(code)), timeout=300)
    return found


def _measured(code: str) -> tuple[int, int]:
    torch.set_num_threads(1)
    # The constant part of the memory of the pure path.
    ops.reference.rows.CHUNK_ELEMENTS = 2**18
    names: dict[str, Any] = {"torch": torch, "graphlab": graphlab}
    exec(compile(code, "<measured>", "exec"), names)
    warm = torch.ones(8, 3, requires_grad=True)
    ops.self_logsumexp(warm).sum().backward()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _memory("VmRSS")
    names["work"]()
    return _memory("VmHWM") - before, names["size"]


def _memory(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{field}:\s*(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
