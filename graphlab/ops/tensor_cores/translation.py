"""Triton, which torch brings along for GPUs, and the kernels that are written for it.

A kernel is a plain function of its module, so that modules of kernels can be imported without
Triton. Triton looks up what a kernel names among the globals of its module: ``tl`` is None there
until the first launch puts Triton's language in its place, and the kernels and the parts that they
call are replaced by what Triton makes of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from graphlab._checks import traced

__all__: list[str] = []

#: Rows of a side, so that 32 bits hold the number of every row of a tile that begins within it.
MOST_ROWS = 2**31 - 2**10


@cache
def found() -> bool:
    """Whether Triton can be imported."""
    return importlib.util.find_spec("triton") is not None


def on_gpu(*tensors: Tensor) -> bool:
    """Whether Triton could multiply these rows: on a GPU, not empty, with values to look at."""
    if any(not t.is_cuda or t.numel() == 0 or t.size(0) > MOST_ROWS for t in tensors):
        return False
    return not traced(*tensors) and found()


def translate(scope: dict[str, Any], *functions: Callable[..., Any]) -> tuple[Any, ...]:
    """Let Triton take over functions of a module, parts of kernels before their callers.

    Args:
        scope (dict): ``globals()`` of the module; it gets ``tl`` and the translated functions.
        *functions (Callable): As the module defines them.

    Returns:
        tuple: The functions that Triton made of them, to be launched as ``kernel[grid](...)``.
    """
    import triton
    import triton.language

    scope["tl"] = triton.language
    for function in functions:
        scope[function.__name__] = triton.jit(function)
    return tuple(scope[function.__name__] for function in functions)


def launch(kernel: Any, grid: tuple[int, ...], *args: Any, like: Tensor, **constants: Any) -> None:
    """Start a kernel on the current stream of a tensor's device, which Triton does not look at."""
    with torch.cuda.device_of(like):
        kernel[grid](*args, **constants)
