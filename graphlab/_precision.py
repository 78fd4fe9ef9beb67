"""The precision that results are computed in, whatever the inputs have."""

from __future__ import annotations

import torch
from torch import Tensor


def working_dtype(dtype: torch.dtype) -> torch.dtype:
    """The type to compute in: float64 stays, everything shorter becomes float32."""
    return torch.promote_types(dtype, torch.float32)


def widened(x: Tensor) -> Tensor:
    """A tensor in its working type; itself if it has it already."""
    return x.to(working_dtype(x.dtype))
