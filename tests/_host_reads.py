"""Counts what makes the host wait for a device, on tensors of the CPU, where nothing waits.

On a GPU each of these ends the queue of kernels, and none of them can be captured in a CUDA graph:
a value that Python reads (``item``, ``bool``, ``tolist``), a result whose size follows from values
(``nonzero``, ``unique``, an index by booleans), and values of Python that become a tensor.
"""

from __future__ import annotations

import traceback
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

#: Operators that read values of their inputs on the host, or need them for the size of the result.
READS = {
    "_local_scalar_dense",
    "is_nonzero",
    "equal",
    "nonzero",
    "masked_select",
    "unique_dim",
    "unique_consecutive",
    "_unique",
    "_unique2",
    "bincount",
    "lift_fresh",  # torch.tensor and new_tensor: a copy from the host
}
_INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
_TO_PYTHON = {"tolist", "numpy", "__array__"}
#: Tensors of a GPU do not come there: ``sort_values`` hands those of the CPU alone to NumPy.
_CPU_ALONE = "/graphlab/_sorted.py"


class HostReads:
    """Counts the reads within a ``with`` statement, of the forward and of the backward pass."""

    def __init__(self) -> None:
        self.places: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return sum(self.places.values())

    def note(self, what: str) -> None:
        ours = [f for f in traceback.extract_stack() if "/tests/" not in f.filename]
        inside = [f for f in ours if "/torch/" not in f.filename]
        frame = inside[-1] if inside else ours[-1]
        if what in ("numpy", "lift_fresh") and frame.filename.endswith(_CPU_ALONE):
            return
        where = frame.filename.rpartition("/site-packages/")[2].rpartition("/graphlab/")[2]
        self.places[f"{what} in {where}:{frame.lineno}"] += 1

    def __enter__(self) -> HostReads:
        self._modes = (_Dispatched(self), _Called(self))
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)

    def __str__(self) -> str:
        return "\n".join(f"{n} x {place}" for place, n in self.places.most_common())


class _Dispatched(TorchDispatchMode):
    def __init__(self, reads: HostReads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.partition("::")[2]
        by_booleans = name in _INDEXED and any(
            isinstance(i, Tensor) and i.dtype in (torch.bool, torch.uint8) for i in args[1]
        )
        # Without the size of its result it reads how often things are repeated.
        repeats = name == "repeat_interleave" and (kwargs or {}).get("output_size") is None
        if name in READS or by_booleans or repeats:
            self.reads.note(name)
        return func(*args, **(kwargs or {}))


class _Called(TorchFunctionMode):
    """What reads the memory of a CPU tensor without an operator."""

    def __init__(self, reads: HostReads) -> None:
        super().__init__()
        self.reads = reads

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _TO_PYTHON:
            self.reads.note(func.__name__)
        return func(*args, **(kwargs or {}))
