"""The precision that results are computed in, whatever the inputs have."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def working_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type to compute in: float64 stays, everything shorter becomes float32."""
    return torch.promote_types(dtype, torch.float32)


def widened(x: Tensor) -> Tensor:
    """A tensor in its working type; itself if it has it already."""
    return x.to(working_dtype(x.dtype))


def widened_together(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors in the working type of both."""
    dtype = working_dtype(torch.promote_types(x.dtype, y.dtype))
    return x.to(dtype), y.to(dtype)


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """A context in which autocast leaves matrix products in the type of their factors.

    Logits of cosines over a temperature reach tens and hundreds: half precision is off by tenths
    there, and sums over all nodes leave its range.
    """
    kind = x.device.type
    if kind == "meta" or not torch.is_autocast_enabled(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)
